"""Serve one self-contained page on this machine, until Ctrl-C."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from gatekeeper.display.web.access import SELF_CONTAINED, Access, Guard
from gatekeeper.display.web.serve import listening_for_page, make_server, url_of


def page_app(html: str, access: Access) -> Starlette:
    """Return the web application of a page that holds its style and pictures itself, and runs nothing."""

    async def page(_request: Request) -> HTMLResponse:
        return HTMLResponse(html)

    guard = Middleware(Guard, access=access, headers=SELF_CONTAINED)
    return Starlette(routes=[Route("/", page)], middleware=[guard])


def serve_page(html: str, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve a page to browsers on this machine, until Ctrl-C.

    Parameters
    ----------
    html : str
        The page.
    host : str
        Address of this machine itself.
    port : int
        Port; 0 for a free one.
    say : callable
        Tells where it is.

    Raises
    ------
    InputError
        When the port is not available.
    """
    access = Access.of(host, control=False)
    with listening_for_page(host, port) as server_socket, suppress(KeyboardInterrupt):
        address = url_of(access, server_socket.getsockname()[1])
        server = make_server(page_app(html, access), lambda: say(f"console  {address}"))
        asyncio.run(server.serve([server_socket]))
