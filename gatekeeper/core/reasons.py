"""Describe every hold reason once: text, what it measures, its limit, whether it clears itself, and what to do.

Terminal, web page, report and documentation take the words from here; the gate takes the order and the faults.
`reason_rows` returns the table for the documentation. The rule that decides each reason is in
`gatekeeper.gating.hold_reasons`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gatekeeper.core.decision import Reason


class Category(StrEnum):
    """What a hold reason is about."""

    MOTION = "motion"
    WAITING = "waiting"
    TRACKING = "tracking"
    TECHNICAL = "technical"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """One hold reason.

    Attributes
    ----------
    reason : Reason
        The word in the log.
    text : str
        A few words for people.
    category : Category
        What the reason is about.
    measures : str
        What is measured.
    action : str
        What to do; empty when waiting is enough.
    limit : str or None
        Setting that holds the limit, such as ``gate.max_age_s``; None when there is no limit to set.
    unit : str or None
        Unit of measurement and limit; None for yes or no.
    also : tuple of str
        Further settings that matter: stricter limits to resume, and how the value is measured.
    latched : bool
        True for a fault, which stays until an operator resets it; any other reason clears itself.
    """

    reason: Reason
    text: str
    category: Category
    measures: str
    action: str = ""
    limit: str | None = None
    unit: str | None = None
    also: tuple[str, ...] = ()
    latched: bool = False


_TABLE = (
    ReasonRow(
        Reason.NOT_ARMED,
        "Gate not armed",
        Category.OPERATOR,
        "whether the gate is armed",
        "Arm the gate when the session is ready.",
    ),
    ReasonRow(
        Reason.OPERATOR_HOLD,
        "Held by the operator",
        Category.OPERATOR,
        "whether an operator holds the beam",
        "Release the hold.",
    ),
    ReasonRow(
        Reason.ENGINE_FAULT,
        "Tracking or gating failed",
        Category.TECHNICAL,
        "whether tracking or deciding failed on a frame",
        "Read the error, then reset the fault or end.",
        latched=True,
    ),
    ReasonRow(
        Reason.RECORDING_LOST,
        "Recording lost",
        Category.TECHNICAL,
        "whether decisions can no longer be recorded",
        "End the session, check the disk, start anew.",
        latched=True,
    ),
    ReasonRow(
        Reason.WATCHDOG_LOST,
        "Watchdog has ended",
        Category.TECHNICAL,
        "whether the watchdog's process lives and watches; without it nothing holds a port that keeps its last state",
        "End the session and start anew.",
        latched=True,
    ),
    ReasonRow(
        Reason.LINK_LOST,
        "Linac does not answer",
        Category.TECHNICAL,
        "whether the linac answers",
        "Check the receiver and its connection.",
    ),
    ReasonRow(
        Reason.SOURCE_CHANGED,
        "Source has changed",
        Category.TECHNICAL,
        "whether the frame came over the connection of the frame before; latched only while armed",
        "Check who sends, then reset the fault.",
        latched=True,
    ),
    ReasonRow(
        Reason.NO_FRAME,
        "Frame timeout",
        Category.TECHNICAL,
        "time since the last frame; the limit is shorter where `loop.silence_periods` frame periods are",
        "Check the scanner and the connection to the source.",
        limit="gate.max_age_s",
        unit="s",
        also=("loop.silence_periods",),
    ),
    ReasonRow(
        Reason.INVALID_FRAME,
        "Not an image",
        Category.TECHNICAL,
        "whether the image is a matrix of 32-bit floats with at least one pixel",
        "Check what the source sends.",
    ),
    ReasonRow(
        Reason.WRONG_SHAPE,
        "Wrong image size",
        Category.TECHNICAL,
        "whether the image has as many rows and columns as the reference",
        "Set the imaging matrix of the reference.",
    ),
    ReasonRow(
        Reason.WRONG_SPACING,
        "Wrong pixel size",
        Category.TECHNICAL,
        "whether the pixels have the size of the reference, to 0.01 %",
        "Set the field of view of the reference.",
    ),
    ReasonRow(
        Reason.WRONG_PLANE,
        "Wrong imaging plane",
        Category.TECHNICAL,
        "angle of rows and columns to the plane of the reference, and distance of the first pixel from its place",
        "Set the imaging plane of the reference.",
        limit="gate.plane_angle_deg",
        unit="degrees",
        also=("gate.plane_offset_mm",),
    ),
    ReasonRow(
        Reason.GEOMETRY_CHANGED,
        "Imaging geometry changed",
        Category.TECHNICAL,
        "consecutive frames with another shape, spacing or plane",
        "Restore plane and matrix, then reset the fault.",
        limit="gate.geometry_frames",
        unit="frames",
        latched=True,
    ),
    ReasonRow(
        Reason.NOT_FINITE,
        "NaN or infinite pixels",
        Category.TECHNICAL,
        "whether all pixels are finite",
        "Check the reconstruction.",
    ),
    ReasonRow(
        Reason.CONSTANT,
        "Blank image",
        Category.TECHNICAL,
        "whether any two pixels differ",
        "Check coils and reconstruction.",
    ),
    ReasonRow(
        Reason.SATURATED,
        "Saturated image",
        Category.TECHNICAL,
        "share of the pixels at the end of the range of the pixels or the scanner",
        "Lower the receiver gain or the scaling of the images.",
        limit="gate.saturated_percent",
        unit="%",
    ),
    ReasonRow(
        Reason.FROZEN,
        "Repeated image",
        Category.TECHNICAL,
        "consecutive frames with the same pixels as the frame before",
        "Check the scanner and the source.",
        limit="gate.identical_frames",
        unit="frames",
    ),
    ReasonRow(
        Reason.NOT_LIVE,
        "Image not live",
        Category.TECHNICAL,
        "consecutive frames that repeat an earlier picture, exactly or with other noise or brightness",
        "Check the source; after a change of gain arm anew.",
        limit="gate.identical_frames",
        unit="frames",
        also=("gate.retrospective",),
    ),
    ReasonRow(
        Reason.SEQUENCE_GAP,
        "Missing frames",
        Category.TECHNICAL,
        "frame numbers missing before this frame, without frames that the loop skipped",
        "If it persists, check the network and the source.",
        limit="gate.missing_frames",
        unit="frames",
    ),
    ReasonRow(
        Reason.SEQUENCE_NOT_RISING,
        "Frames out of order",
        Category.TECHNICAL,
        "whether the frame number is above that of the frame before",
        "Check the source: frames are repeated or reordered.",
    ),
    ReasonRow(
        Reason.CLOCK_BACKWARDS,
        "Clock went backwards",
        Category.TECHNICAL,
        "whether session time, or acquisition time with rising frame numbers, went backwards",
        "Check the clock of the scanner, then reset the fault.",
        latched=True,
    ),
    ReasonRow(
        Reason.CLOCK_DRIFT,
        "Sender's clock drifts",
        Category.TECHNICAL,
        "whether the sender's clock runs more than 0.1 % faster or slower than session time; latched only while armed",
        "Check its unit and rate, then reset the fault.",
        latched=True,
    ),
    ReasonRow(
        Reason.NO_CLOCK,
        "Frame without a time",
        Category.TECHNICAL,
        "whether the sender gives a time of acquisition, and another one for each frame",
        "Set up times at the sender, or clock to none.",
    ),
    ReasonRow(
        Reason.STALE_FRAME,
        "Frame too old",
        Category.TECHNICAL,
        "time since the frame was acquired; a time in the future counts as too old",
        "Check reconstruction, network and clocks for delays.",
        limit="gate.max_age_s",
        unit="s",
    ),
    ReasonRow(
        Reason.LATE_FRAMES,
        "Frames are falling behind",
        Category.TECHNICAL,
        "delay of the frame behind the rate at which frames came before, whatever the sender's clock says",
        "Check for delays; reset after a pause.",
        limit="gate.max_age_s",
        unit="s",
    ),
    ReasonRow(
        Reason.WRONG_RATE,
        "Wrong frame rate",
        Category.TECHNICAL,
        "whether frames come at `source.frames_per_s`, to 2 %, once their rate is known, or at a multiple of it",
        "Set source.frames_per_s to that of the scanner.",
    ),
    ReasonRow(
        Reason.LOW_CONFIDENCE,
        "Low tracking confidence",
        Category.TRACKING,
        "least confidence of the tracker in the position of any structure",
        "If it persists, check image quality, plane and contour.",
        limit="gate.min_confidence",
        unit="0-1",
        also=("gate.confidence_hysteresis",),
    ),
    ReasonRow(
        Reason.TARGET_JUMP,
        "Target jumped",
        Category.TRACKING,
        "speed of the target's centre since the last confident position",
        "If it persists, check the tracked contour and the source.",
        limit="gate.jump_mm_per_s",
        unit="mm/s",
    ),
    ReasonRow(
        Reason.OUTSIDE,
        "Target outside envelope",
        Category.MOTION,
        "share of a target's area outside its envelope",
        "If it persists, rebase or reposition.",
        limit="gate.outside_percent",
        unit="%",
        also=("gate.outside_hysteresis_percent",),
    ),
    ReasonRow(
        Reason.CANNOT_PROMISE,
        "Risk limit cannot be promised",
        Category.WAITING,
        "whether a level is known at which the beam is on while the target is outside for at most the limit's share",
        "If it persists, coach the breathing.",
        limit="gate.risk_percent",
        unit="%",
        also=("prediction.mode",),
    ),
    ReasonRow(
        Reason.AVOID_IN_ZONE,
        "OAR in keep-out zone",
        Category.MOTION,
        "share of an organ at risk's area in its keep-out zone, or that area in mm2",
        "If it persists, reposition or adapt the plan.",
        limit="gate.overlap_percent",
        unit="%",
        also=("gate.overlap_resume_share",),
    ),
    ReasonRow(
        Reason.EXCEPTIONAL_POSITION,
        "Unusual target position",
        Category.MOTION,
        "distance of the target's centre from the range learned so far, along SI or AP",
        "Check the patient and the tracked contour.",
        limit="gate.exception_mm",
        unit="mm",
        also=("gate.learning_s",),
    ),
    ReasonRow(
        Reason.BASELINE_DRIFT,
        "Baseline drift",
        Category.MOTION,
        "movement of the end-exhale baseline from its reference, along SI",
        "Rebase or reposition.",
        limit="gate.drift_mm",
        unit="mm",
        also=("gate.drift_cycles", "gate.breath_mm"),
    ),
    ReasonRow(
        Reason.RESUMING,
        "Waiting for good frames",
        Category.WAITING,
        "consecutive good frames since the last hold",
        limit="gate.frames_to_resume",
        unit="frames",
    ),
    ReasonRow(
        Reason.MINIMUM_OFF,
        "Minimum beam-off time",
        Category.WAITING,
        "time since beam-off",
        limit="profile.minimum_off_s",
        unit="s",
    ),
    ReasonRow(
        Reason.TOO_MANY_CYCLES,
        "Too many beam-on cycles",
        Category.WAITING,
        "times the beam came on within the last minute",
        limit="profile.cycles_per_minute",
        unit="per minute",
    ),
)

REASONS: Mapping[Reason, ReasonRow] = MappingProxyType({row.reason: row for row in _TABLE})
"""Every reason, in the order in which a decision lists them."""

FAULTS = tuple(row.reason for row in _TABLE if row.latched)
"""Reasons that stay until an operator resets them."""

FAULTS_WHEN_ARMED = frozenset((Reason.SOURCE_CHANGED, Reason.CLOCK_DRIFT))
"""Faults that clear themselves while the gate is not armed."""


def reason_rows() -> tuple[ReasonRow, ...]:
    """Return all hold reasons, in the order in which a decision lists them.

    Examples
    --------
    >>> [row.reason.value for row in reason_rows() if row.latched][:3]
    ['engine_fault', 'recording_lost', 'watchdog_lost']
    """
    return _TABLE


def text_of(word: str) -> str:
    """Return the text of a reason word; a word that this version does not know stands for itself.

    Examples
    --------
    >>> text_of("low_confidence")
    'Low tracking confidence'
    """
    try:
        return REASONS[Reason(word)].text
    except ValueError:
        return word
