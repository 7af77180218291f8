"""Serving the page: one socket, one event loop."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from gatekeeper.display.web.access import Access

LARGEST_MESSAGE = 4096
"""What browsers send is short."""
MOST_CONNECTIONS = 200
SEND_BUFFER = 1 << 18


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there.

    Raises
    ------
    OSError
        When that is not possible.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it: what a slow browser has not taken yet stays little.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        server.bind((host, port))
        server.listen(128)
    except BaseException:
        server.close()
        raise
    return server


def url_of(access: Access, port: int) -> str:
    """Return the address of the page; a token stands behind the #, which browsers send to nobody."""
    host = f"[{access.host}]" if ":" in access.host else access.host
    return f"http://{host}:{port}/" + ("" if access.token is None else f"#token={access.token}")


def make_server(app: Starlette, begin: Callable[[], None] | None = None) -> uvicorn.Server:
    """Return the server of an application, which keeps no log.

    Parameters
    ----------
    app : Starlette
        The application.
    begin : callable, optional
        Called once the event loop runs.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=1,
    )
    return _Server(config, begin)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, begin: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._begin = begin

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._begin is not None:
            self._begin()
