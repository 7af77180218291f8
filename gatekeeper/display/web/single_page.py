"""Serve one self-contained page on this machine, until Ctrl-C."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from gatekeeper.core.errors import GatekeeperError
from gatekeeper.display.web.access import SELF_CONTAINED, Access, Guard
from gatekeeper.display.web.serve import listening_for_page, make_server, url_of

OpenSession = Callable[[Path], str]
"""Opens a session, and returns the address of its console."""
FOLLOW_A_LINK = "A session is opened from the page of its course; follow the link there.\n"


def page_app(html: str, access: Access, folders: Sequence[Path] = (), opens: OpenSession | None = None) -> Starlette:
    """Return the web application of a page that holds its style and pictures itself, and runs nothing.

    Parameters
    ----------
    html : str
        The page.
    access : Access
        Access rules of the console.
    folders : sequence of Path
        Sessions that the page links to as ``/session/0`` and so on.
    opens : callable, optional
        Opens one of them.
    """

    async def page(_request: Request) -> HTMLResponse:
        return HTMLResponse(html)

    async def session(request: Request) -> Response:
        number = request.path_params["number"]
        # Opening starts a process: pages of other sites must not be able to, and a browser tells whose link it follows.
        if request.headers.get("sec-fetch-site") != "same-origin":
            return PlainTextResponse(FOLLOW_A_LINK, 403)
        if opens is None or number >= len(folders):
            return PlainTextResponse("Session not found.\n", 404)
        try:
            return RedirectResponse(await asyncio.to_thread(opens, folders[number]), 303)
        except GatekeeperError as error:
            return PlainTextResponse(f"{error}\n", 502)

    guard = Middleware(Guard, access=access, headers=SELF_CONTAINED)
    return Starlette(routes=[Route("/", page), Route("/session/{number:int}", session)], middleware=[guard])


def serve_page(
    html: str,
    host: str,
    port: int,
    say: Callable[[str], None],
    folders: Sequence[Path] = (),
    opens: OpenSession | None = None,
) -> None:
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
    folders : sequence of Path
        See `page_app`.
    opens : callable, optional
        See `page_app`.

    Raises
    ------
    InputError
        When the port is not available.
    """
    access = Access.of(host, control=False)
    with listening_for_page(host, port) as server_socket, suppress(KeyboardInterrupt):
        address = url_of(access, server_socket.getsockname()[1])
        server = make_server(page_app(html, access, folders, opens), lambda: say(f"console  {address}"))
        asyncio.run(server.serve([server_socket]))
