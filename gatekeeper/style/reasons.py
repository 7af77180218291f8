"""Reasons as people read them: in words, and by what they have to do with."""

from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.core.decision import Reason


class Kind(StrEnum):
    """What a reason has to do with."""

    MOTION = "motion"
    WAITING = "waiting"
    TRACKING = "tracking"
    TECHNICAL = "technical"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Looks:
    """How a reason is shown.

    Attributes
    ----------
    words : str
        A few words for a person.
    kind : Kind
        What it has to do with.
    """

    words: str
    kind: Kind


KIND_COLOR = {
    Kind.MOTION: "#E69F00",
    Kind.WAITING: "#F0E442",
    Kind.TRACKING: "#CC79A7",
    Kind.TECHNICAL: "#D55E00",
    Kind.OPERATOR: "#999999",
}

KIND_WORDS = {
    Kind.MOTION: "where the target is",
    Kind.WAITING: "waiting before beam-on",
    Kind.TRACKING: "how sure the tracker is",
    Kind.TECHNICAL: "frames, machine or link",
    Kind.OPERATOR: "the operator",
}

LOOKS = {
    Reason.NOT_ARMED: Looks("not armed", Kind.OPERATOR),
    Reason.OPERATOR_HOLD: Looks("held by the operator", Kind.OPERATOR),
    Reason.ENGINE_FAULT: Looks("fault of the engine", Kind.TECHNICAL),
    Reason.RECORDING_LOST: Looks("recording lost", Kind.TECHNICAL),
    Reason.LINK_LOST: Looks("linac does not answer", Kind.TECHNICAL),
    Reason.NO_FRAME: Looks("no frame", Kind.TECHNICAL),
    Reason.INVALID_FRAME: Looks("frame is no image", Kind.TECHNICAL),
    Reason.WRONG_SHAPE: Looks("frame of another size", Kind.TECHNICAL),
    Reason.WRONG_SPACING: Looks("frame of another pixel size", Kind.TECHNICAL),
    Reason.WRONG_PLANE: Looks("frame of another plane", Kind.TECHNICAL),
    Reason.GEOMETRY_CHANGED: Looks("geometry has changed", Kind.TECHNICAL),
    Reason.NOT_FINITE: Looks("frame holds NaN or infinity", Kind.TECHNICAL),
    Reason.CONSTANT: Looks("frame is constant", Kind.TECHNICAL),
    Reason.SATURATED: Looks("frame is saturated", Kind.TECHNICAL),
    Reason.FROZEN: Looks("image is frozen", Kind.TECHNICAL),
    Reason.SEQUENCE_GAP: Looks("frames are missing", Kind.TECHNICAL),
    Reason.SEQUENCE_NOT_RISING: Looks("frames out of order", Kind.TECHNICAL),
    Reason.CLOCK_BACKWARDS: Looks("clock went back", Kind.TECHNICAL),
    Reason.STALE_FRAME: Looks("frame is too old", Kind.TECHNICAL),
    Reason.LOW_CONFIDENCE: Looks("target not surely found", Kind.TRACKING),
    Reason.OUTSIDE: Looks("target outside the envelope", Kind.MOTION),
    Reason.AVOID_IN_ZONE: Looks("structure to avoid in its zone", Kind.MOTION),
    Reason.EXCEPTIONAL_POSITION: Looks("target far outside its range", Kind.MOTION),
    Reason.BASELINE_DRIFT: Looks("baseline has drifted", Kind.MOTION),
    Reason.RESUMING: Looks("waiting for more good frames", Kind.WAITING),
    Reason.MINIMUM_OFF: Looks("linac needs a longer pause", Kind.WAITING),
    Reason.TOO_MANY_CYCLES: Looks("too many beams within a minute", Kind.WAITING),
}

KINDS = tuple(Kind)
"""On pages a kind is known by its place among these."""


def kinds_for_page() -> list[dict[str, str]]:
    """Return colour and words of each kind, in the order of `KINDS`."""
    return [{"color": KIND_COLOR[kind], "words": KIND_WORDS[kind]} for kind in KINDS]
