"""Judge one target on each frame: its motion, its prediction and its state machine.

Each of several targets is judged on its own, with limits and hysteresis of its own, so that the beam is on when each
target alone would allow it. Organs at risk are judged together with the primary target.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gatekeeper.config import BreathHoldConfig, GateConfig, PredictionConfig
from gatekeeper.core.axes import orientation_of
from gatekeeper.core.decision import BeamState, Measure, Reason, StructureResult
from gatekeeper.core.frame import Plane
from gatekeeper.core.track import Track
from gatekeeper.gating import state_machine as machine
from gatekeeper.gating.held_positions import HeldPositions
from gatekeeper.gating.measurements import Limits, Measurements
from gatekeeper.gating.motion import LearnedRange, Motion
from gatekeeper.gating.observation import observe
from gatekeeper.gating.state_machine import GateState, Rules
from gatekeeper.gating.zones import Measured, TargetZone

if TYPE_CHECKING:
    from gatekeeper.gating.lookahead import Lookahead

OF_TARGET = frozenset(
    {
        Reason.TARGET_JUMP,
        Reason.OUTSIDE,
        Reason.CANNOT_PROMISE,
        Reason.EXCEPTIONAL_POSITION,
        Reason.BASELINE_DRIFT,
    }
)
"""Reasons that are about one target; a low confidence may be an organ's."""


class Judgement(NamedTuple):
    """What comes out for one target on one frame, to be adopted once all targets are judged.

    Attributes
    ----------
    motion : Motion
        State of the motion checks.
    state, raw : GateState
        State of the state machine, and from measured positions alone.
    predicted_percent : float
        With prediction, the share outside on which the decision is based; NaN without.
    limits : Limits
        Limits that were in force.
    """

    motion: Motion
    state: GateState
    raw: GateState
    predicted_percent: float
    limits: Limits


