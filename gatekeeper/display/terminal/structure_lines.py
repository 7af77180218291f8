"""Lines of the terminal on each of several structures, and which of them hold."""

import math

from rich.text import Text

from gatekeeper.core.decision import Reason
from gatekeeper.display.terminal.snapshot import SessionInfo, Snapshot, StructureLimits, StructureNow

NAME, VALUE = 22, 26
"""Widths of the columns of names and values, in characters; a line fits 80 columns."""
MOST_NAMED = 2
"""Number of structures that are named behind a reason; others are counted."""


def structure_lines(now: Snapshot, info: SessionInfo, most: int) -> list[Text]:
    """Return a line for each of several structures; those that hold come first where there is no room for all.

    Parameters
    ----------
    now : Snapshot
        The values.
    info : SessionInfo
        The limits.
    most : int
        Largest number of lines.
    """
    found = {one.name: one for one in now.structures}
    rows = [(one, found.get(one.name)) for one in info.structures]
    if len(rows) > most:
        rows.sort(key=lambda row: row[1] is None or not row[1].reasons)
        kept = max(most - 1, 0)
        more = Text(f"  and {len(rows) - kept} more structures", "dim")
        return [*(_line(*row) for row in rows[:kept]), more][:most]
    return [_line(*row) for row in rows]


def holders(reason: str, now: Snapshot, info: SessionInfo) -> str:
    """Return which structures hold for a reason, each with its value and limit; empty when none does.

    Parameters
    ----------
    reason : str
        The word of the reason.
    now : Snapshot
        The values.
    info : SessionInfo
        The limits.
    """
    limits = {one.name: one for one in info.structures}
    those = [one for one in now.structures if reason in one.reasons and one.name in limits]
    words = [_value(one, limits[one.name], reason) for one in those[:MOST_NAMED]]
    if len(those) > MOST_NAMED:
        words.append(f"and {len(those) - MOST_NAMED} more")
    return ", ".join(words)


def shortened(name: str, most: int = NAME - 2) -> str:
    """Return a name that fits a column.

    Examples
    --------
    >>> shortened("Duodenum, descending part", 12)
    'Duodenum, d…'
    """
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _value(one: StructureNow, limits: StructureLimits, reason: str) -> str:
    name = shortened(one.name, 16)
    match reason:
        case Reason.LOW_CONFIDENCE:
            return f"{name} {_number(one.confidence, 2)}, limit {limits.confidence_limit:g}"
        case Reason.OUTSIDE | Reason.AVOID_IN_ZONE:
            return f"{name} {_number(one.value, 1)} {limits.unit}, limit {limits.limit:g}"
    return name


def _line(limits: StructureLimits, now: StructureNow | None) -> Text:
    value, confidence = (math.nan, math.nan) if now is None else (now.value, now.confidence)
    held = now is not None and bool(now.reasons)
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append("■ ", limits.color)
    line.append(f"{shortened(limits.name):<{NAME - 2}} ", "bold" if held else "")
    measured = f"{limits.measure} {_number(value, 1)} of {limits.limit:g} {limits.unit}"
    line.append(f"{measured:<{VALUE}}")
    line.append(f"confidence {_number(confidence, 2)} of {limits.confidence_limit:g}".ljust(24))
    line.append("HOLDS" if held else "", "bold")
    return line


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"
