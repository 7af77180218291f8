"""Implement `gatekeeper console`: list the sessions and recordings below a folder, or show one session."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from typing import Annotated

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


def _show_session(folder: Path, host: str, port: int, tracker: str | None) -> None:
    from gatekeeper.cli.review_page import serve_review
    from gatekeeper.display.web.access import Access
    from gatekeeper.display.web.serve import listening_for_page

    access = Access.of(host, control=False)
    with listening_for_page(host, port) as server_socket:
        serve_review(folder, server_socket, access, "console", tracker)
