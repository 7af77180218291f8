"""Serve the page of a finished session: for `gatekeeper console`, and for the pages that a live session leaves open."""

import asyncio
import socket
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.cli.output import say

if TYPE_CHECKING:
    import uvicorn

    from gatekeeper.display.web.access import Access
    from gatekeeper.display.web.loading import OnFrame
    from replay.sessions.review import Review

IDLE_S = 30.0
"""Time without any page after which the review of a session that has just ended is no longer served, in s."""


def serve_review(
    folder: Path,
    server_socket: socket.socket,
    access: "Access",
    told: str,
    tracker: str | None = None,
    idle_s: float | None = None,
) -> None:
    """Serve a finished session until Ctrl-C.

    Parameters
    ----------
    folder : Path
        The session.
    server_socket : socket
        Where it is served; closed by the caller.
    access : Access
        Access rules of the page.
    told : str
        What is said once it is served, before its address.
    tracker : str, optional
        Tracker to use; by default the one that the session was recorded with.
    idle_s : float, optional
        Time without any page after which it ends by itself, in s; by default it does not.

    Raises
    ------
    RecordingError
        When the folder holds no session that can be shown.
    """
    from gatekeeper.cli.compilation import compile_kernels
    from gatekeeper.display.web.loading import Loading
    from gatekeeper.display.web.patient_routes import patient_routes
    from gatekeeper.display.web.report_route import report_route
    from gatekeeper.display.web.serve import make_server, url_of
    from gatekeeper.display.web.server import make_app
    from gatekeeper.display.web.what_if_routes import what_if_route

    with ExitStack() as opened:

        def review(on_frame: "OnFrame") -> "Review":
            # While the page is served already: what tracking needs takes longer to import than the page does.
            compile_kernels()
            from replay.formats.session import open_session
            from replay.sessions.rejudge import Rejudged
            from replay.sessions.review import Review

            session = opened.enter_context(closing(open_session(folder)))
            if session.chain.finding is not None:
                say(f"gatekeeper: {folder}: {session.chain.finding}; the lines before it are shown", err=True)
            return Review(session, Rejudged(session, on_frame, tracker))

        def report() -> str:
            from replay.sessions.report import report_of

            return report_of(folder, tracker)

        def end() -> None:
            server.should_exit = True

        preparing = Loading(review, end)
        routes = [
            what_if_route(preparing, access),
            report_route(access, report),
            *patient_routes(preparing, access),
        ]
        address = url_of(access, server_socket.getsockname()[1])
        server = make_server(make_app(preparing, access, routes), lambda: say(f"{told}  {address}"))
        with preparing, suppress(KeyboardInterrupt):
            asyncio.run(_serve(server, server_socket, idle_s))
        if preparing.failure is not None:
            raise preparing.failure


async def _serve(server: "uvicorn.Server", server_socket: socket.socket, idle_s: float | None) -> None:
    """Serve until the server ends, or no page was there for `idle_s`."""
    watch = None if idle_s is None else asyncio.create_task(_end_idle(server, idle_s))
    await server.serve([server_socket])
    if watch is not None:
        watch.cancel()


async def _end_idle(server: "uvicorn.Server", idle_s: float) -> None:
    loop = asyncio.get_running_loop()
    last_s = loop.time()
    while loop.time() - last_s < idle_s:
        await asyncio.sleep(0.5)
        if server.server_state.connections:
            last_s = loop.time()
    server.should_exit = True
