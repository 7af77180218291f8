"""Describe every hold reason once: text, tier, what it measures, its limit, whether it clears itself, and what to do.

Terminal, web page, report and documentation take the words from here; the gate takes the order and the faults.
`reason_rows` returns the table for the documentation. The rule that decides each reason is in
`gatekeeper.gating.hold_reasons`.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from gatekeeper.core.decision import Reason
from gatekeeper.core.frame_reasons import FRAME_ROWS
from gatekeeper.core.reason_row import Category, ReasonRow, Tier

_TABLE = (
    ReasonRow(
        Reason.NOT_ARMED,
        "Gate not armed",
        Category.OPERATOR,
        Tier.INFORMATION,
        "whether the gate is armed",
        "Arm the gate when the session is ready.",
    ),
    ReasonRow(
        Reason.OPERATOR_HOLD,
        "Held by the operator",
        Category.OPERATOR,
        Tier.INFORMATION,
        "whether an operator holds the beam",
        "Release the hold.",
    ),
    ReasonRow(
        Reason.PRESCRIBED_DELIVERED,
        "Prescribed beam-on time delivered",
        Category.OPERATOR,
        Tier.INFORMATION,
        "beam-on time decided so far, where `gate.stop_at_prescribed` says that the beam ends with the prescribed one",
        "End the session.",
        limit="course.beam_on_s",
        unit="s",
        also=("gate.stop_at_prescribed",),
    ),
    ReasonRow(
        Reason.ENGINE_FAULT,
        "Tracking or gating failed",
        Category.TECHNICAL,
        Tier.HIGH,
        "whether tracking or deciding failed on a frame",
        "Read the error, then reset the fault or end.",
        latched=True,
    ),
    ReasonRow(
        Reason.RECORDING_LOST,
        "Recording lost",
        Category.TECHNICAL,
        Tier.HIGH,
        "whether decisions can no longer be recorded",
        "End the session, check the disk, start anew.",
        latched=True,
    ),
    ReasonRow(
        Reason.WATCHDOG_LOST,
        "Watchdog has ended",
        Category.TECHNICAL,
        Tier.HIGH,
        "whether the watchdog's process lives and watches; without it nothing holds a port that keeps its last state",
        "End the session and start anew.",
        latched=True,
    ),
    ReasonRow(
        Reason.LINK_LOST,
        "Linac does not answer",
        Category.TECHNICAL,
        Tier.HIGH,
        "whether the linac answers",
        "Check the receiver and its connection.",
    ),
    ReasonRow(
        Reason.SOURCE_CHANGED,
        "Source has changed",
        Category.TECHNICAL,
        Tier.HIGH,
        "whether the frame came over the connection of the frame before; latched only while armed",
        "Check who sends, then reset the fault.",
        latched=True,
    ),
    *FRAME_ROWS,
    ReasonRow(
        Reason.LOW_CONFIDENCE,
        "Low tracking confidence",
        Category.TRACKING,
        Tier.MEDIUM,
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
        Tier.MEDIUM,
        "speed of the target's centre since the last confident position",
        "If it persists, check the tracked contour and the source.",
        limit="gate.jump_mm_per_s",
        unit="mm/s",
    ),
    ReasonRow(
        Reason.OUTSIDE,
        "Target outside envelope",
        Category.MOTION,
        Tier.INFORMATION,
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
        Tier.MEDIUM,
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
        Tier.INFORMATION,
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
        Tier.MEDIUM,
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
        Tier.MEDIUM,
        "movement of the end-exhale baseline from its reference, or of the held positions of breath-holds, along SI",
        "Rebase or reposition.",
        limit="gate.drift_mm",
        unit="mm",
        also=("gate.drift_cycles", "gate.breath_mm"),
    ),
    ReasonRow(
        Reason.RESUMING,
        "Waiting for good frames",
        Category.WAITING,
        Tier.INFORMATION,
        "consecutive good frames since the last hold",
        limit="gate.frames_to_resume",
        unit="frames",
    ),
    ReasonRow(
        Reason.MINIMUM_OFF,
        "Minimum beam-off time",
        Category.WAITING,
        Tier.INFORMATION,
        "time since beam-off",
        limit="profile.minimum_off_s",
        unit="s",
    ),
    ReasonRow(
        Reason.TOO_MANY_CYCLES,
        "Too many beam-on cycles",
        Category.WAITING,
        Tier.LOW,
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


TIERS = tuple(Tier)
"""The tiers in ascending order; pages refer to one by its index."""


def gravest(words: Iterable[str]) -> ReasonRow | None:
    """Return the most urgent of some reasons, of equal ones the first; None without a known reason.

    Parameters
    ----------
    words : iterable of str
        Words of reasons; those that this version does not know are left out.

    Examples
    --------
    >>> gravest(["outside", "low_confidence", "resuming"]).reason.value
    'low_confidence'
    """
    known = [REASONS[Reason(word)] for word in words if word in REASONS]
    return max(known, key=lambda row: TIERS.index(row.tier), default=None)
