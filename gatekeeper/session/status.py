"""The board: how a session is at this moment, put up by the loop and read by any number of other threads.

What is shown is replaced as a whole, never changed, so that a reader waits for nobody and keeps nobody waiting; one
that is slow misses what was there in between. Lines, which come seldom, are kept until they are many.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.contour import Structure
from gatekeeper.core.decision import Decision
from gatekeeper.core.frame import Frame
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.core.step import Step
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.runtime.timing import Durations
from gatekeeper.session.arming import Armed, Learned
from gatekeeper.session.phases import Phase


@dataclass(frozen=True, slots=True, eq=False)
class ContouringStatus:
    """What the target is being drawn on.

    Attributes
    ----------
    frame : Frame or None
        The frame that was taken, or the newest; None before the first. An image from a file has the number -1.
    taken : bool
        Whether it stands and can be drawn on.
    fixed : bool
        Whether it comes from a file, so that no other can be taken.
    margin_mm : float
        From the target to its envelope, in mm, unless the operator says otherwise.
    proposal_px : ndarray of float64, shape (N, 2), or None
        An outline to be adjusted, as (row, col), where there is one.
    avoid : tuple of Structure
        What is to be avoided, where that is known.
    """

    frame: Frame | None
    taken: bool
    fixed: bool
    margin_mm: float
    proposal_px: NDArray[np.float64] | None = None
    avoid: tuple[Structure, ...] = ()


MOST_LINES = 500
MOST_RECENT = 256
"""So many decisions are kept for readers that must not miss one."""
RATE_FRAMES = 17
"""The frame rate is that of so many last frames."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that a reader should be told once.

    Attributes
    ----------
    number : int
        Counts from 0 and tells what was read already.
    time_s : float
        Session time in seconds.
    text : str
        One line.
    """

    number: int
    time_s: float
    text: str


class RecentDecision(NamedTuple):
    """A decision with what it was made on, without the image.

    Attributes
    ----------
    number : int
        Counts decisions from 0 and tells what was read already.
    decision : Decision
        What the linac was told.
    center_mm : tuple of float or None
        Where the target was, as (row, col) in mm.
    confidence : float
        How sure that was, 0-1; NaN where it was not looked for.
    """

    number: int
    decision: Decision
    center_mm: tuple[float, float] | None
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Status:
    """How a session is.

    Attributes
    ----------
    phase : Phase
        Where it is.
    since_s, now_s : float
        Session time at which the phase began, and of the newest pass of the loop, in seconds.
    link_alive : bool
        The linac answers.
    step : Step or None
        The newest pass, be it on a frame or on silence; None before the first.
    last_frame_step : Step or None
        The newest pass on a frame; None before the first.
    counts : SessionCounts
        What has been counted so far.
    rate_hz : float
        Frames per second lately; NaN until there are two.
    latency : Durations
        From a frame's arrival until its decision was sent, in real time; it goes on counting.
    preview_progress : tuple of float
        Seconds of preview so far, and how many are wanted.
    contouring : ContouringStatus or None
        What the target is being drawn on; None unless it is.
    """

    phase: Phase = Phase.CONNECT
    since_s: float = 0.0
    now_s: float = 0.0
    link_alive: bool = False
    step: Step | None = None
    last_frame_step: Step | None = None
    counts: SessionCounts = field(default_factory=SessionCounts)
    rate_hz: float = math.nan
    latency: Durations = Durations()  # noqa: RUF009  (replaced by the board's own)
    preview_progress: tuple[float, float] = (0.0, 0.0)
    contouring: ContouringStatus | None = None

    @property
    def frame(self) -> Frame | None:
        """The frame to be shown: that on which the target is drawn, or the newest that was judged."""
        if self.contouring is not None:
            return self.contouring.frame
        return None if self.last_frame_step is None else self.last_frame_step.frame


class FrameRate:
    """Measures the rate of the last frames."""

    def __init__(self) -> None:
        self._received_s: deque[float] = deque(maxlen=RATE_FRAMES)

    def add(self, received_s: float) -> None:
        """Take in when a frame arrived, in seconds of session time."""
        self._received_s.append(received_s)

    @property
    def hz(self) -> float:
        """Frames per second; NaN until there are two."""
        received_s = self._received_s
        lasted_s = received_s[-1] - received_s[0] if len(received_s) > 1 else 0.0
        return (len(received_s) - 1) / lasted_s if lasted_s > 0.0 else math.nan


class SessionStatus:
    """Takes in what happens, on the loop's thread, in some microseconds.

    Attributes
    ----------
    current : Status
        How the session is; read it once and look at that.
    lines : tuple of Line
        What readers should be told, oldest first; old ones go when they are many.
    recent : deque of Passed
        The last decisions, oldest first; take a copy.
    begun : tuple or None
        What the session began with and the engine for it, once there is one.
    learned : Learned or None
        What the preview has taught, once it has.
    not_kept : callable
        Returns how many frames could not be recorded so far; asked on the loop's thread.
    """

    def __init__(self) -> None:
        self.current = Status(latency=Durations())
        self.lines: tuple[Line, ...] = ()
        self.recent: deque[RecentDecision] = deque(maxlen=MOST_RECENT)
        self.begun: tuple[SessionSetup, Armed] | None = None
        self.learned: Learned | None = None
        self._said = 0
        self.not_kept: Callable[[], int] = lambda: 0
        self._rate = FrameRate()

    def add_line(self, time_s: float, text: str) -> None:
        """Tell readers one line."""
        self.lines = (*self.lines, Line(self._said, time_s, text))[-MOST_LINES:]
        self._said += 1

    def begin(self, setup: SessionSetup, armed: Armed) -> None:
        """Show what decisions are made with."""
        self.begun = setup, armed

    def enter(self, phase: Phase, time_s: float) -> None:
        """Show another phase."""
        self.current = replace(self.current, phase=phase, since_s=time_s, now_s=time_s, contouring=None)

    def show_link(self, alive: bool) -> None:
        """Show whether the linac answers, before anything is sent to it again and again."""
        if alive is not self.current.link_alive:
            self.current = replace(self.current, link_alive=alive)

    def show_contouring(self, contouring: ContouringStatus, time_s: float) -> None:
        """Show what the target is being drawn on."""
        self.current = replace(self.current, contouring=contouring, now_s=time_s)

    def show_preview(self, seconds: float, wanted_s: float) -> None:
        """Show how much of the preview there is, in seconds."""
        self.current = replace(self.current, preview_progress=(seconds, wanted_s))

    def update(self, step: Step, total_ms: float, link_alive: bool) -> None:
        """Take in one pass of the loop.

        Parameters
        ----------
        step : Step
            The pass.
        total_ms : float
            Real time from the frame's arrival until its decision was sent, in ms.
        link_alive : bool
            The linac answers.
        """
        old, frame, now_s, track = self.current, step.frame, step.decision.time_s, step.track
        center_mm, confidence = (None, math.nan) if track is None else (track.center_mm, track.confidence)
        self.recent.append(RecentDecision(old.counts.decisions, step.decision, center_mm, confidence))
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
        )
