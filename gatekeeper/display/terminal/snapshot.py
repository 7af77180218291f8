"""Snapshot: a running session in numbers, as small as it can be sent away with every decision."""

import json
import math
from typing import Any, NamedTuple

from gatekeeper.core.json_values import numbers


class SessionInfo(NamedTuple):
    """What stays the same in a session.

    Attributes
    ----------
    name : str
        What the session is called.
    source, linac : str
        Where frames come from and decisions go, in words.
    outside_limit : float
        Share of the target that may be outside, in percent.
    confidence_limit : float
        Least confidence, 0-1.
    margin_mm : float
        Growth of the target to the envelope, in mm; drawn beside its movement.
    """

    name: str
    source: str
    linac: str
    outside_limit: float
    confidence_limit: float
    margin_mm: float


class Snapshot(NamedTuple):
    """A session after one decision. What was not measured is NaN.

    Attributes
    ----------
    time_s : float
        Session time of the decision, in seconds.
    phase : str
        Where in the session we are.
    gathered : str
        How much of the preview there is, or where the target is drawn, in words; empty in other phases.
    state : str
        "ON" or "HOLD".
    reasons : tuple of str
        All reasons of a HOLD.
    frame_rate : float
        Frames per second, over the last ones.
    age_ms : float
        From the acquisition of the newest frame to now.
    outside_percent, predicted_percent : float
        Share of the target outside the envelope, as measured and as predicted.
    confidence : float
        How sure the tracker is, 0-1.
    row_mm, col_mm : float
        Where the target is on the image, in mm.
    p50_ms, p99_ms, max_ms : float
        From a frame's arrival until its decision was sent.
    duty_cycle : float
        Beam-on time as a share of the time in which the gate was armed, 0-1.
    beam_on_s : float
        Beam-on time.
    frames, silences : int
        Frames judged, and times in which none came.
    lost, skipped, dropped : int
        Frames that never came by their numbers, that were left out for newer ones, and that were not recorded.
    link_alive : bool
        The linac answers.
    """

    time_s: float = 0.0
    phase: str = ""
    gathered: str = ""
    state: str = "HOLD"
    reasons: tuple[str, ...] = ("not_armed",)
    frame_rate: float = math.nan
    age_ms: float = math.nan
    outside_percent: float = math.nan
    predicted_percent: float = math.nan
    confidence: float = math.nan
    row_mm: float = math.nan
    col_mm: float = math.nan
    p50_ms: float = math.nan
    p99_ms: float = math.nan
    max_ms: float = math.nan
    duty_cycle: float = 0.0
    beam_on_s: float = 0.0
    frames: int = 0
    silences: int = 0
    lost: int = 0
    skipped: int = 0
    dropped: int = 0
    link_alive: bool = False

    def as_json(self) -> dict[str, object]:
        """Return it as plain values for JSON; what was not measured is None."""
        return numbers(self._asdict())


class LogLine(NamedTuple):
    """A line for the operator.

    Attributes
    ----------
    time_s : float
        Session time in seconds.
    line : str
        What is said.
    """

    time_s: float
    line: str


class Typing(NamedTuple):
    """What is being typed.

    Attributes
    ----------
    text : str
        The line so far.
    """

    text: str


Message = SessionInfo | Snapshot | LogLine | Typing
KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (SessionInfo, Snapshot, LogLine, Typing)}


def packed(message: Message) -> bytes:
    """Return a message as bytes."""
    return json.dumps((type(message).__name__, message)).encode()


def unpacked(data: bytes) -> Message:
    """Return the message that `packed` made bytes of."""
    kind, values = json.loads(data)
    message: Message = KINDS[kind](*(tuple(value) if isinstance(value, list) else value for value in values))
    return message
