"""Judging again: what a session comes to with another margin or limit, without tracking anew.

Neither changes what the tracker finds. So the target is found once on every frame, and each set of settings costs the
gate's work alone. The decisions are those that `gatekeeper replay SESSION_DIR` makes with the same settings.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import with_limits
from gatekeeper.core.decision import Decision, Reason
from gatekeeper.core.errors import RecordingError, TrackerError
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import TargetTracker
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.gating.frame_checks import FrameChecks
from gatekeeper.gating.motion import LearnedRange
from gatekeeper.session.arming import Armed, gate_of
from gatekeeper.session.engine import Engine
from replay.formats.session import Entry, RecordedSession
from replay.sessions.events import LEARNED, TOLD_ONLY, command_of
from replay.sessions.redo import circumstances, redo
from replay.sessions.session_tracker import GivenTracker, arm_session

NO_IMAGE = np.zeros((1, 1), np.float32)

OnFrame = Callable[[int, int], None]
"""Told how many frames were tracked, and of how many."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One decision or event of a session, with what was found on its frame.

    Attributes
    ----------
    entry : dict
        Its line of the journal.
    frame : Frame or None
        The frame without its pixels; None where there was none.
    checks : FrameChecks or None
        What the frame was by itself.
    track : Track or tuple of Track or None
        Where the target was found, or each of several structures.
    motion : LearnedRange or None
        The range of motion that the gate had from then on, where something was learned.
    failed : bool
        Whether the tracker, a plug-in, failed on the frame.
    """

    entry: Entry
    frame: Frame | None = None
    checks: FrameChecks | None = None
    track: Track | tuple[Track, ...] | None = None
    motion: LearnedRange | None = None
    failed: bool = False

    @property
    def target(self) -> Track | None:
        """Where the target was found."""
        return self.track[0] if isinstance(self.track, tuple) else self.track


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A session under some settings.

    Attributes
    ----------
    decisions : list of Decision
        One for each of the session's own, oldest first.
    counts : SessionCounts
        The same in numbers.
    envelope_px : ndarray of float64, shape (N, 2)
        Where the target had to stay at the end, as (row, col).
    """

    decisions: list[Decision]
    counts: SessionCounts
    envelope_px: NDArray[np.float64]


class Rejudged:
    """A session whose target was found on every frame, to be judged with any margin and limit.

    Parameters
    ----------
    session : RecordedSession
        The session; from the first frame that was not kept on, it is left out.
    on_frame : callable, optional
        Told of every frame.
    tracker : str or TrackerFactory, optional
        Finds the target; by default the tracker that the session was recorded with.

    Attributes
    ----------
    seen : list of Seen
        Every decision and event, oldest first.
    config : SessionConfig
        The settings of the session itself.

    Raises
    ------
    RecordingError
        When the session was recorded without its reference, or no frame of it was kept.
    """

    def __init__(
        self, session: RecordedSession, on_frame: OnFrame = lambda *_: None, tracker: GivenTracker = None
    ) -> None:
        if session.setup is None or not session.rows():
            raise RecordingError(f"{session.folder}: holds no reference or no frame; a session is judged from both")
        self._setup = session.setup
        self.config = session.config()
        spy = _Spy()
        armed = arm_session(session, self.config, tracker, spy.on)
        self._motion = armed.motion
        self.seen = list(_seen(session, armed, spy, on_frame))

    def judge(self, margin_mm: float, outside_percent: float) -> Judged:
        """Return the session with another margin, in mm, and limit of the share outside, in percent.

        Raises
        ------
        ConfigError
            When they are beyond what the settings allow.
        """
        config = with_limits(self.config, margin_mm, outside_percent, "judging again")
        gate = gate_of(self._setup, config, self._motion)
        engine = Engine(_Spy(), gate, lambda: 0, config.profile)
        counts, decisions = SessionCounts(), []
        for seen in self.seen:
            entry = seen.entry
            if entry["kind"] == "event":
                if entry["event"] == LEARNED:
                    engine.adopt(_Spy(), seen.motion)
                elif entry["event"] not in TOLD_ONLY:
                    engine.command(command_of(entry))
                continue
            now_s, link_alive = circumstances(entry)
            if seen.frame is None or seen.checks is None:
                decision = engine.silence(now_s, link_alive=link_alive).decision
            else:
                if seen.failed:
                    engine.latch(Reason.ENGINE_FAULT)
                decision = engine.judge(seen.frame, seen.checks, seen.track, now_s, link_alive=link_alive)
            counts = counts.with_step(Step(decision, seen.frame))
            decisions.append(decision)
        return Judged(decisions, counts, gate.envelope.contour_px)


class _Spy:
    """Stands around whatever tracker the engine has, and remembers what it last found."""

    def __init__(self) -> None:
        self._tracker: TargetTracker | None = None
        self.found: Track | tuple[Track, ...] | None = None
        self.failed = False

    def on(self, tracker: TargetTracker) -> TargetTracker:
        """Stand around this one from now on."""
        self._tracker = tracker
        return self

    def track(self, image: NDArray[np.float32]) -> Track | tuple[Track, ...]:
        """Return what the tracker finds."""
        assert self._tracker is not None  # noqa: S101  (what was tracked before is not tracked again)
        try:
            self.found = self._tracker.track(image)
        except TrackerError:
            self.failed = True
            raise
        return self.found


def _seen(session: RecordedSession, armed: Armed, spy: _Spy, on_frame: OnFrame) -> Iterator[Seen]:
    """Yield every decision and event, each frame looked at and tracked as it was."""
    done, total = 0, len(session.rows())
    for one in redo(session, armed):
        track, failed = spy.found, spy.failed
        spy.found, spy.failed = None, False
        if one.entry["kind"] == "event":
            yield Seen(one.entry, motion=armed.motion)
        elif one.step is None:
            return
        elif (frame := one.step.frame) is None:
            yield Seen(one.entry)
        else:
            yield Seen(one.entry, replace(frame, image=NO_IMAGE), armed.gate.check_frame(frame), track, failed=failed)
            done += 1
            on_frame(done, total)
