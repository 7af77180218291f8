"""Plot the target's motion in braille characters of eight dots each, with the beam state below."""

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of each dot of a braille character, by row and column."""
ROWS, COLS = len(DOTS), len(DOTS[0])
ON, HELD, NOTHING = "█", "╱", " "


class Point(NamedTuple):
    """Target position and beam state at one decision.

    Attributes
    ----------
    time_s : float
        Session time in seconds.
    row_mm : float
        Displacement of the target along rows in mm, as their index grows; NaN when the target was not found.
    on : bool
        Whether the beam was on.
    """

    time_s: float
    row_mm: float
    on: bool


class Trace(NamedTuple):
    """A plot in characters.

    Attributes
    ----------
    lines : tuple of str
        Lines of the plot of the displacement along rows, the upper edge of the image on top.
    beam : str
        Beam state in each column: `ON`, `HELD` or `NOTHING`.
    top_mm, bottom_mm : float
        Displacement at the upper and the lower edge, in mm, as the row index grows.
    """

    lines: tuple[str, ...]
    beam: str
    top_mm: float
    bottom_mm: float


def trace(points: Sequence[Point], until_s: float, window_s: float, width: int, height: int, least_mm: float) -> Trace:
    """Plot the decisions of a time window.

    Parameters
    ----------
    points : sequence of Point
        Oldest first.
    until_s, window_s : float
        End and length of the window in seconds.
    width, height : int
        Size of the plot in characters.
    least_mm : float
        Least range of the plot in both directions from the reference, in mm.

    Returns
    -------
    Trace
        `height` lines of `width` characters, and the beam state.
    """
    begin_s = until_s - window_s
    shown = [point for point in points if begin_s <= point.time_s <= until_s]
    known = [point.row_mm for point in shown if math.isfinite(point.row_mm)]
    top_mm, bottom_mm = min([*known, -least_mm]), max([*known, least_mm])
    cells = [[0] * width for _ in range(height)]
    beam: list[str] = [NOTHING] * width
    for point, after in zip_longest(shown, shown[1:]):
        x = _bin(point.time_s, begin_s, until_s, width * COLS)
        end = width * COLS if after is None else _bin(after.time_s, begin_s, until_s, width * COLS)
        for col in range(x // COLS, max(x // COLS + 1, math.ceil(end / COLS))):
            if col < width and beam[col] != HELD:  # a short hold stays visible beside beam-on
                beam[col] = ON if point.on else HELD
        if math.isfinite(point.row_mm):
            y = _bin(point.row_mm, top_mm, bottom_mm, height * ROWS)
            cells[y // ROWS][x // COLS] |= DOTS[y % ROWS][x % COLS]
    lines = tuple("".join(chr(BRAILLE + cell) for cell in row) for row in cells)
    return Trace(lines, "".join(beam), top_mm, bottom_mm)


def _bin(value: float, first: float, last: float, bins: int) -> int:
    """Return the index of the bin that holds a value, of equal bins between `first` and `last`."""
    return min(bins - 1, max(0, int((value - first) / (last - first) * bins)))
