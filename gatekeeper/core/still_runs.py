"""Find the stretches of a motion in which the target keeps still, as in a breath-hold."""

import numpy as np
from numpy.typing import NDArray

SHORTEST_S = 5.0
"""Shortest breath-hold, in s; no pause between breaths lasts as long."""
STILL_MM = 3.0
"""Largest range of the target along its main axis within a hold, in mm; a hold that drifts further is two."""
BREATH_MM = 4.0
"""Least range of the whole session for holds to be told from shallow breathing, in mm."""
LONGEST_GAP_S = 1.0
"""Longest time without a position within a hold, in s."""


def still_runs(times_s: NDArray[np.float64], position_mm: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the breath-holds in a motion.

    From each sample on, the longest run whose range stays within `STILL_MM` is looked for; runs of at least
    `SHORTEST_S` are holds, the next one begins behind.

    Parameters
    ----------
    times_s : ndarray of float64, shape (N,)
        Time of each sample, in s; finite.
    position_mm : ndarray of float64, shape (N,)
        Position at each, in mm; finite.

    Returns
    -------
    list of (int, int)
        Index of the first sample of each and of the sample behind it, in the order of time; none where the whole motion
        is below `BREATH_MM`, as no hold can be told from it.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper.core.still_runs import still_runs
    >>> times_s = np.arange(0.0, 40.0, 0.25)
    >>> still_runs(times_s, np.where(times_s % 20.0 < 12.0, 15.0, 8.0 * np.sin(2.0 * times_s)))
    [(0, 48), (80, 128)]
    """
    if len(times_s) < 3 or np.ptp(position_mm) < BREATH_MM:
        return []
    times, positions, count = times_s.tolist(), position_mm.tolist(), len(times_s)
    found: list[tuple[int, int]] = []
    first = 0
    while first < count:
        low = high = positions[first]
        after = first + 1
        while after < count and times[after] - times[after - 1] <= LONGEST_GAP_S:
            position = positions[after]
            if position < low:
                low = position
            elif position > high:
                high = position
            if high - low > STILL_MM:
                break
            after += 1
        if times[after - 1] - times[first] < SHORTEST_S:
            first += 1
        else:
            found.append((first, after))
            first = after
    return found
