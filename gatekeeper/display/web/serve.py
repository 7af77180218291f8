"""Make the socket and the HTTP server of a console."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace

import uvicorn
from starlette.applications import Starlette

from gatekeeper.core.errors import InputError
from gatekeeper.display.web.access import Access

LARGEST_MESSAGE = 4096
"""Size of the largest websocket message from a browser, in bytes."""
MOST_CONNECTIONS = 200
REQUEST_S = 5.0
"""Time within which a connection sends its first request, in s; then it is closed."""
MOST_SILENT = 32
"""Largest number of connections without a request; beyond it the oldest are closed, for browsers to get through."""
SEND_BUFFER = 1 << 18
WATCHED = 3
"""Exit code of the console's process when a page was open at the end of the session."""
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  (compared, not listened on)


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Parameters
    ----------
    host : str
        Address or name on which to listen.
    port : int
        Port; 0 selects a free one.

    Returns
    -------
    socket
        To be closed by the caller.

    Raises
    ------
    OSError
        When the address is not available.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit this limit of the data that waits for a slow browser.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        server.bind((host, port))
        server.listen(128)
    except BaseException:
        server.close()
        raise
    return server


def listening_for_page(host: str, port: int) -> socket.socket:
    """Return a listening socket for a page that a command shows.

    Raises
    ------
    InputError
        When the address is not available.
    """
    try:
        return listening(host, port)
    except OSError as error:
        raise InputError(
            f"console on {host}:{port}: cannot listen there ({error.strerror or error}); give another --console-port, "
            "or 0 for a free one"
        ) from None


def url_of(access: Access, port: int) -> str:
    """Return the address of the page.

    Parameters
    ----------
    access : Access
        Access rules of the console.
    port : int
        Port of the console.

    Returns
    -------
    str
        With the token, if there is one, after the #: browsers do not send that part to any server.

    Examples
    --------
    >>> url_of(Access("127.0.0.1"), 8080)
    'http://127.0.0.1:8080/'
    """
    host = f"[{access.host}]" if ":" in access.host else access.host
    return f"http://{host}:{port}/" + ("" if access.token is None else f"#token={access.token}")


def patient_url_of(access: Access, port: int) -> str:
    """Return the address of the patient's page, which opens nothing else.

    Parameters
    ----------
    access : Access
        Access rules of the console.
    port : int
        Port of the console.

    Returns
    -------
    str
        With an address of this machine where the console listens on all of them, so that another screen can open it.

    Examples
    --------
    >>> patient_url_of(Access("192.0.2.7", token="operator", patient_token="patient"), 8080)
    'http://192.0.2.7:8080/patient#token=patient'
    """
    shown = replace(access, host=_own_address(access.host), token=access.patient_token)
    place, _, secret = url_of(shown, port).partition("#")
    return f"{place}patient{'#' if secret else ''}{secret}"


def _own_address(host: str) -> str:
    """Return the address of this machine on its network where a console listens on all addresses."""
    if host not in EVERYWHERE:
        return host
    family, far = (socket.AF_INET6, "2001:db8::1") if ":" in host else (socket.AF_INET, "192.0.2.1")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))  # sends nothing; only the route is looked up
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def make_server(app: Starlette, begin: Callable[[], None] | None = None) -> uvicorn.Server:
    """Return the server of an application, without a log.

    Parameters
    ----------
    app : Starlette
        The application.
    begin : callable, optional
        Called when the server accepts connections.

    Returns
    -------
    uvicorn.Server
        Not yet started.
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
        self._silent_since_s: dict[object, float] = {}

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._begin is not None:
            self._begin()

    async def on_tick(self, counter: int) -> bool:
        self.close_silent(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def close_silent(self, now_s: float) -> None:
        """Close connections without a request in time, and the oldest of too many; called ten times a second."""
        # A websocket has no such attribute.
        silent = [one for one in self.server_state.connections if getattr(one, "cycle", one) is None]
        self._silent_since_s = {one: self._silent_since_s.get(one, now_s) for one in silent}
        silent.sort(key=self._silent_since_s.__getitem__)
        surplus = len(silent) - MOST_SILENT
        for place, one in enumerate(silent):
            if place < surplus or now_s - self._silent_since_s[one] > REQUEST_S:
                one.transport.close()
