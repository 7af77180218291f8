"""Define the gate's decision on one frame and its reasons."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class BeamState(StrEnum):
    """State of the beam; HOLD is the resting state.

    Examples
    --------
    >>> from gatekeeper import BeamState
    >>> BeamState("ON") is BeamState.ON
    True
    """

    ON = "ON"
    HOLD = "HOLD"


class Reason(StrEnum):
    """Why the beam is held. The word is the same in the log, the summary and the documents.

    `gatekeeper.core.reasons` has the text of each, what it measures, its limit, and whether it clears itself.

    Examples
    --------
    >>> from gatekeeper import Reason
    >>> Reason.OUTSIDE.value
    'outside'
    """

    # That of an Enum is computed in Python on each look into a set or table of reasons.
    __hash__ = str.__hash__

    NOT_ARMED = "not_armed"
    OPERATOR_HOLD = "operator_hold"
    PRESCRIBED_DELIVERED = "prescribed_delivered"
    ENGINE_FAULT = "engine_fault"
    RECORDING_LOST = "recording_lost"
    WATCHDOG_LOST = "watchdog_lost"
    LINK_LOST = "link_lost"
    SOURCE_CHANGED = "source_changed"
    NO_FRAME = "no_frame"
    INVALID_FRAME = "invalid_frame"
    WRONG_SHAPE = "wrong_shape"
    WRONG_SPACING = "wrong_spacing"
    WRONG_PLANE = "wrong_plane"
    GEOMETRY_CHANGED = "geometry_changed"
    NOT_FINITE = "not_finite"
    CONSTANT = "constant"
    SATURATED = "saturated"
    FROZEN = "frozen"
    NOT_LIVE = "not_live"
    SEQUENCE_GAP = "sequence_gap"
    SEQUENCE_NOT_RISING = "sequence_not_rising"
    CLOCK_BACKWARDS = "clock_backwards"
    CLOCK_DRIFT = "clock_drift"
    NO_CLOCK = "no_clock"
    STALE_FRAME = "stale_frame"
    LATE_FRAMES = "late_frames"
    WRONG_RATE = "wrong_rate"
    LOW_CONFIDENCE = "low_confidence"
    TARGET_JUMP = "target_jump"
    OUTSIDE = "outside"
    CANNOT_PROMISE = "cannot_promise"
    AVOID_IN_ZONE = "avoid_in_zone"
    EXCEPTIONAL_POSITION = "exceptional_position"
    BASELINE_DRIFT = "baseline_drift"
    RESUMING = "resuming"
    MINIMUM_OFF = "minimum_off"
    TOO_MANY_CYCLES = "too_many_cycles"


class Measure(StrEnum):
    """What is measured of a structure against its zone."""

    OUTSIDE_PERCENT = "outside_percent"
    OVERLAP_PERCENT = "overlap_percent"
    OVERLAP_MM2 = "overlap_mm2"
    NEARER_MM = "nearer_mm"


class StructureResult(NamedTuple):
    """One of several structures in a decision.

    Attributes
    ----------
    measure : Measure
        What was measured.
    value : float
        What came out, 0 or more; NaN when it could not be measured.
    reasons : tuple of Reason
        Why this structure holds the beam, in the order of the table; empty when it does not.
    """

    measure: Measure
    value: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Beam-on or hold for one frame.

    Attributes
    ----------
    sequence : int
        Sequence number of the frame that was judged; -1 when there was none.
    time_s : float
        Session time of the decision, in seconds.
    state : BeamState
        ON or HOLD.
    reasons : tuple of Reason
        All reasons of a HOLD, in the order of the table; empty when ON.
    outside_percent : float
        Share of the target's area outside the envelope, 0-100, the largest of several targets; NaN when it could not
        be measured.
    raw_state : BeamState or None
        State from measured positions alone, without prediction; None when there was no frame.
    predicted_percent : float
        With prediction, the share outside on which the decision is based, 0-100; NaN without.
    structures : tuple of StructureResult
        Each of several structures, in the order of their zones; empty with one, and when there were no tracks.

    Examples
    --------
    >>> from gatekeeper import BeamState, Decision, Reason
    >>> decision = Decision(12, 3.0, BeamState.HOLD, (Reason.OUTSIDE,), outside_percent=18.0)
    >>> decision.state is BeamState.ON
    False
    """

    sequence: int
    time_s: float
    state: BeamState
    reasons: tuple[Reason, ...]
    outside_percent: float
    raw_state: BeamState | None = None
    predicted_percent: float = math.nan
    structures: tuple[StructureResult, ...] = ()
