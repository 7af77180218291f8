"""Decide each hold reason of a frame: what must be true of its measurements for the beam to stay on.

Texts, limits and actions of the reasons are in `gatekeeper.core.reasons`.
"""

from collections.abc import Callable

from gatekeeper.core.decision import Reason
from gatekeeper.gating.measurements import Limits, Measurements
from gatekeeper.gating.sequence_checks import FUTURE_S

IsGood = Callable[[Measurements, Limits], bool]

CHECKS: dict[Reason, IsGood] = {
    Reason.LINK_LOST: lambda found, _: found.link_alive is True,
    Reason.INVALID_FRAME: lambda found, _: found.picture.readable,
    Reason.WRONG_SHAPE: lambda found, _: found.picture.shape_right,
    Reason.WRONG_SPACING: lambda found, _: found.picture.spacing_right,
    Reason.WRONG_PLANE: lambda found, limits: (
        found.picture.angle_deg <= limits.config.plane_angle_deg
        and found.picture.offset_mm <= limits.config.plane_offset_mm
    ),
    Reason.GEOMETRY_CHANGED: lambda found, limits: found.order.strays < limits.config.geometry_frames,
    Reason.NOT_FINITE: lambda found, _: found.picture.finite,
    Reason.CONSTANT: lambda found, _: found.picture.varied,
    Reason.SATURATED: lambda found, limits: found.picture.brightest_percent <= limits.config.saturated_percent,
    Reason.FROZEN: lambda found, limits: found.order.repeats <= limits.config.identical_frames,
    Reason.SEQUENCE_GAP: lambda found, limits: found.order.missing <= limits.config.missing_frames,
    Reason.SEQUENCE_NOT_RISING: lambda found, _: found.order.rising,
    Reason.CLOCK_BACKWARDS: lambda found, _: found.order.forward,
    Reason.STALE_FRAME: lambda found, limits: -FUTURE_S <= found.age_s <= limits.config.max_age_s,
    Reason.LOW_CONFIDENCE: lambda found, limits: limits.min_confidence <= found.target.confidence <= 1.0,
    Reason.OUTSIDE: lambda found, limits: 0.0 <= found.target.outside_percent <= limits.outside_percent,
    Reason.AVOID_IN_ZONE: lambda found, limits: all(
        0.0 <= overlap <= limits.overlap_share * limit for overlap, limit in found.target.overlaps
    ),
    Reason.EXCEPTIONAL_POSITION: lambda found, limits: found.target.excursion_mm <= limits.config.exception_mm,
    Reason.BASELINE_DRIFT: lambda found, limits: abs(found.target.drift_mm) <= limits.config.drift_mm,
}
"""Rules in the order of `gatekeeper.core.reasons`. Each compares so that NaN, which compares False, holds the beam.

Reasons without a rule are known to the state machine without measurements.
"""


def violations(findings: Measurements, limits: Limits) -> tuple[Reason, ...]:
    """Return all reasons for which one frame holds the beam, in the order of the table."""
    return tuple([reason for reason, is_good in CHECKS.items() if not is_good(findings, limits)])
