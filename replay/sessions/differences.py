"""Find differences between a recorded decision and the same decision made again."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ROUNDING = 1e-6
"""Largest difference of a number that is attributed to other versions or processors, as a share of its scale."""
SCALES = {"outside_percent": 100.0, "overlap_percent": 100.0, "overlap_mm2": 1000.0, "predicted_percent": 300.0}
"""Scales of numbers, by default 1; a predicted share is extrapolated, which amplifies rounding."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference in one field of one decision.

    Attributes
    ----------
    line : int
        Line number in the journal, from 0.
    sequence : int or None
        Sequence number of the frame.
    field : str
        Name of the field.
    recorded, replayed : object
        Value in the journal, and value of the decision made again.
    """

    line: int
    sequence: int | None
    field: str
    recorded: object
    replayed: object


def close_but_for_rounding(name: str, recorded: object, replayed: object) -> bool:
    """Return whether two values of a field agree up to the last digits of their numbers."""
    return _close(recorded, replayed, ROUNDING * SCALES.get(name, 1.0))


def same_but_for_rounding(recorded: Mapping[str, Any], replayed: Mapping[str, Any]) -> bool:
    """Return whether two decisions agree up to the last digits of their numbers; hashes are not compared."""
    one, other = flat(recorded), flat(replayed)
    return one.keys() == other.keys() and all(
        name.endswith("_hash") or close_but_for_rounding(name.rpartition(".")[2], value, other[name])
        for name, value in one.items()
    )


def flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a decision with each field of each of several structures under a dotted name."""
    found: dict[str, Any] = {}
    for name, value in entry.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": one for inner, one in flat(value).items()}
        else:
            found[name] = value
    return found


def _close(value: object, other: object, tolerance: float) -> bool:
    if isinstance(value, float) and isinstance(other, float):
        return math.isclose(value, other, rel_tol=ROUNDING, abs_tol=tolerance)
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(_close(*pair, tolerance) for pair in zip(value, other, strict=True))
    return value == other


def differences(line: int, recorded: Mapping[str, Any], replayed: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield each field in which two decisions differ."""
    one, other = flat(recorded), flat(replayed)
    for name in sorted({*one, *other}):
        if one.get(name) != other.get(name):
            yield Difference(line, recorded.get("sequence"), name, one.get(name), other.get(name))


def difference_rows(found: list[Difference]) -> Iterator[str]:
    """Yield differences as aligned lines of a table, header first."""
    head = ("line", "frame", "field", "recorded", "replayed")
    cells = [
        (str(one.line), str(one.sequence), one.field, f"{one.recorded!s:.24}", f"{one.replayed!s:.24}") for one in found
    ]
    widths = [max(len(row[column]) for row in [head, *cells]) for column in range(len(head))]
    for row in [head, *cells]:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
