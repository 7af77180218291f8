"""Divide the motion of a target into breath-holds and breaths.

A breath-hold is a stretch of at least `HOLD_S` in which the target stays within `HOLD_MM`. Between breath-holds,
turning points that are at least `breath_mm` apart divide the motion into breaths, each from one end-exhale to the next.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

HOLD_S = 5.0
"""Shortest breath-hold, in seconds; a pause at end-exhale is shorter."""
HOLD_MM = 3.0
"""Largest range of positions within a breath-hold, in mm."""


@dataclass(frozen=True, slots=True)
class Breath:
    """One breath-hold, or one breath from end-exhale to end-exhale.

    Attributes
    ----------
    kind : str
        "hold" or "cycle".
    first, last : int
        Indices of the first and of the last position of it.
    position_mm : float
        Median position of a hold, or position of the end-exhale at the begin of a cycle, in mm.
    amplitude_mm : float
        Largest less smallest position, in mm.
    """

    kind: str
    first: int
    last: int
    position_mm: float
    amplitude_mm: float


def breaths_in(
    times_s: NDArray[np.float64], inhaled_mm: NDArray[np.float64], breath_mm: float = HOLD_MM
) -> list[Breath]:
    """Return the breath-holds and breaths in a trace, oldest first.

    Parameters
    ----------
    times_s : ndarray of float64, shape (N,)
        Times of the positions in s, ascending.
    inhaled_mm : ndarray of float64, shape (N,)
        Positions along the axis of breathing in mm, which grow as the patient breathes in; finite.
    breath_mm : float
        Smallest amplitude of a breath, in mm.

    Returns
    -------
    list of Breath

    Examples
    --------
    >>> import numpy as np
    >>> time_s = np.arange(0.0, 12.0, 0.25)
    >>> [one.kind for one in breaths_in(time_s, 5.0 - 5.0 * np.cos(2.0 * np.pi * time_s / 4.0))]
    ['cycle', 'cycle']
    >>> [one.kind for one in breaths_in(time_s, np.zeros_like(time_s))]
    ['hold']
    """
    found: list[Breath] = []
    begin = 0
    for first, last in [*_holds(times_s, inhaled_mm), (len(times_s), len(times_s))]:
        found += _cycles(inhaled_mm, begin, first, breath_mm)
        if first < len(times_s):
            found.append(_breath("hold", inhaled_mm, first, last, float(np.median(inhaled_mm[first : last + 1]))))
        begin = last + 1
    return found


def _breath(kind: str, inhaled_mm: NDArray[np.float64], first: int, last: int, position_mm: float) -> Breath:
    part = inhaled_mm[first : last + 1]
    return Breath(kind, first, last, position_mm, float(part.max() - part.min()))


def _holds(times_s: NDArray[np.float64], inhaled_mm: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return first and last index of each breath-hold: the longest stretches, taken from the begin on."""
    found: list[tuple[int, int]] = []
    values, times = inhaled_mm.tolist(), times_s.tolist()
    first, count = 0, len(values)
    while first < count:
        # A stretch that cannot be a breath-hold is given up where its range is first too large.
        low = high = values[first]
        last = first
        while last + 1 < count:
            value = values[last + 1]
            low, high = min(low, value), max(high, value)
            if high - low > HOLD_MM:
                break
            last += 1
        if times[last] - times[first] >= HOLD_S:
            found.append((first, last))
            first = last + 1
        else:
            first += 1
    return found


def _cycles(inhaled_mm: NDArray[np.float64], begin: int, end: int, breath_mm: float) -> list[Breath]:
    """Return the breaths between two indices: from each end-exhale to the next one."""
    exhales = _end_exhales(inhaled_mm[begin:end].tolist(), breath_mm)
    found = []
    for first, last in pairwise(exhales):
        found.append(_breath("cycle", inhaled_mm, begin + first, begin + last, float(inhaled_mm[begin + first])))
    return found


def _end_exhales(values: list[float], breath_mm: float) -> list[int]:
    """Return the indices of the minima before and after which the position rises by at least `breath_mm`."""
    found: list[int] = []
    if not values:
        return found
    lowest = highest = 0
    rising = False
    for place, value in enumerate(values):
        if rising:
            if value > values[highest]:
                highest = place
            elif values[highest] - value >= breath_mm:
                rising, lowest = False, place
        else:
            if value < values[lowest]:
                lowest = place
            elif value - values[lowest] >= breath_mm:
                found.append(lowest)
                rising, highest = True, place
    # The last minimum counts when a breath has led down to it, even though no rise has followed yet.
    if not rising and found and lowest != found[-1] and lowest < len(values) - 1:
        found.append(lowest)
    return found
