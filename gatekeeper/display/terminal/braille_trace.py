"""Trace: the target's movement as dots, eight to a character, and below it when the beam was on."""

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The dot of a character by its row and column."""
ROWS, COLS = len(DOTS), len(DOTS[0])
ON, HELD, NOTHING = "█", "╱", " "


class Point(NamedTuple):
    """One decision.

    Attributes
    ----------
    time_s : float
        Session time in seconds.
    si_mm : float
        Where the target was, inferior positive; NaN where it was not found.
    on : bool
        Whether the beam was on.
    """

    time_s: float
    si_mm: float
    on: bool


class Trace(NamedTuple):
    """A picture in characters.

    Attributes
    ----------
    lines : tuple of str
        The movement, superior on top.
    beam : str
        When the beam was on.
    top_mm, bottom_mm : float
        What the edges of the picture stand for.
    """

    lines: tuple[str, ...]
    beam: str
    top_mm: float
    bottom_mm: float


def trace(points: Sequence[Point], until_s: float, window_s: float, width: int, height: int, least_mm: float) -> Trace:
    """Return the picture of what happened in a window of time.

    Parameters
    ----------
    points : sequence of Point
        Oldest first.
    until_s, window_s : float
        The window ends then, and is so long, in seconds.
    width, height : int
        Its size in characters.
    least_mm : float
        The picture reaches at least so far from the reference in both directions, in mm.
    """
    begin_s = until_s - window_s
    shown = [point for point in points if begin_s <= point.time_s <= until_s]
    known = [point.si_mm for point in shown if math.isfinite(point.si_mm)]
    top_mm, bottom_mm = min([*known, -least_mm]), max([*known, least_mm])
    cells = [[0] * width for _ in range(height)]
    beam: list[str] = [NOTHING] * width
    for point, after in zip_longest(shown, shown[1:]):
        x = _place(point.time_s, begin_s, until_s, width * COLS)
        end = width * COLS if after is None else _place(after.time_s, begin_s, until_s, width * COLS)
        for col in range(x // COLS, max(x // COLS + 1, math.ceil(end / COLS))):
            if col < width and beam[col] != HELD:  # a hold is never hidden by what is beside it
                beam[col] = ON if point.on else HELD
        if math.isfinite(point.si_mm):
            y = _place(point.si_mm, top_mm, bottom_mm, height * ROWS)
            cells[y // ROWS][x // COLS] |= DOTS[y % ROWS][x % COLS]
    lines = tuple("".join(chr(BRAILLE + cell) for cell in row) for row in cells)
    return Trace(lines, "".join(beam), top_mm, bottom_mm)


def _place(value: float, first: float, last: float, places: int) -> int:
    """Return which of so many places a value between first and last has."""
    return min(places - 1, max(0, int((value - first) / (last - first) * places)))
