"""Define for each hold reason the condition on the measurements under which the beam may be on.

Texts, limits and actions of the reasons are in `gatekeeper.core.reasons`.
"""

from collections.abc import Callable

from gatekeeper.core.decision import Reason
from gatekeeper.gating.measurements import Limits, Measurements
from gatekeeper.gating.sequence_checks import FUTURE_S

IsGood = Callable[[Measurements, Limits], bool]

CHECKS: dict[Reason, IsGood] = {
    Reason.LINK_LOST: lambda found, _: found.link_alive is True,
    Reason.SOURCE_CHANGED: lambda found, _: found.source.same,
    Reason.INVALID_FRAME: lambda found, _: found.frame.readable,
    Reason.WRONG_SHAPE: lambda found, _: found.frame.shape_right,
    Reason.WRONG_SPACING: lambda found, _: found.frame.spacing_right,
    Reason.WRONG_PLANE: lambda found, limits: (
        found.frame.angle_deg <= limits.config.plane_angle_deg
        and found.frame.offset_mm <= limits.config.plane_offset_mm
    ),
    Reason.GEOMETRY_CHANGED: lambda found, limits: found.sequence.off_grid < limits.config.geometry_frames,
    Reason.NOT_FINITE: lambda found, _: found.frame.finite,
    Reason.CONSTANT: lambda found, _: found.frame.varied,
    Reason.SATURATED: lambda found, limits: found.frame.brightest_percent <= limits.config.saturated_percent,
    Reason.FROZEN: lambda found, limits: found.sequence.repeats <= limits.config.identical_frames,
    Reason.NOT_LIVE: lambda found, limits: found.sequence.not_live <= limits.config.identical_frames,
    Reason.SEQUENCE_GAP: lambda found, limits: found.sequence.missing <= limits.config.missing_frames,
    Reason.SEQUENCE_NOT_RISING: lambda found, _: found.sequence.rising,
    Reason.CLOCK_BACKWARDS: lambda found, _: found.sequence.forward,
    Reason.CLOCK_DRIFT: lambda found, _: found.source.steady,
    Reason.NO_CLOCK: lambda found, _: found.source.has_clock,
    Reason.STALE_FRAME: lambda found, limits: -FUTURE_S <= found.age_s <= limits.config.max_age_s,
    Reason.LATE_FRAMES: lambda found, limits: found.source.late_s <= limits.config.max_age_s,
    Reason.WRONG_RATE: lambda found, _: found.source.rate_right,
    Reason.LOW_CONFIDENCE: lambda found, limits: (
        limits.min_confidence <= found.target.confidence <= 1.0
        and (
            not found.target.sure
            or all(limits.own_confidence(least) <= confidence <= 1.0 for confidence, least in found.target.sure)
        )
    ),
    Reason.TARGET_JUMP: lambda found, limits: found.target.speed_mm_per_s <= limits.config.jump_mm_per_s,
    Reason.OUTSIDE: lambda found, limits: 0.0 <= found.target.outside_percent <= limits.outside_percent,
    Reason.CANNOT_PROMISE: lambda found, _: found.target.promised is True,
    Reason.AVOID_IN_ZONE: lambda found, limits: (
        not found.target.overlaps
        or all(0.0 <= overlap <= limits.overlap_share * limit for overlap, limit in found.target.overlaps)
    ),
    Reason.EXCEPTIONAL_POSITION: lambda found, limits: found.target.excursion_mm <= limits.config.exception_mm,
    Reason.BASELINE_DRIFT: lambda found, limits: abs(found.target.drift_mm) <= limits.config.drift_mm,
}
"""Conditions in the order of `gatekeeper.core.reasons`. NaN compares False, so it holds the beam.

The state machine knows the other reasons without measurements.
"""


def violations(measurements: Measurements, limits: Limits) -> tuple[Reason, ...]:
    """Return all reasons to hold the beam on one frame, in the order of the table."""
    return tuple([reason for reason, is_good in CHECKS.items() if not is_good(measurements, limits)])
