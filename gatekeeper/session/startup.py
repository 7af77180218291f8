"""The time before the first decision: frames arrive, operators are answered, and the beam is held."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from gatekeeper.core.clock import Clock
from gatekeeper.core.command import Action
from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import FrameSource
from gatekeeper.operator.request import Request
from gatekeeper.operator.request_queue import RequestQueue
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import Armed
from gatekeeper.session.definition import SessionDefinition
from gatekeeper.session.loop import OPERATOR_S
from gatekeeper.session.status import SessionStatus
from gatekeeper.session.target import Reference
from gatekeeper.sources.newest_frame import NewestFrame

ORIGIN = "before the first frame"
"""Origin of a hold that was requested before the session began."""
NEWEST = "the newest frame"
"""Name of a frame in messages; it carries no number, so that equal messages can be recognised."""
JournalEvent = tuple[str, float, Mapping[str, object]]
"""An event for the journal: name, session time in s, and values for JSON."""


class Startup(Protocol):
    """What must happen before the first decision."""

    @property
    def missing(self) -> str:
        """What the session is waiting for, as the answer to requests that cannot be granted yet."""
        ...

    @property
    def events(self) -> Sequence[JournalEvent]:
        """Events for the journal, oldest first."""
        ...

    def step(self, frame: Frame | None) -> tuple[SessionSetup, Armed] | None:
        """Process a frame, or None when no frame has arrived.

        Returns
        -------
        tuple of SessionSetup and Armed, or None
            Setup and engine of the session; None to keep waiting.
        """
        ...


class FirstFrame:
    """Place the target on the first frame on which this is possible.

    Parameters
    ----------
    definition : SessionDefinition
        Where the target is.
    status : SessionStatus
        Shows why a frame cannot be used.
    clock : Clock
        Session time.
    """

    missing = "there is no frame yet, and the beam is held"
    events: Sequence[JournalEvent] = ()

    def __init__(self, definition: SessionDefinition, status: SessionStatus, clock: Clock) -> None:
        self._definition, self._status, self._clock = definition, status, clock
        self._reported: str | None = None

    def step(self, frame: Frame | None) -> tuple[SessionSetup, Armed] | None:
        """Return setup and engine of the session on a frame; None when the target is not on it."""
        if self._reported is None:
            self._reported = ""
            self._status.add_line(self._clock.now_s(), "waiting for the first frame, on which the target is placed")
        if frame is None:
            return None
        try:
            return self._definition.begin(reference_of(frame, NEWEST))
        except InputError as error:
            if str(error) != self._reported:
                self._reported = str(error)
                self._status.add_line(self._clock.now_s(), f"no reference: {self._reported}")
        return None


def wait_for_start(
    startup: Startup, source: FrameSource, requests: RequestQueue, is_over: Callable[[], bool]
) -> tuple[SessionSetup, Armed] | None:
    """Wait until a session can begin, and return its setup and engine; None when it is ended before.

    A hold that is requested meanwhile applies from the first frame of the session on.

    Parameters
    ----------
    startup : Startup
        What is waited for.
    source : FrameSource
        Supplies the frames.
    requests : RequestQueue
        Requests of the operators.
    is_over : callable
        Return whether the session has been ended; called in every pass.

    Returns
    -------
    tuple of SessionSetup and Armed, or None
        Setup and engine of the session.
    """
    newest, holding = NewestFrame(source), None
    begun = startup.step(None)
    while begun is None and not newest.ended() and not is_over():
        frame = newest.next_frame(OPERATOR_S)
        if (command := requests.next_command()) is not None:
            accepted = requests.ending is not None
            match command.action:
                case Action.HOLD:
                    holding, accepted = command.operator, True
                case Action.RELEASE:
                    holding, accepted = None, holding is not None
            requests.complete(command.time_s, {"accepted": accepted, "note": startup.missing})
            if requests.ending is not None:
                return None
        begun = startup.step(frame)
    if holding is not None:
        requests.submit(Request(Action.HOLD, holding, ORIGIN))
    return begun


def reference_of(frame: Frame, where: str | None = None) -> Reference:
    """Return a frame as a reference; its name in messages is its number unless `where` is given."""
    return Reference(frame.image.copy(), frame.spacing_mm, frame.plane, where or f"frame {frame.sequence}")
