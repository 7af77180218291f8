"""The gate: measures one frame after the other, and keeps the state machine that says beam-on or hold."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gatekeeper.config import GateConfig, PredictionConfig
from gatekeeper.core.command import Action, Command, Event
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.frame import Frame
from gatekeeper.core.track import Track
from gatekeeper.gating import state_machine as machine
from gatekeeper.gating import zones as zoning
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.envelope_shift import EnvelopeShift
from gatekeeper.gating.frame_checks import FrameChecks, check_frame
from gatekeeper.gating.measurements import Measurements, Observation
from gatekeeper.gating.motion import LearnedRange, Motion, watch
from gatekeeper.gating.sequence_checks import SequenceHistory, follow, wait
from gatekeeper.gating.state_machine import GateState, Rules
from gatekeeper.gating.zones import TargetZone, Zone

if TYPE_CHECKING:
    from gatekeeper.gating.lookahead import Lookahead


class Gate:
    """Judges one frame after the other.

    Parameters
    ----------
    zones : Envelope or sequence of TargetZone and Avoid
        Where the target must be; or, of several structures, one zone for each, that of the primary target first.
        The primary target's envelope carries the spacing, and if given the shape and the plane, that frames must
        have.
    config : GateConfig
        The limits.
    armed : bool
        Whether the gate starts armed. It starts with the beam held in either case; an engine that has an operator
        says False here and has it armed.
    learned : LearnedRange, optional
        The range of positions from a preview; without it the session learns its own.
    prediction : PredictionConfig, optional
        Whether decisions look ahead, and how; by default they do not.

    Raises
    ------
    TargetError
        When the first zone is no target's, or the zones are not all drawn on one grid.
    """

    def __init__(
        self,
        zones: Envelope | Sequence[Zone],
        config: GateConfig | None = None,
        *,
        armed: bool = True,
        learned: LearnedRange | None = None,
        prediction: PredictionConfig | None = None,
    ) -> None:
        self.config = GateConfig() if config is None else config
        self._rules = Rules.of(self.config)
        self._rebase = EnvelopeShift(zoning.checked(zones), self.config)
        self._past = SequenceHistory()
        self._motion = Motion() if learned is None else Motion.from_range(learned)
        self._state = machine.arm(GateState()) if armed else GateState()
        # The same machine on measured positions alone; it is the state itself where nothing is predicted.
        self._raw = self._state
        self._foresight = _foresight(prediction)

    @property
    def state(self) -> GateState:
        """What the gate decides by, beside the frame."""
        return self._state

    @property
    def motion(self) -> Motion:
        """What it knows of the target's motion."""
        return self._motion

    @property
    def zones(self) -> tuple[Zone, ...]:
        """Where each structure must be, or not be, now."""
        return self._rebase.zones

    @property
    def envelope(self) -> Envelope:
        """Where the primary target must be now."""
        return self._rebase.envelope

    @property
    def ahead_mm(self) -> tuple[float, float] | None:
        """Where the target's centre was last predicted to be, as (row, col) in mm; None without prediction."""
        return None if self._foresight is None else self._foresight.ahead_mm

    def look_at(self, frame: Frame) -> FrameChecks:
        """Return what a frame is by itself, on the grid of the envelope; changes nothing."""
        return check_frame(frame, self.envelope)

    def may_track(self, picture: FrameChecks) -> bool:
        """Return True when a frame is good enough to be shown to a tracker."""
        return self._is_on_grid(picture) and (
            picture.readable
            and picture.finite
            and picture.varied
            and picture.brightest_percent <= self.config.saturated_percent
        )

    def decide(
        self,
        track: Track | tuple[Track, ...] | None,
        frame: Frame,
        now_s: float | None = None,
        *,
        picture: FrameChecks | None = None,
        link_alive: bool = True,
        refusals: tuple[Reason, ...] = (),
    ) -> Decision:
        """Return beam-on or hold for one frame.

        Parameters
        ----------
        track : Track or tuple of Track or None
            Where the target is on that frame, or each structure in the order of the zones; None when the frame was
            not fit to be tracked, which holds.
        frame : Frame
            The frame.
        now_s : float, optional
            Session time in seconds; by default the time at which the frame was received.
        picture : FrameChecks, optional
            What `check_frame` said of the frame, when that is known already.
        link_alive : bool
            The linac answers.
        refusals : tuple of Reason
            Why the linac would not begin a beam now.

        Raises
        ------
        TargetError
            When there are more or fewer tracks than zones. As with any other failure, the gate holds for an engine
            fault from then on.
        """
        now_s = frame.received_s if now_s is None else now_s
        try:
            picture = self.look_at(frame) if picture is None else picture
            order, past = follow(self._past, frame, picture, not self._is_on_grid(picture), now_s)
            target, motion = self._sight(track, now_s)
            findings = Measurements(picture, order, now_s - frame.acquired_s, target, link_alive, refusals)
            raw = machine.step(self._raw, findings, self._rules)
            state, predicted_percent = raw, math.nan
            if self._foresight is not None:
                predicted_percent = self._foresee(self._foresight, track, frame, picture, target.outside_percent)
                seen = findings._replace(target=target._replace(outside_percent=predicted_percent))
                state = machine.step(self._state, seen, self._rules)
        except BaseException:
            self.latch(Reason.ENGINE_FAULT)
            raise
        self._past, self._motion, self._state, self._raw = past, motion, state, raw
        return self._decision(frame.sequence, now_s, target.outside_percent, predicted_percent)

    def silence(self, now_s: float, *, link_alive: bool = True) -> Decision:
        """Return the hold for when no frame came in time, at session time `now_s` in seconds."""
        forward, self._past = wait(self._past, now_s)
        if not forward:
            self.latch(Reason.CLOCK_BACKWARDS)
        self._change(lambda state: machine.silence(state, link_alive))
        return self._decision(-1, now_s, math.nan)

    def arm(self) -> None:
        """Allow beam-on after `frames_to_resume` good frames from now; changes nothing when armed already."""
        self._change(machine.arm)

    def disarm(self) -> None:
        """Hold from now on, whatever comes, until armed again."""
        self._change(machine.disarm)

    def begin(self, learned: LearnedRange | None) -> None:
        """Judge motion by the range of a preview from now on; None: by a range that is learned from now on.

        Raises
        ------
        ValueError
            When the gate is armed: nothing that is judged by changes under the beam, except by an operator.
        """
        if self._state.armed:
            raise ValueError("the gate is armed; disarm it before another range of motion is given to it")
        self._motion = Motion() if learned is None else Motion.from_range(learned)

    def latch(self, fault: Reason) -> None:
        """Hold for a fault that was found elsewhere until an operator resets it.

        Raises
        ------
        ValueError
            When the reason is one that clears itself.
        """
        self._change(lambda state: machine.latch(state, fault))

    def obey(self, command: Command) -> Event:
        """Do what an operator asks for, and return the event for the journal.

        Whatever it is, it never switches the beam on: that takes good frames from now.
        """
        accepted, note = True, f"{command.action} by {command.operator}"
        match command.action:
            case Action.ARM:
                self.arm()
            case Action.DISARM:
                self.disarm()
            case Action.HOLD:
                self._change(machine.hold)
            case Action.RELEASE:
                self._change(machine.release)
            case Action.RESET:
                note = f"{note}: {', '.join(self._state.faults) or 'no fault'}"
                self._change(machine.reset)
            case Action.REBASE:
                accepted, outcome = self._rebase.move(command.shift_mm)
                note = f"{note}: {outcome}"
                if accepted:
                    self._motion = self._motion.moved(command.shift_mm)
                    self._change(machine.interrupt)
                    if self._foresight is not None:
                        self._foresight.reset()
        held = self._state.beam is BeamState.HOLD
        return Event(command, accepted, note, self._decision(-1, command.time_s, math.nan) if held else None)

    def _sight(self, track: Track | tuple[Track, ...] | None, now_s: float) -> tuple[Observation, Motion]:
        """Return what was measured of the structures, and what is then known of the motion."""
        motion = self._motion
        if track is None:
            return Observation(drift_mm=motion.drift_mm(self.config.drift_cycles)), motion
        tracks = (track,) if isinstance(track, Track) else track
        confidence, outside_percent, overlaps = zoning.measure(self.zones, tracks, self.config)
        excursion_mm = 0.0
        # The position of a lost target says nothing; the confidence is reason enough to hold then.
        if confidence >= self.config.min_confidence:
            motion = watch(motion, now_s, tracks[0].center_mm, self.config)
            excursion_mm = motion.excursion_mm(tracks[0].center_mm)
        sighting = Observation(
            confidence=confidence,
            outside_percent=outside_percent,
            overlaps=overlaps,
            excursion_mm=excursion_mm,
            drift_mm=motion.drift_mm(self.config.drift_cycles),
        )
        return sighting, motion

    def _foresee(
        self,
        foresight: "Lookahead",
        track: Track | tuple[Track, ...] | None,
        frame: Frame,
        picture: FrameChecks,
        measured_percent: float,
    ) -> float:
        """Return the share outside that the decision goes by: the primary target's ahead, others' as measured."""
        if not self._is_on_grid(picture):
            foresight.reset()
        if track is None:
            return measured_percent
        tracks = (track,) if isinstance(track, Track) else track
        percents = [
            zone.envelope.outside_percent(one.contour_px)
            for zone, one in zip(self.zones, tracks, strict=True)
            if isinstance(zone, TargetZone)
        ]
        percents[0] = foresight.percent(tracks[0], frame.acquired_s, self.envelope, percents[0])
        return math.nan if any(map(math.isnan, percents)) else max(percents)

    def _change(self, change: Callable[[GateState], GateState]) -> None:
        """Change what is decided by, and what would be decided without prediction, in the same way."""
        same = self._raw is self._state
        self._state = change(self._state)
        self._raw = self._state if same else change(self._raw)

    def _is_on_grid(self, picture: FrameChecks) -> bool:
        return (
            picture.shape_right
            and picture.spacing_right
            and picture.angle_deg <= self.config.plane_angle_deg
            and picture.offset_mm <= self.config.plane_offset_mm
        )

    def _decision(
        self, sequence: int, now_s: float, outside_percent: float, predicted_percent: float = math.nan
    ) -> Decision:
        state = self._state
        raw = self._raw.beam if sequence >= 0 else None
        return Decision(sequence, now_s, state.beam, state.reasons, outside_percent, raw, predicted_percent)


def _foresight(config: PredictionConfig | None) -> "Lookahead | None":
    """Return what looks ahead; its kernels are compiled only where it is wanted."""
    if config is None or config.mode == "off":
        return None
    from gatekeeper.gating.lookahead import Lookahead

    return Lookahead(config)
