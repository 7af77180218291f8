"""Judge all structures on each frame, and keep the state of each between frames.

Each of several targets has its own limits and hysteresis; the beam is on when each alone would allow it. Organs at risk
are judged together with the primary target.
"""

import math
from collections.abc import Callable, Sequence

from gatekeeper.config import BreathHoldConfig, GateConfig, PredictionConfig
from gatekeeper.core.decision import BeamState, Reason, StructureResult
from gatekeeper.core.reasons import REASONS
from gatekeeper.core.track import Track
from gatekeeper.gating.measurements import Measurements
from gatekeeper.gating.motion import LearnedRange
from gatekeeper.gating.state_machine import GateState
from gatekeeper.gating.target_gate import Judgement, TargetGate, organ_result
from gatekeeper.gating.zones import KeepOutZone, Measured, TargetZone, Zone, largest, measure

NOT_TRACKED = Measured(math.nan, math.nan, math.nan)
WAITING = frozenset({Reason.RESUMING, Reason.MINIMUM_OFF, Reason.TOO_MANY_CYCLES})
"""Reasons for which a held beam that could be on otherwise waits."""


class GatedStructures:
    """The structures that a gate judges.

    Parameters
    ----------
    zones : tuple of TargetZone and KeepOutZone
        One for each structure, that of the primary target first.
    config : GateConfig
        Limits that the zones do not have.
    armed : bool
        Whether the gate starts armed.
    prediction : PredictionConfig, optional
        Settings of the prediction.
    breath_hold : BreathHoldConfig, optional
        Settings of the breath-holds; by default none are recognised.

    Attributes
    ----------
    primary : TargetGate
        The primary target.
    """

    def __init__(
        self,
        zones: tuple[Zone, ...],
        config: GateConfig,
        armed: bool,
        prediction: PredictionConfig | None,
        breath_hold: BreathHoldConfig | None = None,
    ) -> None:
        self._config = config
        self._targets = {
            index: TargetGate(zone, config, armed, prediction, breath_hold)
            for index, zone in enumerate(zones)
            if isinstance(zone, TargetZone)
        }
        self.primary = self._targets[0]
        # Each with its least confidence.
        self._organs = [
            (index, zone.measure, config.min_confidence if zone.min_confidence is None else zone.min_confidence)
            for index, zone in enumerate(zones)
            if isinstance(zone, KeepOutZone)
        ]

    @property
    def state(self) -> GateState:
        """State of the state machine; with several targets, of all together."""
        if len(self._targets) == 1:
            return self.primary.state
        return joined([target.state for target in self._targets.values()])

    @property
    def raw(self) -> BeamState:
        """State of the beam from measured positions alone, without prediction."""
        for target in self._targets.values():
            if target.raw.beam is not BeamState.ON:
                return BeamState.HOLD
        return BeamState.ON

    def judge(
        self,
        zones: tuple[Zone, ...],
        measurements: Measurements,
        tracks: tuple[Track, ...] | None,
        now_s: float,
        acquired_s: float,
        on_grid: bool,
    ) -> tuple[tuple[Measured, ...], list[Judgement]]:
        """Return what was measured of each structure, nothing without tracks, and the judgement on each target."""
        found = () if tracks is None else measure(zones, tracks, self._config)
        judged = []
        for index, target in self._targets.items():
            zone = zones[index]
            assert isinstance(zone, TargetZone)  # noqa: S101  (zones keep their kinds)
            organs: tuple[tuple[Measured, float], ...] = ()
            if found and index == 0 and self._organs:
                organs = tuple([(found[at], least) for at, _, least in self._organs])
            judged.append(
                target.judge(
                    measurements,
                    None if tracks is None else tracks[index],
                    found[index] if found else NOT_TRACKED,
                    organs,
                    zone,
                    now_s,
                    acquired_s,
                    on_grid,
                )
            )
        return found, judged

    def results(self, found: tuple[Measured, ...], judged: list[Judgement]) -> tuple[StructureResult, ...]:
        """Return the part of each structure in the decision, in the order of the zones."""
        results = {
            index: target.result(found[index], one.limits)
            for (index, target), one in zip(self._targets.items(), judged, strict=True)
        }
        for index, what, least in self._organs:
            results[index] = organ_result(what, found[index], least, judged[0].limits)
        return tuple([results[index] for index in range(len(found))])

    def adopt(self, judged: list[Judgement]) -> None:
        """Make the judgements on a frame the state of the targets."""
        for target, one in zip(self._targets.values(), judged, strict=True):
            target.adopt(one)

    def shares(self, found: tuple[Measured, ...], judged: list[Judgement]) -> tuple[float, float]:
        """Return the largest share of a target outside its envelope in percent, measured and predicted; NaN without."""
        outside_percent = predicted_percent = math.nan
        if found:
            outside_percent = largest([found[index].value for index in self._targets])
        if self.primary.lookahead is not None:
            predicted_percent = largest([one.predicted_percent for one in judged])
        return outside_percent, predicted_percent

    def move(self, shift_mm: tuple[float, float]) -> None:
        """Move what is known of the targets' motion along (rows, columns), in mm, with their envelopes."""
        for target in self._targets.values():
            target.motion = target.motion.moved(shift_mm)

    def begin(self, learned: LearnedRange | Sequence[LearnedRange | None] | None) -> None:
        """Set the learned range of each target; those without one learn during the session."""
        known = [learned] if learned is None or isinstance(learned, LearnedRange) else list(learned)
        for number, target in enumerate(self._targets.values()):
            target.begin(known[number] if number < len(known) else None)

    def forget(self) -> None:
        """Discard the traces of all predictions."""
        for target in self._targets.values():
            if target.lookahead is not None:
                target.lookahead.reset()

    def use_latency(self, latency_s: float) -> None:
        """Let all predictions use a measured latency, in s, where the settings say so."""
        for target in self._targets.values():
            if target.lookahead is not None:
                target.lookahead.use_latency(latency_s)

    def exposure(self) -> tuple[float, float] | None:
        """Return the largest share of any target so far and in the last minute, in percent; None without a limit."""
        limits = [one.lookahead.risk for one in self._targets.values() if one.lookahead is not None]
        known = [(one.realised_percent, one.minute_percent) for one in limits if one is not None]
        return (max(so_far for so_far, _ in known), max(minute for _, minute in known)) if known else None

    def change(self, change: Callable[[GateState], GateState]) -> None:
        """Apply a change to the states of all targets."""
        for target in self._targets.values():
            target.change(change)


def joined(states: Sequence[GateState]) -> GateState:
    """Return the state of all targets together: the beam is on when each allows it.

    Reasons for which one target only waits are left out while another has others.
    """
    found = {reason for state in states for reason in state.reasons}
    if not found <= WAITING:
        found -= WAITING
    faults = {fault for state in states for fault in state.faults}
    return GateState(
        armed=all(state.armed for state in states),
        operator_hold=any(state.operator_hold for state in states),
        good_frames=min(state.good_frames for state in states),
        beam=BeamState.ON if all(state.beam is BeamState.ON for state in states) else BeamState.HOLD,
        reasons=tuple([reason for reason in REASONS if reason in found]),
        faults=tuple([reason for reason in REASONS if reason in faults]),
    )
