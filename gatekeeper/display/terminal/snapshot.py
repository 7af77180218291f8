"""Define the messages from the session to the terminal display."""

import json
import math
from typing import Any, NamedTuple

from gatekeeper.core.axes import SI
from gatekeeper.core.json_values import numbers
from gatekeeper.core.printable import printable

DRY_RUN = "dry run"
"""How a session without a linac describes it."""


class StructureLimits(NamedTuple):
    """Constants of one of several structures.

    Attributes
    ----------
    name : str
        Name of the structure.
    color : str
        Its colour as #rrggbb.
    measure, unit : str
        What is limited of it, and in which unit.
    limit : float
        Its limit, in that unit.
    confidence_limit : float
        Least confidence, 0-1.
    """

    name: str
    color: str
    measure: str
    unit: str
    limit: float
    confidence_limit: float


class StructureNow(NamedTuple):
    """One of several structures after one decision.

    Attributes
    ----------
    name : str
        Name of the structure.
    value : float
        What is limited of it; NaN when it was not measured.
    confidence : float
        Tracking confidence, 0-1.
    reasons : tuple of str
        Words of the reasons for which it holds.
    """

    name: str
    value: float
    confidence: float
    reasons: tuple[str, ...]


class SessionInfo(NamedTuple):
    """Constants of a session.

    Attributes
    ----------
    name : str
        Name of the session.
    source, linac : str
        Description of the frame source and of the linac connection.
    outside_limit : float
        Largest share of the target outside the envelope, in percent.
    confidence_limit : float
        Least confidence, 0-1.
    margin_mm : float
        Margin from the target to the envelope, in mm; the least range of the plot.
    warnings : tuple of str
        What is always warned of, one line each.
    structures : tuple of StructureLimits
        Each of several structures, the primary target first; empty with one.
    """

    name: str
    source: str
    linac: str
    outside_limit: float
    confidence_limit: float
    margin_mm: float
    warnings: tuple[str, ...] = ()
    structures: tuple[StructureLimits, ...] = ()

    @property
    def has_linac(self) -> bool:
        """Whether decisions go to a linac."""
        return self.linac != DRY_RUN


class Snapshot(NamedTuple):
    """A session after one decision; values that were not measured are NaN.

    Attributes
    ----------
    time_s : float
        Session time of the decision, in seconds.
    phase : str
        Phase of the session.
    gathered : str
        Progress of the preview, or where the target is drawn, as text; empty in other phases.
    state : str
        "ON" or "HOLD".
    reasons : tuple of str
        Words of all hold reasons.
    frame_rate : float
        Frames per second, over the last frames.
    age_ms : float
        Time since the acquisition of the newest frame, in ms.
    outside_percent, predicted_percent : float
        Share of the target outside the envelope in percent, as measured and as predicted; the largest of several
        targets.
    confidence : float
        Tracking confidence, 0-1.
    row_mm, col_mm : float
        Position of the target in the image, in mm.
    axis : str
        Axis of the patient along rows, such as "SI".
    p50_ms, p99_ms, max_ms : float
        Percentiles and maximum of the time from a frame's arrival until its decision was sent, in ms.
    duty_cycle : float
        Beam-on time divided by the armed time, 0-1.
    risk_limit, risk_percent : float
        Limit of the share of the time with the beam on while outside, and that share so far, in percent.
    beam_on_s : float
        Beam-on time in seconds.
    frames, silences : int
        Number of frames judged and of frame timeouts.
    lost, skipped, dropped : int
        Number of frames missing by their sequence numbers, skipped for newer ones, and not recorded.
    link_alive : bool
        Whether the linac answers.
    breath_hold : str
        The present or last breath-hold, as text; empty before the first.
    structures : tuple of StructureNow
        Each of several structures, the primary target first; empty with one, and when they were not tracked.
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
    axis: str = SI.name
    p50_ms: float = math.nan
    p99_ms: float = math.nan
    max_ms: float = math.nan
    duty_cycle: float = 0.0
    risk_limit: float = math.nan
    risk_percent: float = math.nan
    beam_on_s: float = 0.0
    frames: int = 0
    silences: int = 0
    lost: int = 0
    skipped: int = 0
    dropped: int = 0
    link_alive: bool = False
    breath_hold: str = ""
    structures: tuple[StructureNow, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the snapshot as plain values for JSON.

        Returns
        -------
        dict
            By attribute; values that were not measured are None.
        """
        values = numbers(self._asdict())
        del values["structures"]
        return values | ({"structures": [numbers(one._asdict()) for one in self.structures]} if self.structures else {})


class LogLine(NamedTuple):
    """A line of the event log.

    Attributes
    ----------
    time_s : float
        Session time in seconds.
    line : str
        Text of the line.
    """

    time_s: float
    line: str


class Typing(NamedTuple):
    """The input line of the operator.

    Attributes
    ----------
    text : str
        The line so far.
    """

    text: str


class Sheet(NamedTuple):
    """Lines that an operator has asked for; shown until the next key.

    Attributes
    ----------
    title : str
        What they are.
    lines : tuple of str
        The lines.
    is_code : bool
        Whether they are a QR code, in black on white.
    """

    title: str
    lines: tuple[str, ...]
    is_code: bool = False


Message = SessionInfo | Snapshot | LogLine | Typing | Sheet
KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (SessionInfo, Snapshot, LogLine, Typing, Sheet)}


def packed(message: Message) -> bytes:
    """Serialize a message.

    Parameters
    ----------
    message : Message
        Any of the kinds in `KINDS`.

    Returns
    -------
    bytes
        JSON of the kind and the values.
    """
    return json.dumps((type(message).__name__, _plain(message))).encode()


def _plain(value: object) -> object:
    """Return a value with texts that a terminal does not obey."""
    if isinstance(value, str):
        return printable(value)
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def unpacked(data: bytes) -> Message:
    """Deserialize a message.

    Parameters
    ----------
    data : bytes
        From `packed`.

    Returns
    -------
    Message
        Equal to the message that was packed.
    """
    kind, values = json.loads(data)
    message: Message = KINDS[kind](*(_frozen(value) for value in values))
    if isinstance(message, SessionInfo):
        return message._replace(structures=tuple(StructureLimits(*one) for one in message.structures))
    if isinstance(message, Snapshot):
        return message._replace(structures=tuple(StructureNow(*one) for one in message.structures))
    return message


def _frozen(value: object) -> object:
    """Return lists as tuples, on every level."""
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value
