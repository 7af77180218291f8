"""The engine: one frame in, one decision out; no I/O and no clock, so that the same frames decide the same."""

from collections.abc import Callable

from gatekeeper.config import LinacProfile
from gatekeeper.core.clock import stopwatch_ns
from gatekeeper.core.command import Command, Event
from gatekeeper.core.decision import Decision, Reason
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import TargetTracker
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.gating.frame_checks import FrameChecks
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.motion import LearnedRange
from gatekeeper.linac.profile import BeamLog, after, refusals


class Engine:
    """Finds the target on each frame and asks the gate.

    Parameters
    ----------
    tracker : TargetTracker
        Finds the target.
    gate : Gate
        Says beam-on or hold. Its envelope says which frames are valid; give it the shape, and the plane, of the
        tracker's reference.
    stopwatch : callable
        Reads a counter of nanoseconds. What it says goes into the record and nowhere else.
    profile : LinacProfile, optional
        What the linac can follow.
    """

    def __init__(
        self,
        tracker: TargetTracker,
        gate: Gate,
        stopwatch: Callable[[], int] = stopwatch_ns,
        profile: LinacProfile | None = None,
    ) -> None:
        self._tracker = tracker
        self._gate = gate
        self._stopwatch = stopwatch
        self._profile = LinacProfile() if profile is None else profile
        self._log = BeamLog()

    @property
    def tracker(self) -> TargetTracker:
        """Who finds the target."""
        return self._tracker

    @property
    def beam_log(self) -> BeamLog:
        """What was decided about the beam so far."""
        return self._log

    def step(self, frame: Frame, now_s: float, *, link_alive: bool = True) -> Step:
        """Return the decision on one frame at session time `now_s`, in seconds.

        A frame that is not valid never reaches the tracker; the gate holds on it. When finding the target or
        deciding fails, the exception comes through, and the gate holds until an operator resets the fault.

        Parameters
        ----------
        frame : Frame
            The frame.
        now_s : float
            Session time in seconds.
        link_alive : bool
            The linac answers; whoever has one says so on each frame.
        """
        began_ns = self._stopwatch()
        try:
            picture = self._gate.look_at(frame)
            track = self._tracker.track(frame.image) if self._gate.may_track(picture) else None
        except BaseException:
            self.latch(Reason.ENGINE_FAULT)
            raise
        tracked_ns = self._stopwatch()
        decision = self.judge(frame, picture, track, now_s, link_alive=link_alive)
        decided_ns = self._stopwatch()
        primary, others = (track[0], track[1:]) if isinstance(track, tuple) else (track, ())
        ahead_mm = None if track is None else self._gate.ahead_mm
        track_ms, decide_ms = (tracked_ns - began_ns) * 1e-6, (decided_ns - tracked_ns) * 1e-6
        return Step(decision, frame, primary, track_ms, decide_ms, others, ahead_mm)

    def judge(
        self,
        frame: Frame,
        picture: FrameChecks,
        track: Track | tuple[Track, ...] | None,
        now_s: float,
        *,
        link_alive: bool = True,
    ) -> Decision:
        """Return the decision on a frame that was looked at, and where it was good enough tracked, before; see `step`.

        Its pixels are not needed any more.
        """
        decision = self._gate.decide(
            track,
            frame,
            now_s,
            picture=picture,
            link_alive=link_alive,
            refusals=refusals(self._log, now_s, self._profile),
        )
        self._note(decision)
        return decision

    def silence(self, now_s: float, *, link_alive: bool = True) -> Step:
        """Return the hold for when no frame has come in time, at session time `now_s` in seconds."""
        decision = self._gate.silence(now_s, link_alive=link_alive)
        self._note(decision)
        return Step(decision)

    def command(self, command: Command) -> Event:
        """Do what an operator asks for; its event belongs into the journal, and its decision, if any, to the linac.

        Commands given again at the same places between the same frames lead to the same decisions.
        """
        event = self._gate.obey(command)
        if event.decision is not None:
            self._note(event.decision)
        return event

    def adopt(self, tracker: TargetTracker, learned: LearnedRange | None) -> None:
        """Go on with a tracker that has learned, and with the range of motion that it has seen, from the next frame on.

        Raises
        ------
        ValueError
            When the gate is armed.
        """
        self._gate.begin(learned)
        self._tracker = tracker

    def latch(self, fault: Reason) -> None:
        """Hold, from the next decision on, for a fault that was found elsewhere until an operator resets it.

        Raises
        ------
        ValueError
            When the reason is one that clears itself.
        """
        self._gate.latch(fault)

    def _note(self, decision: Decision) -> None:
        self._log = after(self._log, decision.state, decision.time_s, self._profile)
