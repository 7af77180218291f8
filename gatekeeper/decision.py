"""Decision: what the gate says about one frame, and the reasons why."""

from dataclasses import dataclass
from enum import StrEnum


class BeamState(StrEnum):
    """The two answers; HOLD is the resting state."""

    ON = "ON"
    HOLD = "HOLD"


class Reason(StrEnum):
    """Why the beam is held. The word is the same in the log, the summary and the documents.

    These clear themselves as soon as what they measure is good again.
    """

    NOT_ARMED = "not_armed"
    NO_FRAME = "no_frame"
    INVALID_FRAME = "invalid_frame"
    STALE_FRAME = "stale_frame"
    LOW_CONFIDENCE = "low_confidence"
    OUTSIDE = "outside"
    RESUMING = "resuming"


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
        Share of the target's area outside the envelope, 0-100; NaN when it could not be measured.
    """

    sequence: int
    time_s: float
    state: BeamState
    reasons: tuple[Reason, ...]
    outside_percent: float
