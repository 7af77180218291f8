"""Words: what each reason means to whoever stands at the console, with its number and limit where it has one."""

from gatekeeper.core.decision import Reason
from gatekeeper.display.terminal.snapshot import SessionInfo, Snapshot

WORDS = {
    Reason.NOT_ARMED: "not armed",
    Reason.OPERATOR_HOLD: "held by an operator; release ends that",
    Reason.ENGINE_FAULT: "tracking or deciding has failed; look into it, then reset",
    Reason.RECORDING_LOST: "decisions can no longer be recorded; end the session",
    Reason.LINK_LOST: "the linac does not answer",
    Reason.NO_FRAME: "no frame comes",
    Reason.INVALID_FRAME: "the frame is no image",
    Reason.WRONG_SHAPE: "the frame has another number of rows or columns",
    Reason.WRONG_SPACING: "the frame has pixels of another size",
    Reason.WRONG_PLANE: "the frame lies in another plane",
    Reason.GEOMETRY_CHANGED: "the scanner's plane or grid has changed; look into it, then reset",
    Reason.NOT_FINITE: "the frame holds pixels that are no numbers",
    Reason.CONSTANT: "the frame is blank",
    Reason.SATURATED: "the frame is saturated",
    Reason.FROZEN: "the same image comes again and again",
    Reason.SEQUENCE_GAP: "frames are missing",
    Reason.SEQUENCE_NOT_RISING: "frames come twice or out of order",
    Reason.CLOCK_BACKWARDS: "a clock went backwards; look into it, then reset",
    Reason.STALE_FRAME: "the frame is too old",
    Reason.LOW_CONFIDENCE: "not sure where the target is",
    Reason.OUTSIDE: "target outside the envelope",
    Reason.AVOID_IN_ZONE: "a structure to avoid is in the beam's zone",
    Reason.EXCEPTIONAL_POSITION: "target where it has never been",
    Reason.BASELINE_DRIFT: "the baseline has drifted; rebase or position anew",
    Reason.RESUMING: "waiting for good frames in a row",
    Reason.MINIMUM_OFF: "the linac must rest before it begins again",
    Reason.TOO_MANY_CYCLES: "the linac has begun too often within a minute",
}


def in_words(reason: str, now: Snapshot, facts: SessionInfo) -> str:
    """Return one reason in words; a word that is not known stands for itself."""
    words = next((words for known, words in WORDS.items() if known == reason), reason)
    match reason:
        case Reason.OUTSIDE:
            percent = max(now.outside_percent, now.predicted_percent, key=lambda value: (value == value, value))
            return f"{words}: {percent:.1f} %, limit {facts.outside_limit:g} %"
        case Reason.LOW_CONFIDENCE:
            return f"{words}: {now.confidence:.2f}, limit {facts.confidence_limit:g}"
        case Reason.STALE_FRAME:
            return f"{words}: {now.age_ms:.0f} ms"
    return words
