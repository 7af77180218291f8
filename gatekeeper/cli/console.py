"""Implement `gatekeeper console`: list the sessions and recordings below a folder, or show one session."""

import asyncio
import signal
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.console_option import LOOPBACK
from gatekeeper.cli.options import ConsoleHostOption, ConsolePortOption, TrackerOption
from gatekeeper.cli.output import say
from gatekeeper.cli.settings import known_tracker
from gatekeeper.core.errors import ConfigError, InputError

SESSIONS = Path("sessions")
"""Folder in which replays write their sessions where no other is named."""
PlaceArg = Annotated[
    Path | None,
    typer.Argument(
        help="Folder of a session, or a folder with sessions and recordings at any depth.",
        metavar="FOLDER|SESSION_DIR",
        show_default="sessions",
    ),
]

if TYPE_CHECKING:
    from gatekeeper.display.web.loading import OnFrame
    from replay.sessions.review import Review


def console(
    place: PlaceArg = None,
    console_host: ConsoleHostOption = None,
    console_port: ConsolePortOption = None,
    tracker: TrackerOption = None,
) -> None:
    """List sessions and recordings, find, open and compare them; or review one session. Ends with Ctrl-C.

    A recording that is dropped on the list is shown, and replayed into a new session below the folder.
    """
    from gatekeeper.recording.folder_files import JOURNAL

    host, port = console_host or LOOPBACK, console_port or 0
    if place is None and not SESSIONS.is_dir():
        raise InputError(f"command line: there is no folder {SESSIONS} here; name one with sessions or recordings")
    path = SESSIONS if place is None else place
    if (path / JOURNAL).is_file():
        _show_session(path, host, port, known_tracker(tracker))
        return
    if tracker is not None:
        raise ConfigError(f"command line: tracker = {tracker}: is for one session; name its folder")
    if not path.is_dir():
        raise InputError(f"{path}: is neither a session nor a folder; name one with sessions or recordings")
    _show_library(path, host, port)


def _show_library(folder: Path, host: str, port: int) -> None:
    """Serve the list of what is below a folder; only holders of the token may see it, as it takes in files."""
    from gatekeeper.cli.compilation import compile_kernels

    compile_kernels()
    from gatekeeper.cli.library import Library
    from gatekeeper.display.web.access import Access
    from gatekeeper.display.web.library_routes import library_app
    from gatekeeper.display.web.serve import listening_for_page, make_server, url_of
    from gatekeeper.runtime.process import lower_priority

    lower_priority()
    # What was dropped is removed however the library is told to end.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    access = Access.of(host, control=True)
    with listening_for_page(host, port) as server_socket, Library(folder, host) as library, suppress(KeyboardInterrupt):
        address = url_of(access, server_socket.getsockname()[1])
        server = make_server(library_app(library, access), lambda: say(f"console  {address}"))
        asyncio.run(server.serve([server_socket]))


def _show_session(folder: Path, host: str, wanted_port: int, tracker: str | None) -> None:
    from gatekeeper.cli.compilation import compile_kernels
    from gatekeeper.display.web.access import Access
    from gatekeeper.display.web.loading import Loading
    from gatekeeper.display.web.patient_routes import patient_routes
    from gatekeeper.display.web.serve import listening_for_page, make_server, url_of
    from gatekeeper.display.web.server import make_app
    from gatekeeper.display.web.what_if_routes import what_if_route

    access = Access.of(host, control=False)
    with ExitStack() as opened, listening_for_page(host, wanted_port) as server_socket:
        port = server_socket.getsockname()[1]

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

        def end() -> None:
            server.should_exit = True

        preparing = Loading(review, end)
        app = make_app(preparing, access, [what_if_route(preparing, access), *patient_routes(preparing, access)])
        server = make_server(app, lambda: say(f"console  {url_of(access, port)}"))
        with preparing, suppress(KeyboardInterrupt):
            asyncio.run(server.serve([server_socket]))
        if preparing.failure is not None:
            raise preparing.failure
