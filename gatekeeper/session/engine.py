"""The engine: one frame in, one decision out, without I/O or a clock, so that decisions are reproducible."""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy

from gatekeeper.config import LinacProfile
from gatekeeper.core.axes import orientation_of
from gatekeeper.core.clock import stopwatch_ns
from gatekeeper.core.command import Command, Event
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.errors import TrackerError
from gatekeeper.core.frame import Frame, Plane
from gatekeeper.core.protocols import TargetTracker, TwinTracker
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.gating.frame_checks import FrameChecks
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.motion import LearnedRange
from gatekeeper.linac.profile import BeamLog, after, refusals
from gatekeeper.session.hold_rows import hold_event
from gatekeeper.session.taken_frame import TakenFrame


class Engine:
    """Track the target on each frame and decide whether the beam may be on.

    Parameters
    ----------
    tracker : TargetTracker
        Finds the target.
    gate : Gate
        Decides between beam-on and hold. Its envelope defines which frames are valid, so its shape and plane must be
        those of the tracker's reference.
    stopwatch : callable
        Return a counter in ns. Its values are recorded and influence no decision.
    profile : LinacProfile, optional
        Limits of the linac, for example its minimum off-time.
    beam_on_s : float
        Beam-on time in s after which the beam is held; by default it is not.

    Attributes
    ----------
    version : int
        Number of changes by commands and other trackers so far.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import Engine, Envelope, Frame, Gate, GateConfig, Tracker
    >>> rows, cols = np.mgrid[:96, :96]
    >>> image = np.float32(100.0 * np.sin(rows / 5.0) * np.cos(cols / 7.0) + rows)
    >>> tracker = Tracker(image, np.hypot(rows - 48, cols - 48) < 8, (2.0, 2.0))
    >>> envelope = Envelope.around(tracker.track(image).contour_px, margin_mm=5.0, spacing_mm=(2.0, 2.0))
    >>> engine = Engine(tracker, Gate(envelope, GateConfig(frames_to_resume=1)))
    >>> frame = Frame(image, (2.0, 2.0), sequence=0, acquired_s=0.0, received_s=0.1)
    >>> engine.step(frame, now_s=0.1).decision.state
    <BeamState.ON: 'ON'>
    """

    def __init__(
        self,
        tracker: TargetTracker,
        gate: Gate,
        stopwatch: Callable[[], int] = stopwatch_ns,
        profile: LinacProfile | None = None,
        beam_on_s: float = math.inf,
    ) -> None:
        self._tracker = tracker
        self._gate = gate
        self._stopwatch = stopwatch
        self._profile = LinacProfile() if profile is None else profile
        self._beam_on_s = beam_on_s
        self._log = BeamLog()
        self._kept: dict[int, TakenFrame | None] = {}
        self._told_hold = 0
        self.version = 0

    @property
    def tracker(self) -> TargetTracker:
        """The tracker in use."""
        return self._tracker

    @property
    def beam_log(self) -> BeamLog:
        """Beam changes decided so far, as needed for the limits of the linac."""
        return self._log

    def step(self, frame: Frame, now_s: float, *, link_alive: bool = True) -> Step:
        """Return the decision on one frame at session time `now_s`.

        An invalid frame is not tracked; the gate holds on it. An exception during tracking or deciding is raised, and
        the gate holds until an operator resets the fault. A TrackerError, by which a plug-in fails, is not raised: the
        gate holds likewise, and the next frame may be judged.

        Parameters
        ----------
        frame : Frame
            The frame.
        now_s : float
            Session time in s.
        link_alive : bool
            Whether the linac answers.

        Returns
        -------
        Step
            The decision with the track and the times it took, in ms.
        """
        began_ns = self._stopwatch()
        failure = None
        try:
            checks = self._gate.check_frame(frame)
            track = self._tracker.track(frame.image) if self._gate.may_track(checks) else None
        except TrackerError as error:
            if Reason.ENGINE_FAULT not in self._gate.state.faults:
                failure = f"frame {frame.sequence}: {error}; held until the fault is reset"
            self.latch(Reason.ENGINE_FAULT)
            track = None
        except BaseException:
            self.latch(Reason.ENGINE_FAULT)
            raise
        tracked_ns = self._stopwatch()
        decision = self.judge(frame, checks, track, now_s, link_alive=link_alive)
        decided_ns = self._stopwatch()
        primary, others = (track[0], track[1:]) if isinstance(track, tuple) else (track, ())
        ahead_mm = None if track is None else self._gate.ahead_mm
        track_ms, decide_ms = (tracked_ns - began_ns) * 1e-6, (decided_ns - tracked_ns) * 1e-6
        step = Step(decision, frame, primary, track_ms, decide_ms, others, ahead_mm, failure, None, self._new_holds())
        if frame.sequence in self._kept:
            self._kept[frame.sequence] = TakenFrame.of(step)
        return step

    def judge(
        self,
        frame: Frame,
        checks: FrameChecks,
        track: Track | tuple[Track, ...] | None,
        now_s: float,
        *,
        link_alive: bool = True,
    ) -> Decision:
        """Return the decision on a frame whose checks and track are already known; see `step`.

        The pixels of the frame are not used.
        """
        decision = self._gate.decide(
            track,
            frame,
            now_s,
            checks=checks,
            link_alive=link_alive,
            refusals=refusals(self._log, now_s, self._profile),
            left_s=self._beam_on_s - self._log.delivered_s(now_s),
        )
        self._note(decision)
        return decision

    def silence(self, now_s: float, *, link_alive: bool = True) -> Step:
        """Return the hold for a missing frame at session time `now_s`, in s."""
        decision = self._gate.silence(now_s, link_alive=link_alive)
        self._note(decision)
        return Step(decision)

    def command(self, command: Command) -> Event:
        """Execute an operator's command and return its event, which may hold a decision for the linac.

        The same commands at the same positions between the same frames give the same decisions.
        """
        event = self._gate.apply(command)
        self.version += 1
        if event.decision is not None:
            self._note(event.decision)
        return event

    def use_latency(self, latency_s: float) -> None:
        """Predict for a measured latency in s from the next frame on, where the settings say so.

        The same latencies at the same positions between the same frames give the same decisions.
        """
        self._gate.use_latency(latency_s)

    def adopt(self, tracker: TargetTracker, learned: Sequence[LearnedRange | None]) -> None:
        """Use another tracker and learned ranges of motion, one for each target, from the next frame on.

        Raises
        ------
        ValueError
            When the gate is armed.
        """
        self._gate.begin(learned)
        self._tracker = tracker
        self.version += 1

    def use(self, tracker: TargetTracker) -> None:
        """Use another tracker of the same structures from the next frame on, with the gate as it is.

        Raises
        ------
        ValueError
            When the beam is on.
        """
        if self._gate.state.beam is BeamState.ON:
            raise ValueError("the beam is on; hold it before another tracker is used")
        self._tracker = tracker
        self.version += 1

    def twin(self) -> "Engine | None":
        """Return a copy as the engine is now, to try frames with; None when the tracker cannot be copied.

        The two share nothing that changes: whatever the copy is given, this engine decides as without it.
        """
        if not isinstance(self._tracker, TwinTracker):
            return None
        twin = Engine(self._tracker.twin(), deepcopy(self._gate), self._stopwatch, self._profile, self._beam_on_s)
        twin._log = self._log
        return twin

    def keep(self, sequence: int) -> None:
        """Keep the frame of a number when it comes, of which the recorded session is known to have made a reference."""
        self._kept[sequence] = None

    def kept(self, sequence: int) -> TakenFrame | None:
        """Return the newest frame of a number that was to be kept; None when it has not come, or was not tracked."""
        return self._kept.get(sequence)

    def latch(self, fault: Reason) -> None:
        """Hold from the next decision on, until an operator resets the fault.

        Raises
        ------
        ValueError
            When the reason clears itself and is not a fault.
        """
        self._gate.latch(fault)

    def _note(self, decision: Decision) -> None:
        self._log = after(self._log, decision.state, decision.time_s, self._profile)

    def _new_holds(self) -> tuple[dict[str, object], ...]:
        """Return the journal's values of each breath-hold of the primary target that has ended since the last call."""
        held = self._gate.held
        holds = () if held is None else held.recogniser.holds
        if not holds or holds[-1].number == self._told_hold:
            return ()
        told, self._told_hold = self._told_hold, holds[-1].number
        orientation = orientation_of(self._gate.envelope.plane or Plane())
        return tuple([hold_event(hold, holds[0], orientation) for hold in holds if hold.number > told])
