"""Define the hold reasons that follow from the measurements of one frame, and their conditions."""

from gatekeeper.core.decision import Reason
from gatekeeper.gating.measurements import Limits, Measurements
from gatekeeper.gating.sequence_checks import FUTURE_S

CHECKS = (
    Reason.PRESCRIBED_DELIVERED,
    Reason.LINK_LOST,
    Reason.SOURCE_CHANGED,
    Reason.INVALID_FRAME,
    Reason.WRONG_SHAPE,
    Reason.WRONG_SPACING,
    Reason.WRONG_PLANE,
    Reason.GEOMETRY_CHANGED,
    Reason.NOT_FINITE,
    Reason.CONSTANT,
    Reason.SATURATED,
    Reason.FROZEN,
    Reason.NOT_LIVE,
    Reason.SEQUENCE_GAP,
    Reason.SEQUENCE_NOT_RISING,
    Reason.CLOCK_BACKWARDS,
    Reason.CLOCK_DRIFT,
    Reason.NO_CLOCK,
    Reason.STALE_FRAME,
    Reason.LATE_FRAMES,
    Reason.WRONG_RATE,
    Reason.LOW_CONFIDENCE,
    Reason.TARGET_JUMP,
    Reason.OUTSIDE,
    Reason.CANNOT_PROMISE,
    Reason.AVOID_IN_ZONE,
    Reason.EXCEPTIONAL_POSITION,
    Reason.BASELINE_DRIFT,
)
"""Reasons that are checked, in the order of `gatekeeper.core.reasons`.

The state machine knows the other reasons without measurements.
"""


def conditions(found: Measurements, limits: Limits) -> tuple[bool, ...]:
    """Return whether each of `CHECKS` is met on one frame, in their order; computed at once, as on every frame.

    NaN compares False, so it holds the beam.
    """
    frame, sequence, age_s, link_alive, _, source, left_s, target = found
    config = limits.config
    return (
        left_s > 0.0,
        link_alive is True,
        source.same,
        frame.readable,
        frame.shape_right,
        frame.spacing_right,
        # The plane.
        frame.angle_deg <= config.plane_angle_deg and frame.offset_mm <= config.plane_offset_mm,
        sequence.off_grid < config.geometry_frames,
        # The pixels.
        frame.finite,
        frame.varied,
        frame.brightest_percent <= config.saturated_percent,
        sequence.repeats <= config.identical_frames,
        sequence.not_live <= config.identical_frames,
        # Numbers and times.
        sequence.missing <= config.missing_frames,
        sequence.rising,
        sequence.forward,
        source.steady,
        source.has_clock,
        -FUTURE_S <= age_s <= config.max_age_s,
        source.late_s <= config.max_age_s,
        source.rate_right,
        # The target and the organs at risk.
        limits.min_confidence <= target.confidence <= 1.0
        and (
            not target.sure
            or all(limits.own_confidence(least) <= confidence <= 1.0 for confidence, least in target.sure)
        ),
        target.speed_mm_per_s <= config.jump_mm_per_s,
        0.0 <= target.outside_percent <= limits.outside_percent,
        target.promised is True,
        not target.overlaps
        or all(0.0 <= overlap <= limits.overlap_share * limit for overlap, limit in target.overlaps),
        target.excursion_mm <= config.exception_mm,
        abs(target.drift_mm) <= config.drift_mm,
    )


def violations(measurements: Measurements, limits: Limits) -> tuple[Reason, ...]:
    """Return all reasons to hold the beam on one frame, in the order of the table."""
    met = conditions(measurements, limits)
    return () if all(met) else tuple([reason for reason, good in zip(CHECKS, met, strict=True) if not good])