class TargetGate:
    """The state of one target between frames.

    Parameters
    ----------
    zone : TargetZone
        Its zone, of which the limits are used.
    config : GateConfig
        Limits that the zone does not have.
    armed : bool
        Whether the gate starts armed.
    prediction : PredictionConfig, optional
        Settings of the prediction.
    breath_hold : BreathHoldConfig, optional
        Settings of the breath-holds; by default none are recognised.

    Attributes
    ----------
    config : GateConfig
        The limits of this target.
    held : HeldPositions or None
        Its breath-holds, where they are recognised.
    motion : Motion
        State of the motion checks.
    state, raw : GateState
        State of the state machine, and from measured positions alone; the same object without prediction.
    lookahead : Lookahead or None
        The prediction, if there is one.
    """

    def __init__(
        self,
        zone: TargetZone,
        config: GateConfig,
        armed: bool,
        prediction: PredictionConfig | None,
        breath_hold: BreathHoldConfig | None = None,
    ) -> None:
        own = {"outside_percent": zone.most_percent, "min_confidence": zone.min_confidence}
        self.config = config.model_copy(update={name: value for name, value in own.items() if value is not None})
        self._rules = Rules.of(self.config)
        self._breath_sign = orientation_of(zone.envelope.plane or Plane()).rows.inhaling
        self.begin(None)
        self.state = machine.arm(GateState()) if armed else GateState()
        self.raw = self.state
        self.lookahead = _lookahead(prediction, self.config)
        self.held: HeldPositions | None = None
        if breath_hold is not None and breath_hold.recognised:
            self.held = HeldPositions(breath_hold, self.config.drift_cycles)

    def begin(self, learned: LearnedRange | None) -> None:
        """Set the learned range of motion; None to learn it from the following frames."""
        self.motion = Motion(breath_sign=self._breath_sign) if learned is None else Motion.from_range(learned)

    def judge(
        self,
        measurements: Measurements,
        track: Track | None,
        target: Measured,
        organs: Sequence[tuple[Measured, float]],
        zone: TargetZone,
        now_s: float,
        acquired_s: float,
        on_grid: bool,
    ) -> Judgement:
        """Judge the target on a frame; nothing but the prediction's trace changes.

        Parameters
        ----------
        measurements : Measurements
            What is measured of the frame, without the target.
        track : Track or None
            The target; None when the frame was not tracked.
        target : Measured
            The target against its envelope.
        organs : sequence of (Measured, float)
            Organs at risk that are judged together with it, each with its least confidence.
        zone : TargetZone
            Its envelope at its present position.
        now_s, acquired_s : float
            Session time, and time of the frame's acquisition, in seconds.
        on_grid : bool
            Whether the frame is on the envelope's grid.
        """
        center_mm = None if track is None else track.center_mm
        held = None if self.held is None else self.held.drift()
        found, motion = observe(center_mm, target, organs, self.motion, now_s, acquired_s, self.config, held)
        # Faster than `_replace`, which also leaves a tuple behind in the interpreter on each call.
        measurements = Measurements(*measurements[:-1], found)
        limits = self._rules.stay_on if self.state.beam is BeamState.ON else self._rules.resume
        raw = machine.step(self.raw, measurements, self._rules)
        if self.lookahead is None:
            return Judgement(motion, raw, raw, math.nan, limits)
        if not on_grid:
            self.lookahead.reset()
        percent = found.outside_percent
        if track is not None:
            percent = self.lookahead.percent(track, acquired_s, zone.envelope, percent)
        promised = self.lookahead.promised
        predicted = measurements._replace(target=found._replace(outside_percent=percent, promised=promised))
        return Judgement(motion, machine.step(self.state, predicted, self._rules), raw, percent, limits)

    def adopt(self, judged: Judgement) -> None:
        """Make a judgement the state."""
        self.motion, self.state, self.raw = judged.motion, judged.state, judged.raw
        if self.held is not None:
            # The last confident position, which is left out when it is not new.
            self.held.recogniser.add(judged.motion.last_s, *judged.motion.last_mm)
        if self.lookahead is not None:
            self.lookahead.took_effect(self.state.beam is BeamState.ON)

    def change(self, change: Callable[[GateState], GateState]) -> None:
        """Apply a change to the states with and without prediction."""
        same = self.raw is self.state
        self.state = change(self.state)
        self.raw = self.state if same else change(self.raw)

    def result(self, target: Measured, limits: Limits) -> StructureResult:
        """Return the target's part of the decision."""
        low = () if _is_sure(target.confidence, limits.min_confidence) else (Reason.LOW_CONFIDENCE,)
        own = tuple([reason for reason in self.state.reasons if reason in OF_TARGET])
        return StructureResult(Measure.OUTSIDE_PERCENT, target.value, (*low, *own))


def organ_result(measure: Measure, organ: Measured, least_confidence: float, limits: Limits) -> StructureResult:
    """Return an organ's part of the decision.

    Parameters
    ----------
    measure : Measure
        What was measured of it.
    organ : Measured
        The organ against its zone.
    least_confidence : float
        Its limit to stay on, 0-1.
    limits : Limits
        Limits in force for the primary target.
    """
    reasons = []
    if not _is_sure(organ.confidence, limits.own_confidence(least_confidence)):
        reasons.append(Reason.LOW_CONFIDENCE)
    if not 0.0 <= organ.value <= limits.overlap_share * organ.limit:
        reasons.append(Reason.AVOID_IN_ZONE)
    return StructureResult(measure, organ.value, tuple(reasons))


def _is_sure(confidence: float, least: float) -> bool:
    return least <= confidence <= 1.0


def _lookahead(config: PredictionConfig | None, limits: GateConfig) -> "Lookahead | None":
    """Return the predictor, or None; imported here, so that its kernels are compiled only if needed."""
    if config is None or config.mode == "off":
        return None
    from gatekeeper.gating.lookahead import Lookahead

    return Lookahead(config, limits.outside_percent, limits.risk_percent)
