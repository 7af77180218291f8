"""The status of a session, written by the loop and read by other threads.

A status is replaced and never changed, so that neither readers nor the loop wait; a slow reader misses the ones in
between. Log lines are rare and are kept, up to a limit.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from gatekeeper.core.breath_holds import BreathHold
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.frame import Frame
from gatekeeper.core.phrases import MESSAGE, NO_PHRASE
from gatekeeper.core.printable import printable
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.operator.request import Request
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.runtime.timing import Durations
from gatekeeper.session.arming import Armed
from gatekeeper.session.contouring.state import ContouringStatus
from gatekeeper.session.phases import Phase
from gatekeeper.session.preview_learning import Learned
from gatekeeper.session.taken_frame import TakenFrame

MOST_LINES = 500
MOST_RECENT = 256
"""Number of decisions kept for readers that must not miss one."""
RATE_FRAMES = 17
"""Number of frames over which the frame rate is measured."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the event log.

    Attributes
    ----------
    number : int
        Consecutive number from 0, by which a reader skips what it has read.
    time_s : float
        Session time in s.
    text : str
        The text, without a line end.
    """

    number: int
    time_s: float
    text: str


class RecentDecision(NamedTuple):
    """A decision with the track it is based on, without the image.

    Attributes
    ----------
    number : int
        Consecutive number from 0, by which a reader skips what it has read.
    decision : Decision
        The decision.
    center_mm : tuple of float or None
        Centre of the target as (row, col) in mm.
    confidence : float
        Tracking confidence, 0-1; NaN where the target was not tracked.
    others : tuple of Track
        The other structures, in the order of the setup.
    """

    number: int
    decision: Decision
    center_mm: tuple[float, float] | None
    confidence: float
    others: tuple[Track, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Status:
    """Status of a session after one pass of the loop.

    Attributes
    ----------
    phase : Phase
        Current phase.
    since_s, now_s : float
        Session time of the phase's beginning and of the newest pass, in s.
    link_alive : bool
        Whether the linac answers.
    step : Step or None
        The newest pass, with or without a frame; None before the first.
    last_frame_step : Step or None
        The newest pass with a frame; None before the first.
    counts : SessionCounts
        Frames, holds and times so far.
    rate_hz : float
        Current frame rate; NaN until there are two frames.
    latency : Durations
        Real time from a frame's arrival until its decision was sent; shared between statuses, and still counting.
    preview_progress : tuple of float
        Length of the preview so far and when complete, in s.
    contouring : ContouringStatus or None
        The image on which the target is being drawn, in that phase.
    breath_holds : tuple of BreathHold
        Breath-holds of the primary target so far, oldest first, that in which the patient is among them.
    holding : bool
        Whether the patient is in the last of them.
    exposure : tuple of float or None
        Risk limit, and share of the time with the beam on while outside, so far and in the last minute, in percent;
        None without a limit.
    """

    phase: Phase = Phase.CONNECT
    since_s: float = 0.0
    now_s: float = 0.0
    link_alive: bool = False
    step: Step | None = None
    last_frame_step: Step | None = None
    counts: SessionCounts = field(default_factory=SessionCounts)
    rate_hz: float = math.nan
    latency: Durations = Durations()  # noqa: RUF009  (replaced by `SessionStatus`)
    preview_progress: tuple[float, float] = (0.0, 0.0)
    contouring: ContouringStatus | None = None
    exposure: tuple[float, float, float] | None = None
    breath_holds: tuple[BreathHold, ...] = ()
    holding: bool = False

    @property
    def decision(self) -> Decision | None:
        """The decision that stands; once the session has ended, the HOLD that was sent last."""
        if self.phase is Phase.ENDED:
            return Decision(-1, self.now_s, BeamState.HOLD, (Reason.NOT_ARMED,), math.nan)
        return None if self.step is None else self.step.decision

    @property
    def frame(self) -> Frame | None:
        """The frame to show: the one on which the target is drawn, or the newest one."""
        if self.contouring is not None:
            return self.contouring.frame
        return None if self.last_frame_step is None else self.last_frame_step.frame


class FrameRate:
    """Measure the rate of the last frames."""

    def __init__(self) -> None:
        self._received_s: deque[float] = deque(maxlen=RATE_FRAMES)

    def add(self, received_s: float) -> None:
        """Add the arrival of a frame, in seconds of session time."""
        self._received_s.append(received_s)

    @property
    def hz(self) -> float:
        """Frames per second; NaN until there are two frames."""
        received_s = self._received_s
        lasted_s = received_s[-1] - received_s[0] if len(received_s) > 1 else 0.0
        return (len(received_s) - 1) / lasted_s if lasted_s > 0.0 else math.nan


class SessionStatus:
    """The current status of a session, updated on the loop's thread within microseconds.

    Attributes
    ----------
    current : Status
        The current status; read it once and use that value, as it is replaced at any time.
    lines : tuple of Line
        The event log, oldest first; limited in length.
    recent : deque of RecentDecision
        The last decisions, oldest first; copy before use.
    begun : tuple or None
        Setup and armed engine of the session, once there are any.
    learned : Learned or None
        Result of the preview, once there is one.
    reference : TakenFrame or None
        The frame that an operator has asked to use as reference, until that is confirmed or its time is over.
    warnings : tuple of str
        What every face warns of, see `SessionConfig.warnings`.
    message : tuple of str and float
        What an operator tells the patient, a phrase of `gatekeeper.core.phrases`, and since when in seconds of session
        time; empty for nothing.
    latency_line : str
        Latency of the chain as measured, see `ChainLatency.as_line`; empty while nothing is.
    machine_beam : callable
        Return whether the machine's beam is on, as the linac says; None where it does not say.
    not_kept : callable
        Return the number of frames that could not be recorded so far; called on the loop's thread.
    """

    def __init__(self) -> None:
        self.current = Status(latency=Durations())
        self.lines: tuple[Line, ...] = ()
        self.recent: deque[RecentDecision] = deque(maxlen=MOST_RECENT)
        self.begun: tuple[SessionSetup, Armed] | None = None
        self.learned: Learned | None = None
        self.reference: TakenFrame | None = None
        self.warnings: tuple[str, ...] = ()
        self.message: tuple[str, float] = ("", 0.0)
        self.latency_line = ""
        self._line_count = 0
        self.machine_beam: Callable[[], bool | None] = lambda: None
        self.not_kept: Callable[[], int] = lambda: 0
        self._rate = FrameRate()

    def add_line(self, time_s: float, text: str) -> None:
        """Append a line to the event log."""
        self.lines = (*self.lines, Line(self._line_count, time_s, printable(text)))[-MOST_LINES:]
        self._line_count += 1

    def show_note(self, time_s: float, request: Request) -> None:
        """Set what the patient is told, if a request says so."""
        if request.word == MESSAGE:
            self.message = ("" if request.phrase == NO_PHRASE else request.phrase), time_s

    def begin(self, setup: SessionSetup, armed: Armed) -> None:
        """Set the setup and the engine on which decisions are based."""
        self.begun = setup, armed
        self.warnings = (*armed.config.warnings(), *setup.left_out)

    def enter(self, phase: Phase, time_s: float) -> None:
        """Set the phase."""
        self.current = replace(self.current, phase=phase, since_s=time_s, now_s=time_s, contouring=None)

    def show_link(self, alive: bool) -> None:
        """Set whether the linac answers, while no decisions are sent to it yet."""
        if alive is not self.current.link_alive:
            self.current = replace(self.current, link_alive=alive)

    def show_contouring(self, contouring: ContouringStatus, time_s: float) -> None:
        """Set the image on which the target is being drawn."""
        self.current = replace(self.current, contouring=contouring, now_s=time_s)

    def show_preview(self, seconds: float, wanted_s: float) -> None:
        """Set how much of the preview there is, in s, and how much is needed."""
        self.current = replace(self.current, preview_progress=(seconds, wanted_s))

    def update(self, step: Step, total_ms: float, link_alive: bool) -> None:
        """Add one pass of the loop.

        Parameters
        ----------
        step : Step
            The pass.
        total_ms : float
            Real time from the frame's arrival until its decision was sent, in ms.
        link_alive : bool
            Whether the linac answers.
        """
        old, frame, now_s, track = self.current, step.frame, step.decision.time_s, step.track
        center_mm, confidence = (None, math.nan) if track is None else (track.center_mm, track.confidence)
        self.recent.append(RecentDecision(old.counts.decisions, step.decision, center_mm, confidence, step.others))
        if frame is not None:
            self._rate.add(frame.received_s)
            old.latency.add(total_ms)
        self.current = Status(
            phase=old.phase,
            since_s=old.since_s,
            now_s=now_s,
            link_alive=link_alive,
            step=step,
            last_frame_step=old.last_frame_step if frame is None else step,
            counts=old.counts.with_step(step).with_not_kept(self.not_kept()),
            rate_hz=self._rate.hz,
            latency=old.latency,
            preview_progress=old.preview_progress,
            exposure=None if self.begun is None else self.begun[1].gate.exposure,
            **self._breath_holds(),
        )

    def _breath_holds(self) -> dict[str, Any]:
        held = None if self.begun is None else self.begun[1].gate.held
        if held is None:
            return {}
        found, latest = held.recogniser, held.recogniser.latest
        holds = found.holds if latest is None else (*found.holds, latest)
        return {"breath_holds": holds, "holding": found.holding and latest is not None}
