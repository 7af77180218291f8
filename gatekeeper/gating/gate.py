"""Decide beam-on or hold on each frame, from its measurements and the state machine."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gatekeeper.config import BreathHoldConfig, GateConfig, PredictionConfig
from gatekeeper.core.command import Action, Command, Event
from gatekeeper.core.decision import BeamState, Decision, Reason, StructureResult
from gatekeeper.core.frame import Frame
from gatekeeper.core.track import Track
from gatekeeper.gating import state_machine as machine
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.envelope_shift import EnvelopeShift
from gatekeeper.gating.frame_checks import FrameChecks, check_frame
from gatekeeper.gating.held_positions import HeldPositions
from gatekeeper.gating.liveness import LivenessMonitor
from gatekeeper.gating.measurements import Measurements
from gatekeeper.gating.motion import LearnedRange, Motion
from gatekeeper.gating.sequence_checks import SequenceHistory, check_sequence, check_time
from gatekeeper.gating.source_checks import SourceHistory, check_source
from gatekeeper.gating.state_machine import GateState
from gatekeeper.gating.structures import GatedStructures
from gatekeeper.gating.zones import Zone, checked

if TYPE_CHECKING:
    from gatekeeper.gating.lookahead import Ahead

BEAM_ON = "not used: the beam is on; hold it first"
NO_NUMBER = "not used: no frame is named; it is shown and confirmed first"
"""Why a frame does not become the reference."""
RECOGNISED = BreathHoldConfig()
AGAIN = "repeat it with confirm at its end"
"""Said at the end of a question that an operator confirms."""


class Gate:
    """Decide beam-on or hold on each frame.

    The beam is on when each of several targets alone would allow it; each has its own limits and hysteresis. Organs at
    risk are judged together with the primary target.

    Parameters
    ----------
    zones : Envelope or sequence of TargetZone and KeepOutZone
        The target's envelope; or, for several structures, one zone for each, that of the primary target first. The
        spacing of the primary target's envelope and, if given, its shape and plane are those that frames must have.
    config : GateConfig, optional
        The limits; by default those of ``GateConfig()``.
    armed : bool, optional
        Whether the gate starts armed. In either case it starts with the beam held.
    learned : LearnedRange or sequence of them, optional
        Range of positions from a preview, of the primary target or, None among them, of each target in order; by
        default it is learned during the session.
    prediction : PredictionConfig, optional
        Settings of the prediction; by default there is none.
    frames_per_s : float, optional
        Rate at which live frames must come, per second; by default any.
    breath_hold : BreathHoldConfig or None, optional
        Settings of the breath-holds; None: they are not recognised, as in sessions of earlier versions.

    Raises
    ------
    TargetError
        When the first zone is not a target's, or the zones are on different grids.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import Envelope, Frame, Gate, GateConfig, Track
    >>> target = np.array([[10.0, 10.0], [10.0, 30.0], [30.0, 30.0], [30.0, 10.0]])
    >>> gate = Gate(Envelope.around(target, 5.0, (2.0, 2.0)), GateConfig(frames_to_resume=1))
    >>> image = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    >>> frame = Frame(image, (2.0, 2.0), sequence=0, acquired_s=0.0, received_s=0.1)
    >>> gate.decide(Track(target, (40.0, 40.0), confidence=0.9), frame).state
    <BeamState.ON: 'ON'>
    """

    def __init__(
        self,
        zones: Envelope | Sequence[Zone],
        config: GateConfig | None = None,
        *,
        armed: bool = True,
        learned: LearnedRange | Sequence[LearnedRange | None] | None = None,
        prediction: PredictionConfig | None = None,
        frames_per_s: float | None = None,
        breath_hold: BreathHoldConfig | None = RECOGNISED,
    ) -> None:
        self.config = GateConfig() if config is None else config
        self._envelope_shift = EnvelopeShift(checked(zones), self.config)
        self._history = SequenceHistory()
        self._source = SourceHistory()
        self._frames_per_s = frames_per_s
        self._liveness = None if self.config.retrospective else LivenessMonitor(self.envelope)
        self._checks = FrameChecks()
        self._structures = GatedStructures(self.zones, self.config, armed, prediction, breath_hold)
        self._primary = self._structures.primary
        self._structures.begin(learned)

    @property
    def state(self) -> GateState:
        """State of the state machine; with several targets, of all together."""
        return self._structures.state

    @property
    def motion(self) -> Motion:
        """State of the motion checks of the primary target."""
        return self._primary.motion

    @property
    def held(self) -> HeldPositions | None:
        """Breath-holds of the primary target; None where they are not recognised."""
        return self._primary.held

    @property
    def zones(self) -> tuple[Zone, ...]:
        """Zone of each structure at its present position."""
        return self._envelope_shift.zones

    @property
    def envelope(self) -> Envelope:
        """Envelope of the primary target at its present position."""
        return self._envelope_shift.envelope

    @property
    def ahead_mm(self) -> tuple[float, float] | None:
        """Last predicted position of the primary target's centre, as (row, col) in mm; None without prediction."""
        return None if self._primary.lookahead is None else self._primary.lookahead.ahead_mm

    @property
    def interval(self) -> "tuple[Ahead, ...]":
        """Where the primary target is expected while the last decision stands; nothing without prediction."""
        return () if self._primary.lookahead is None else self._primary.lookahead.interval()

    @property
    def exposure(self) -> tuple[float, float, float] | None:
        """Risk limit, and share of the time with the beam on while outside, so far and in the last minute, in percent.

        That of the target with the largest; None without a risk limit, NaN before there is any time.
        """
        risk_percent = self.config.risk_percent
        if risk_percent is None or (shares := self._structures.exposure()) is None:
            return None
        return risk_percent, *shares

    @property
    def checks(self) -> FrameChecks:
        """Results of `check_frame` for the last frame."""
        return self._checks

    def use_latency(self, latency_s: float) -> None:
        """Predict for a measured latency in s from the next frame on, where `prediction.latency` says so."""
        self._structures.use_latency(latency_s)

    def check_frame(self, frame: Frame) -> FrameChecks:
        """Check a frame against the grid of the envelope, and its pixels against those of the frames before.

        Each frame must be checked once: a frame that is checked again is not live.
        """
        checks = check_frame(frame, self.envelope)
        if (
            self._liveness is not None
            and checks.fingerprint is not None
            and self.may_track(checks)
            and not self._liveness.check(frame.image, checks.fingerprint).is_live
        ):
            checks = checks._replace(live=False)
        self._checks = checks
        return checks

    def may_track(self, checks: FrameChecks) -> bool:
        """Return True when a frame is fit for tracking."""
        return checks.is_on_grid(self.config) and (
            checks.readable
            and checks.finite
            and checks.varied
            and checks.brightest_percent <= self.config.saturated_percent
        )

    def decide(
        self,
        track: Track | tuple[Track, ...] | None,
        frame: Frame,
        now_s: float | None = None,
        *,
        checks: FrameChecks | None = None,
        link_alive: bool = True,
        refusals: tuple[Reason, ...] = (),
        left_s: float = math.inf,
    ) -> Decision:
        """Decide beam-on or hold for one frame.

        Parameters
        ----------
        track : Track or tuple of Track or None
            The target on the frame, or each structure in the order of the zones; None when the frame was not fit for
            tracking, which holds the beam.
        frame : Frame
            The frame.
        now_s : float, optional
            Session time in seconds; by default the time at which the frame was received.
        checks : FrameChecks, optional
            Result of `check_frame` for the frame, if it is known already.
        link_alive : bool, optional
            True when the linac answers.
        refusals : tuple of Reason, optional
            Reasons why the linac cannot start a beam now.
        left_s : float, optional
            Prescribed beam-on time that is left, in seconds; by default the beam does not end with it.

        Returns
        -------
        Decision
            ON, or HOLD with its reasons.

        Raises
        ------
        TargetError
            When the number of tracks differs from that of the zones. After this or any other exception the gate holds
            with an engine fault.
        """
        now_s = frame.received_s if now_s is None else now_s
        try:
            checks = self.check_frame(frame) if checks is None else checks
            on_grid = checks.is_on_grid(self.config)
            sequence, history = check_sequence(self._history, frame, checks, not on_grid, now_s)
            source, source_history = check_source(
                self._source, frame, now_s, self._frames_per_s, armed=self._primary.state.armed
            )
            age_s = now_s - frame.acquired_s
            measurements = Measurements(checks, sequence, age_s, link_alive, refusals, source, left_s)
            tracks = (track,) if isinstance(track, Track) else track
            found, judged = self._structures.judge(self.zones, measurements, tracks, now_s, frame.acquired_s, on_grid)
            self._envelope_shift.rest.add(judged[0].motion.last_s, *judged[0].motion.last_mm)
        except BaseException:
            self.latch(Reason.ENGINE_FAULT)
            raise
        self._history, self._source = history, source_history
        self._structures.adopt(judged)
        outside_percent, predicted_percent = self._structures.shares(found, judged)
        structures = self._structures.results(found, judged) if len(found) > 1 else ()
        return self._decision(frame.sequence, now_s, outside_percent, predicted_percent, structures)

    def silence(self, now_s: float, *, link_alive: bool = True) -> Decision:
        """Hold because of a frame timeout.

        Parameters
        ----------
        now_s : float
            Session time in seconds.
        link_alive : bool, optional
            True when the linac answers.

        Returns
        -------
        Decision
            HOLD with its reasons.
        """
        forward, self._history = check_time(self._history, now_s)
        if not forward:
            self.latch(Reason.CLOCK_BACKWARDS)
        self._structures.change(lambda state: machine.silence(state, link_alive))
        return self._decision(-1, now_s, math.nan)

    def arm(self) -> None:
        """Allow beam-on after `frames_to_resume` good frames; without effect when armed already."""
        self._structures.change(machine.arm)

    def disarm(self) -> None:
        """Hold until armed again; what is usual of the images is learned anew."""
        if self._liveness is not None:
            self._liveness.restart()
        self._structures.change(machine.disarm)

    def begin(self, learned: LearnedRange | Sequence[LearnedRange | None] | None) -> None:
        """Set the learned range of motion.

        Parameters
        ----------
        learned : LearnedRange or sequence of them or None
            Range from a preview, of the primary target or, None among them, of each target in order; None to learn it
            from the following frames.

        Raises
        ------
        ValueError
            When the gate is armed: limits may not change while the beam can be on, except by an operator's command.
        """
        if self._primary.state.armed:
            raise ValueError("the gate is armed; disarm it before setting another range of motion")
        self._structures.begin(learned)

    def latch(self, fault: Reason) -> None:
        """Hold for a fault until an operator resets it.

        Parameters
        ----------
        fault : Reason
            The fault.

        Raises
        ------
        ValueError
            When the reason is not a fault: it clears itself.
        """
        self._structures.change(lambda state: machine.latch(state, fault))

    def apply(self, command: Command) -> Event:
        """Apply an operator's command, and return the event for the journal.

        A command never switches the beam on; that requires good frames afterwards.

        Parameters
        ----------
        command : Command
            The command.

        Returns
        -------
        Event
            The outcome, with the HOLD that is to be sent to the linac, if any.
        """
        accepted, note = True, f"{command.action} by {command.operator}"
        match command.action:
            case Action.ARM:
                self.arm()
            case Action.DISARM:
                self.disarm()
            case Action.HOLD:
                self._structures.change(machine.hold)
            case Action.RELEASE:
                self._structures.change(machine.release)
            case Action.RESET:
                note = f"{note}: {', '.join(self.state.faults) or 'no fault'}"
                self._structures.change(machine.reset)
                self._source = self._source.begun_anew()
            case Action.REBASE:
                refusal = self._envelope_shift.refusal(command.shift_mm, held=self._held, hold_mm=self.hold_mm)
                accepted, outcome = (False, refusal) if refusal else self._envelope_shift.move(command.shift_mm)
                note = f"{note}: {outcome}"
                if accepted:
                    self._structures.move(command.shift_mm)
                    self._structures.change(machine.interrupt)
                    self._structures.forget()
            case Action.REFERENCE:
                accepted = self._held and command.sequence >= 0
                if accepted:
                    note = f"{note}: frame {command.sequence}, held until released"
                    self._structures.change(machine.hold)
                    self._structures.forget()
                else:
                    note = f"{note}: {NO_NUMBER if self._held else BEAM_ON}"
        return Event(command, accepted, note, self._decision(-1, command.time_s, math.nan) if self._held else None)

    @property
    def hold_mm(self) -> tuple[float, float] | None:
        """Mean position of the primary target in the newest breath-hold as (row, col) in mm; None without one."""
        newest = None if self.held is None else self.held.newest
        return None if newest is None else newest.mean_mm

    @property
    def rest_mm(self) -> tuple[float, float] | None:
        """Where the primary target rests, as (row, col) in mm; None where that is not known."""
        return self._envelope_shift.rest_mm()

    def shift_towards(self, place_mm: tuple[float, float]) -> tuple[float, float] | str:
        """Return the shift towards a place that the limits allow; see `EnvelopeShift.towards`."""
        return self._envelope_shift.towards(place_mm)

    def question(self, shift_mm: tuple[float, float]) -> str:
        """Return what a rebase would do, or why it is refused, for the operator who has to confirm it.

        Parameters
        ----------
        shift_mm : tuple of float
            Displacement of the envelope along rows and columns, in mm.

        Returns
        -------
        str
            One line.
        """
        shift = self._envelope_shift
        refusal = shift.refusal(shift_mm, held=self._held, hold_mm=self.hold_mm)
        return f"{shift.as_words(shift_mm)}; {AGAIN}" if refusal is None else refusal

    @property
    def _held(self) -> bool:
        return self.state.beam is BeamState.HOLD

    def _decision(
        self,
        sequence: int,
        now_s: float,
        outside_percent: float,
        predicted_percent: float = math.nan,
        structures: tuple[StructureResult, ...] = (),
    ) -> Decision:
        state = self.state
        raw = self._structures.raw if sequence >= 0 else None
        return Decision(sequence, now_s, state.beam, state.reasons, outside_percent, raw, predicted_percent, structures)
