"""Divide the motion of a target into breath-holds and breaths.

Between breath-holds, turning points that are at least `BREATH_MM` apart divide the motion into breaths, each from one
end-exhale to the next.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.breath_holds import breath_holds

BREATH_MM = 3.0
"""Smallest amplitude of a breath, in mm."""


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


def breaths_in(times_s: NDArray[np.float64], inhaled_mm: NDArray[np.float64]) -> list[Breath]:
    """Return the breath-holds and breaths in a trace, oldest first.

    Parameters
    ----------
    times_s : ndarray of float64, shape (N,)
        Times of the positions in s, ascending.
    inhaled_mm : ndarray of float64, shape (N,)
        Positions along the axis of breathing in mm, which grow as the patient breathes in; finite.

    Returns
    -------
    list of Breath

    Examples
    --------
    >>> import numpy as np
    >>> time_s = np.arange(0.0, 12.0, 0.25)
    >>> [one.kind for one in breaths_in(time_s, 5.0 - 5.0 * np.cos(2.0 * np.pi * time_s / 4.0))]
    ['cycle', 'cycle']
    >>> time_s = np.arange(0.0, 36.0, 0.25)
    >>> [one.kind for one in breaths_in(time_s, np.where(time_s < 20.0, 10.0, 5.0 + 5.0 * np.cos(1.5 * time_s)))]
    ['hold', 'cycle', 'cycle', 'cycle']
    """
    found: list[Breath] = []
    begin = 0
    for hold in breath_holds(times_s.tolist(), [(at_mm, 0.0) for at_mm in inhaled_mm.tolist()]):
        first, end = (int(at) for at in np.searchsorted(times_s, (hold.begin_s, hold.end_s), side="left"))
        end += 1
        found += _cycles(inhaled_mm, begin, first)
        found.append(_breath("hold", inhaled_mm, first, end - 1, float(np.median(inhaled_mm[first:end]))))
        begin = end
    return found + _cycles(inhaled_mm, begin, len(times_s))


def _breath(kind: str, inhaled_mm: NDArray[np.float64], first: int, last: int, position_mm: float) -> Breath:
    part = inhaled_mm[first : last + 1]
    return Breath(kind, first, last, position_mm, float(part.max() - part.min()))


def _cycles(inhaled_mm: NDArray[np.float64], begin: int, end: int) -> list[Breath]:
    """Return the breaths between two indices: from each end-exhale to the next one."""
    exhales = _end_exhales(inhaled_mm[begin:end].tolist())
    found = []
    for first, last in pairwise(exhales):
        found.append(_breath("cycle", inhaled_mm, begin + first, begin + last, float(inhaled_mm[begin + first])))
    return found


def _end_exhales(values: list[float]) -> list[int]:
    """Return the indices of the minima before and after which the position rises by at least `BREATH_MM`."""
    found: list[int] = []
    if not values:
        return found
    lowest = highest = 0
    rising = False
    for place, value in enumerate(values):
        if rising:
            if value > values[highest]:
                highest = place
            elif values[highest] - value >= BREATH_MM:
                rising, lowest = False, place
        else:
            if value < values[lowest]:
                lowest = place
            elif value - values[lowest] >= BREATH_MM:
                found.append(lowest)
                rising, highest = True, place
    # The last minimum counts when a breath has led down to it, even though no rise has followed yet.
    if not rising and found and lowest != found[-1] and lowest < len(values) - 1:
        found.append(lowest)
    return found
