"""The gate: measures one frame after the other, and keeps the state machine that says beam-on or hold."""

import math
from collections.abc import Sequence

from gatekeeper.command import Action, Command, Event
from gatekeeper.config import GateConfig
from gatekeeper.decision import BeamState, Decision, Reason
from gatekeeper.frame import Frame
from gatekeeper.gating import state as machine
from gatekeeper.gating import zones as zoning
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.findings import Findings, Sighting
from gatekeeper.gating.motion import LearnedRange, Motion, watch
from gatekeeper.gating.order import Past, follow, wait
from gatekeeper.gating.picture import Picture, look_at
from gatekeeper.gating.rebase import Rebase
from gatekeeper.gating.state import GateState, Rules
from gatekeeper.gating.zones import Zone
from gatekeeper.track import Track


class Gate:
    """Judges one frame after the other.

    Parameters
    ----------
    zones : Envelope or sequence of Target and Avoid
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
    ) -> None:
        self.config = GateConfig() if config is None else config
        self._rules = Rules.of(self.config)
        self._rebase = Rebase(zoning.checked(zones), self.config)
        self._past = Past()
        self._motion = Motion() if learned is None else Motion.from_range(learned)
        self._state = machine.arm(GateState()) if armed else GateState()

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

    def look_at(self, frame: Frame) -> Picture:
        """Return what a frame is by itself, on the grid of the envelope; changes nothing."""
        return look_at(frame, self.envelope)

    def may_track(self, picture: Picture) -> bool:
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
        picture: Picture | None = None,
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
        picture : Picture, optional
            What `look_at` said of the frame, when that is known already.
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
            findings = Findings(picture, order, now_s - frame.acquired_s, target, link_alive, refusals)
            state = machine.step(self._state, findings, self._rules)
        except BaseException:
            self._state = machine.latch(self._state, Reason.ENGINE_FAULT)
            raise
        self._past, self._motion, self._state = past, motion, state
        return self._decision(frame.sequence, now_s, target.outside_percent)

    def silence(self, now_s: float, *, link_alive: bool = True) -> Decision:
        """Return the hold for when no frame came in time, at session time `now_s` in seconds."""
        forward, self._past = wait(self._past, now_s)
        if not forward:
            self._state = machine.latch(self._state, Reason.CLOCK_BACKWARDS)
        self._state = machine.silence(self._state, link_alive)
        return self._decision(-1, now_s, math.nan)

    def arm(self) -> None:
        """Allow beam-on after `frames_to_resume` good frames from now; changes nothing when armed already."""
        self._state = machine.arm(self._state)

    def disarm(self) -> None:
        """Hold from now on, whatever comes, until armed again."""
        self._state = machine.disarm(self._state)

    def latch(self, fault: Reason) -> None:
        """Hold for a fault that was found elsewhere until an operator resets it.

        Raises
        ------
        ValueError
            When the reason is one that clears itself.
        """
        self._state = machine.latch(self._state, fault)

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
                self._state = machine.hold(self._state)
            case Action.RELEASE:
                self._state = machine.release(self._state)
            case Action.RESET:
                note = f"{note}: {', '.join(self._state.faults) or 'no fault'}"
                self._state = machine.reset(self._state)
            case Action.REBASE:
                accepted, outcome = self._rebase.move(command.shift_mm)
                note = f"{note}: {outcome}"
                if accepted:
                    self._motion = self._motion.moved(command.shift_mm)
                    self._state = machine.interrupt(self._state)
        held = self._state.beam is BeamState.HOLD
        return Event(command, accepted, note, self._decision(-1, command.time_s, math.nan) if held else None)

    def _sight(self, track: Track | tuple[Track, ...] | None, now_s: float) -> tuple[Sighting, Motion]:
        """Return what was measured of the structures, and what is then known of the motion."""
        motion = self._motion
        if track is None:
            return Sighting(drift_mm=motion.drift_mm(self.config.drift_cycles)), motion
        tracks = (track,) if isinstance(track, Track) else track
        confidence, outside_percent, overlaps = zoning.measure(self.zones, tracks, self.config)
        excursion_mm = 0.0
        # The position of a lost target says nothing; the confidence is reason enough to hold then.
        if confidence >= self.config.min_confidence:
            motion = watch(motion, now_s, tracks[0].center_mm, self.config)
            excursion_mm = motion.excursion_mm(tracks[0].center_mm)
        sighting = Sighting(
            confidence=confidence,
            outside_percent=outside_percent,
            overlaps=overlaps,
            excursion_mm=excursion_mm,
            drift_mm=motion.drift_mm(self.config.drift_cycles),
        )
        return sighting, motion

    def _is_on_grid(self, picture: Picture) -> bool:
        return (
            picture.shape_right
            and picture.spacing_right
            and picture.angle_deg <= self.config.plane_angle_deg
            and picture.offset_mm <= self.config.plane_offset_mm
        )

    def _decision(self, sequence: int, now_s: float, outside_percent: float) -> Decision:
        beam = self._state.beam
        return Decision(sequence, now_s, beam, self._state.reasons, outside_percent, beam if sequence >= 0 else None)
