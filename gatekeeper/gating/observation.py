"""Measure a target on one frame against its zone and its usual motion, with the organs at risk beside it."""

from collections.abc import Sequence

from gatekeeper.config import GateConfig
from gatekeeper.gating.held_positions import HeldMotion
from gatekeeper.gating.measurements import Observation
from gatekeeper.gating.motion import Motion, updated
from gatekeeper.gating.zones import Measured, least


def observe(
    center_mm: tuple[float, float] | None,
    target: Measured,
    organs: Sequence[tuple[Measured, float]],
    motion: Motion,
    now_s: float,
    acquired_s: float,
    config: GateConfig,
    held: HeldMotion | None = None,
) -> tuple[Observation, Motion]:
    """Return the measurements of a target, and the new state of its motion checks.

    Parameters
    ----------
    center_mm : tuple of float or None
        Centre of the target as (row, col) in mm; None when the frame was not tracked.
    target : Measured
        The target against its envelope.
    organs : sequence of (Measured, float)
        Organs at risk that are judged together with it, each with its least confidence.
    motion : Motion
        State of the motion checks after the frame before.
    now_s : float
        Session time in seconds.
    acquired_s : float
        Time of acquisition of the frame, in seconds.
    config : GateConfig
        The limits of the target.
    held : HeldMotion, optional
        What is usual of a patient who holds the breath.

    Returns
    -------
    observation : Observation
        The measurements.
    motion : Motion
        State of the motion checks after this frame.
    """
    if center_mm is None:
        return Observation(drift_mm=_drift_mm(motion, held, config)), motion
    confidence, sure = target.confidence, []
    for organ, least_confidence in organs:
        if least_confidence == config.min_confidence:
            confidence = least(confidence, organ.confidence)
        else:
            sure.append((organ.confidence, least_confidence))
    speed_mm_per_s = excursion_mm = 0.0
    # The position of a lost target is meaningless; low confidence holds the beam then.
    if confidence >= config.min_confidence:
        speed_mm_per_s = motion.speed_mm_per_s(acquired_s, center_mm)
        motion = updated(motion.at(acquired_s, center_mm), now_s, center_mm, config)
        excursion_mm = motion.excursion_mm(center_mm, held)
    observation = Observation(
        confidence=confidence,
        outside_percent=target.value,
        overlaps=tuple([(organ.value, organ.limit) for organ, _ in organs]),
        speed_mm_per_s=speed_mm_per_s,
        excursion_mm=excursion_mm,
        drift_mm=_drift_mm(motion, held, config),
        sure=tuple(sure),
    )
    return observation, motion


def _drift_mm(motion: Motion, held: HeldMotion | None, config: GateConfig) -> float:
    """Return the drift of the held positions, or of the end-exhale baseline of a patient who breathes freely."""
    return motion.drift_mm(config.drift_cycles) if held is None else motion.breath_sign * held.drift_mm
