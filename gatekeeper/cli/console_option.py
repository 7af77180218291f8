"""What commands with `--console` make of it: a page in a process of its own, kept up to date from the board."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.config import SessionConfig
from gatekeeper.core.clock import Clock
from gatekeeper.core.errors import ConfigError

if TYPE_CHECKING:
    from gatekeeper.display.web.process import Console
    from gatekeeper.operator.request_queue import RequestQueue
    from gatekeeper.session.contouring.requests import ContourRequests
    from gatekeeper.session.status import SessionStatus

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Page:
    """Address of the page, and what it shows besides the session.

    Attributes
    ----------
    host, port : str, int
        Where; port 0 is a free one.
    control : bool
        Whether operators may ask for something there.
    beam_s, breath_hold_s : float or None
        Prescribed beam-on time, and how long a breath is held, in seconds.
    """

    host: str
    port: int
    control: bool
    beam_s: float | None
    breath_hold_s: float | None


def page_of(
    wanted: bool,
    host: str | None = None,
    port: int | None = None,
    control: bool = False,
    beam_s: float | None = None,
    breath_hold_s: float | None = None,
) -> Page | None:
    """Return the page for the options; None without `--console`.

    Raises
    ------
    ConfigError
        When an option says how it is to be, and none says that it is to be.
    """
    if wanted:
        return Page(host or LOOPBACK, port or 0, control, beam_s, breath_hold_s)
    options = {
        "console-host": host,
        "console-port": port,
        "control": control or None,
        "prescribed-s": beam_s,
        "breath-hold-s": breath_hold_s,
    }
    for name, value in options.items():
        if value is not None:
            raise ConfigError(f"command line: {name} = {value}: there is no console; give --console, too")
    return None


@contextmanager
def shown(
    page: Page | None,
    name: str,
    config: SessionConfig,
    words: tuple[str, str],
    status: "SessionStatus",
    clock: Clock,
    say: Callable[[str], None],
    requests: "RequestQueue | None" = None,
    contour_requests: "ContourRequests | None" = None,
) -> Iterator["Console | None"]:
    """Serve a page during a session, if one is requested, and yield its console.

    Parameters
    ----------
    page : Page or None
        What is wanted.
    name : str
        What the session is called.
    config : SessionConfig
        Its settings.
    words : tuple of str
        Source and linac, in words.
    status : SessionStatus
        Where it is shown.
    clock : Clock
        Its time.
    say : callable
        Tells the operator where the page is.
    requests : RequestQueue, optional
        Where the page's operators ask.
    contour_requests : ContourRequests, optional
        Where they draw the target.

    Raises
    ------
    InputError
        When the page cannot be served there.
    """
    if page is None:
        yield None
        return
    from gatekeeper.display.web.process import Address, Console
    from gatekeeper.display.web.publisher import WebPublisher
    from gatekeeper.display.web.session_info import Mode, SessionInfo

    mode = Mode.REPLAY if requests is None else Mode.DRY_RUN if config.is_dry_run else Mode.LIVE
    facts = SessionInfo.of(name, config, *words, page.beam_s, page.breath_hold_s, mode)
    drawn = contour_requests is not None and contour_requests.is_open
    console = Console(Address(page.host, page.port, page.control, drawn), facts)
    try:
        say(f"console  {console.url}")
        say(f"patient  {console.patient_url}")
        with WebPublisher(status, clock, console, requests, contour_requests, config.loop.fifo_priority):
            yield console
    finally:
        console.close()
