"""Waiting: what goes on before the first frame is judged, with the beam held: frames come and operators are heard."""

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
"""Where a hold comes from that was asked for while there was nothing to be held yet."""
NEWEST = "the newest frame"
"""What messages call a frame that will not do, so that they are the same for the next one."""
JournalEvent = tuple[str, float, Mapping[str, object]]
"""An event for the journal: its name, the session time in seconds, and plain values for JSON."""


class Startup(Protocol):
    """What a session waits for."""

    @property
    def missing(self) -> str:
        """What there is not yet, for whoever asks for something else."""
        ...

    @property
    def events(self) -> Sequence[JournalEvent]:
        """What the journal says about it, oldest first."""
        ...

    def step(self, frame: Frame | None) -> tuple[SessionSetup, Armed] | None:
        """Take in a frame, or that none has come, and return what the session begins with; None to go on waiting."""
        ...


class FirstFrame:
    """Puts the target on the first frame on which it can be.

    Parameters
    ----------
    definition : SessionDefinition
        Where the target is.
    status : SessionStatus
        Shows why a frame will not do.
    clock : Clock
        Session time.
    """

    missing = "there is no frame yet, and the beam is held"
    events: Sequence[JournalEvent] = ()

    def __init__(self, definition: SessionDefinition, status: SessionStatus, clock: Clock) -> None:
        self._definition, self._status, self._clock = definition, status, clock
        self._reported: str | None = None

    def step(self, frame: Frame | None) -> tuple[SessionSetup, Armed] | None:
        """Return what the session begins with on a frame; None when the target is not on it."""
        if self._reported is None:
            self._reported = ""
            self._status.add_line(self._clock.now_s(), "waits for the first frame, on which the target is put")
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
    """Return what a session begins with; None when it is ended before.

    Whoever holds the beam meanwhile holds it in the session, too, from its first frame on.

    Parameters
    ----------
    startup : Startup
        What is waited for.
    source : FrameSource
        Where frames come from.
    requests : RequestQueue
        Where operators ask.
    is_over : callable
        Returns whether the session has been ended; called in every pass.
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
    """Return a frame as the image on which the target is known; messages call it by its number unless they are told."""
    return Reference(frame.image.copy(), frame.spacing_mm, frame.plane, where or f"frame {frame.sequence}")
