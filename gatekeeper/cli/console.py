"""Implement `gatekeeper console`: show a finished session on a web page."""

import asyncio
from contextlib import closing, suppress

from gatekeeper.cli.console_option import LOOPBACK
from gatekeeper.cli.options import ConsoleHostOption, ConsolePortOption, SessionArg, TrackerOption
from gatekeeper.cli.output import say
from gatekeeper.cli.settings import known_tracker


def console(
    session_dir: SessionArg,
    console_host: ConsoleHostOption = None,
    console_port: ConsolePortOption = None,
    tracker: TrackerOption = None,
) -> None:
    """Review a recorded session: play, step, jump to holds, and judge it under other limits. Ends with Ctrl-C."""
    from gatekeeper.display.web.access import Access
    from gatekeeper.display.web.loading import Loading
    from gatekeeper.display.web.patient_routes import patient_routes
    from gatekeeper.display.web.serve import listening_for_page, make_server, url_of
    from gatekeeper.display.web.server import make_app
    from gatekeeper.display.web.what_if_routes import what_if_route
    from replay.formats.session import open_session
    from replay.sessions.rejudge import Rejudged
    from replay.sessions.review import Review

    host = console_host or LOOPBACK
    named = known_tracker(tracker)
    access = Access.of(host, control=False)
    with closing(open_session(session_dir)) as session:
        if session.chain.finding is not None:
            say(f"gatekeeper: {session_dir}: {session.chain.finding}; the lines before it are shown", err=True)
        with listening_for_page(host, console_port or 0) as server_socket:
            port = server_socket.getsockname()[1]

            def end() -> None:
                server.should_exit = True

            preparing = Loading(lambda on_frame: Review(session, Rejudged(session, on_frame, named)), end)
            app = make_app(preparing, access, [what_if_route(preparing, access), *patient_routes(preparing, access)])
            server = make_server(app, lambda: say(f"console  {url_of(access, port)}"))
            with preparing, suppress(KeyboardInterrupt):
                asyncio.run(server.serve([server_socket]))
            if preparing.failure is not None:
                raise preparing.failure
