"""The one table of reasons: what each measures, its limit, whether it clears itself, and the test that shows it."""

from collections.abc import Callable
from dataclasses import dataclass

from gatekeeper.core.decision import Reason
from gatekeeper.gating.measurements import Limits, Measurements
from gatekeeper.gating.sequence_checks import FUTURE_S

IsGood = Callable[[Measurements, Limits], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    reason : Reason
        The word in the log.
    measures : str
        What is looked at.
    limit : str or None
        Field of `GateConfig` that holds the limit; None when there is nothing to set, or not here.
    unit : str or None
        Unit of measurement and limit; None for yes or no.
    shown_by : str
        The test that shows it, as file::function.
    also : tuple of str
        Further fields of `GateConfig` that have a say: those by which resuming is stricter, and those that say how
        it is measured.
    latched : bool
        True for a fault, which stays until an operator resets it.
    is_good : callable or None
        Returns True when the findings give no cause, so that NaN, which compares False, always is one; None for
        what the state machine knows without looking at a frame.
    """

    reason: Reason
    measures: str
    limit: str | None
    unit: str | None
    shown_by: str
    also: tuple[str, ...] = ()
    latched: bool = False
    is_good: IsGood | None = None


_REASONS = "test_hold_reasons.py::"
_STATE = "test_state_machine.py::"
_PROFILE = "test_linac_profile.py::"

TABLE = (
    Row(Reason.NOT_ARMED, "whether the gate is armed", None, None, f"{_STATE}test_not_armed"),
    Row(Reason.OPERATOR_HOLD, "whether an operator holds the beam", None, None, f"{_STATE}test_operator_hold"),
    Row(
        Reason.ENGINE_FAULT,
        "whether tracking or deciding failed on a frame",
        None,
        None,
        f"{_STATE}test_engine_fault",
        latched=True,
    ),
    Row(
        Reason.RECORDING_LOST,
        "whether decisions can no longer be recorded",
        None,
        None,
        f"{_STATE}test_recording_lost",
        latched=True,
    ),
    Row(
        Reason.LINK_LOST,
        "whether the linac answers",
        None,
        None,
        f"{_REASONS}test_link_lost",
        is_good=lambda found, _: found.link_alive is True,
    ),
    Row(
        Reason.NO_FRAME,
        "time in which no frame has come; less, where `silence_periods` of the loop is",
        "max_age_s",
        "s",
        f"{_REASONS}test_no_frame",
    ),
    Row(
        Reason.INVALID_FRAME,
        "whether the image is a matrix of 32-bit floats with at least one pixel",
        None,
        None,
        f"{_REASONS}test_invalid_frame",
        is_good=lambda found, _: found.picture.readable,
    ),
    Row(
        Reason.WRONG_SHAPE,
        "whether rows and columns are as many as the envelope's grid has",
        None,
        None,
        f"{_REASONS}test_wrong_shape",
        is_good=lambda found, _: found.picture.shape_right,
    ),
    Row(
        Reason.WRONG_SPACING,
        "whether the pixels are of the size that the envelope was drawn on, to 0.01 %",
        None,
        None,
        f"{_REASONS}test_wrong_spacing",
        is_good=lambda found, _: found.picture.spacing_right,
    ),
    Row(
        Reason.WRONG_PLANE,
        "angle by which rows or columns are turned from the envelope's plane, and distance of the first pixel",
        "plane_angle_deg",
        "degrees",
        f"{_REASONS}test_wrong_plane",
        also=("plane_offset_mm",),
        is_good=lambda found, limits: (
            found.picture.angle_deg <= limits.config.plane_angle_deg
            and found.picture.offset_mm <= limits.config.plane_offset_mm
        ),
    ),
    Row(
        Reason.GEOMETRY_CHANGED,
        "frames in a row of another shape, spacing or plane",
        "geometry_frames",
        "frames",
        f"{_REASONS}test_geometry_changed",
        latched=True,
        is_good=lambda found, limits: found.order.strays < limits.config.geometry_frames,
    ),
    Row(
        Reason.NOT_FINITE,
        "whether every pixel is a number: neither NaN nor infinite",
        None,
        None,
        f"{_REASONS}test_not_finite",
        is_good=lambda found, _: found.picture.finite,
    ),
    Row(
        Reason.CONSTANT,
        "whether any two pixels differ",
        None,
        None,
        f"{_REASONS}test_constant",
        is_good=lambda found, _: found.picture.varied,
    ),
    Row(
        Reason.SATURATED,
        "share of the pixels that have the largest value of the frame",
        "saturated_percent",
        "%",
        f"{_REASONS}test_saturated",
        is_good=lambda found, limits: found.picture.brightest_percent <= limits.config.saturated_percent,
    ),
    Row(
        Reason.FROZEN,
        "frames in a row that repeat the pixels of the one before",
        "identical_frames",
        "frames",
        f"{_REASONS}test_frozen",
        is_good=lambda found, limits: found.order.repeats <= limits.config.identical_frames,
    ),
    Row(
        Reason.SEQUENCE_GAP,
        "frames missing between the last one and this, by their numbers; not those that the loop has skipped",
        "missing_frames",
        "frames",
        f"{_REASONS}test_sequence_gap",
        is_good=lambda found, limits: found.order.missing <= limits.config.missing_frames,
    ),
    Row(
        Reason.SEQUENCE_NOT_RISING,
        "whether the frame's number is above that of the one before",
        None,
        None,
        f"{_REASONS}test_sequence_not_rising",
        is_good=lambda found, _: found.order.rising,
    ),
    Row(
        Reason.CLOCK_BACKWARDS,
        "whether the session's time, or the time of acquisition while numbers rise, went back",
        None,
        None,
        f"{_REASONS}test_clock_backwards",
        latched=True,
        is_good=lambda found, _: found.order.forward,
    ),
    Row(
        Reason.STALE_FRAME,
        "time since the frame was acquired, which must not lie in the future either",
        "max_age_s",
        "s",
        f"{_REASONS}test_stale_frame",
        is_good=lambda found, limits: -FUTURE_S <= found.age_s <= limits.config.max_age_s,
    ),
    Row(
        Reason.LOW_CONFIDENCE,
        "how sure the tracker is of where each structure is",
        "min_confidence",
        "0-1",
        f"{_REASONS}test_low_confidence",
        also=("confidence_hysteresis",),
        is_good=lambda found, limits: limits.min_confidence <= found.target.confidence <= 1.0,
    ),
    Row(
        Reason.OUTSIDE,
        "share of a target's area outside its envelope",
        "outside_percent",
        "%",
        f"{_REASONS}test_outside",
        also=("outside_hysteresis_percent",),
        is_good=lambda found, limits: 0.0 <= found.target.outside_percent <= limits.outside_percent,
    ),
    Row(
        Reason.AVOID_IN_ZONE,
        "share of the area of a structure to avoid that is in its forbidden zone, or that area in mm2",
        "overlap_percent",
        "%",
        f"{_REASONS}test_avoid_in_zone",
        also=("overlap_resume_share",),
        is_good=lambda found, limits: all(
            0.0 <= overlap <= limits.overlap_share * limit for overlap, limit in found.target.overlaps
        ),
    ),
    Row(
        Reason.EXCEPTIONAL_POSITION,
        "how far the target's centre is outside the range that was learned, along SI or AP",
        "exception_mm",
        "mm",
        f"{_REASONS}test_exceptional_position",
        also=("learning_s",),
        is_good=lambda found, limits: found.target.excursion_mm <= limits.config.exception_mm,
    ),
    Row(
        Reason.BASELINE_DRIFT,
        "how far the end-exhale baseline has moved from its reference, along SI",
        "drift_mm",
        "mm",
        f"{_REASONS}test_baseline_drift",
        also=("drift_cycles", "breath_mm"),
        is_good=lambda found, limits: abs(found.target.drift_mm) <= limits.config.drift_mm,
    ),
    Row(
        Reason.RESUMING,
        "good frames in a row since the last hold",
        "frames_to_resume",
        "frames",
        f"{_STATE}test_resuming",
    ),
    Row(
        Reason.MINIMUM_OFF,
        "time for which the beam is off, before it may begin (`minimum_off_s` of the linac's profile)",
        None,
        "s",
        f"{_PROFILE}test_minimum_off",
    ),
    Row(
        Reason.TOO_MANY_CYCLES,
        "beams begun within the last minute (`cycles_per_minute` of the linac's profile)",
        None,
        "per minute",
        f"{_PROFILE}test_too_many_cycles",
    ),
)
"""Every reason once, in the order in which a decision lists them."""

ORDER = tuple(row.reason for row in TABLE)

LATCHED = tuple(row.reason for row in TABLE if row.latched)
"""The faults: they stay until an operator resets them."""

CHECKS = tuple((row.reason, row.is_good) for row in TABLE if row.is_good is not None)


def violations(findings: Measurements, limits: Limits) -> tuple[Reason, ...]:
    """Return all reasons for which one frame holds the beam, in the order of the table."""
    return tuple([reason for reason, is_good in CHECKS if not is_good(findings, limits)])
