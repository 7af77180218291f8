"""Tell the states apart in which a target rests on a preview, such as shallow breathing and breath-holds."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEPARATION = 0.9
"""Least share of the variance of SI positions that lies between two states. Periodic breathing has 0.81 to 0.87,
however long it dwells at one end, and a normal distribution 0.64."""
LEAST_APART_MM = 8.0
"""Least distance of the means of two states along SI, in mm."""
FEWEST_FRAMES = 10
"""Least number of frames of a state: a hold of one or two seconds."""
HALVINGS = 2
"""Number of times that all parts are halved: up to four states."""
ENDS_PERCENT = (10.0, 90.0)
"""Percentiles that limit the range of a state, so that the way from one to another does not widen it."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BreathingState:
    """A range of positions in which the target stays, apart from others.

    Attributes
    ----------
    share : float
        Share of the frames with a sure position that belong to it, 0-1.
    row_mm, col_mm : tuple of float
        Range of its displacement from the reference along rows and columns of the image, as their index grows, in mm:
        the 10th and the 90th percentile.
    """

    share: float
    row_mm: tuple[float, float]
    col_mm: tuple[float, float]


def breathing_states(moves_mm: Array) -> tuple[BreathingState, ...]:
    """Return the breathing states on a preview in the order of rows; one when none are apart.

    Parameters
    ----------
    moves_mm : ndarray of float64, shape (T, 2)
        Sure displacements from the reference as (row, col), in mm.

    Returns
    -------
    tuple of BreathingState
        Empty without a displacement.

    Examples
    --------
    >>> import numpy as np
    >>> shallow_mm = 2.0 - 2.0 * np.cos(np.arange(80) / 3.0)
    >>> row_mm = np.concatenate([shallow_mm, np.full(40, 38.0)])
    >>> states = breathing_states(np.stack([row_mm, 0.2 * row_mm], axis=1))
    >>> [(round(one.share, 2), round(one.row_mm[1])) for one in states]
    [(0.67, 4), (0.33, 38)]
    """
    if not len(moves_mm):
        return ()
    ordered_mm = moves_mm[np.argsort(moves_mm[:, 0], kind="stable")]
    states = []
    for part_mm in _parts(ordered_mm):
        low, high = np.percentile(part_mm, ENDS_PERCENT, axis=0).tolist()
        states.append(BreathingState(len(part_mm) / len(moves_mm), (low[0], high[0]), (low[1], high[1])))
    return tuple(states)


def _parts(ordered_mm: Array) -> list[Array]:
    """Return displacements in the order of rows, cut into parts that are apart.

    They are halved twice where that explains most of their variance (Otsu's method), and halves that are not apart are
    joined again, the least separated ones first.
    """
    parts = [ordered_mm]
    for _ in range(HALVINGS):
        parts = [half for part_mm in parts for half in _halves(part_mm)]
    while len(parts) > 1:
        separations = [_separation(one[:, 0], other[:, 0]) for one, other in itertools.pairwise(parts)]
        least = int(np.argmin(separations))
        if separations[least] >= SEPARATION:
            break
        parts[least : least + 2] = [np.vstack(parts[least : least + 2])]
    return parts


def _halves(ordered_mm: Array) -> list[Array]:
    """Return displacements in the order of rows, cut in two where most of their variance lies between both parts."""
    row_mm, count = ordered_mm[:, 0], len(ordered_mm)
    if count < 2 * FEWEST_FRAMES:
        return [ordered_mm]
    sizes = np.arange(FEWEST_FRAMES, count - FEWEST_FRAMES + 1)
    sums_mm = np.cumsum(row_mm)[sizes - 1]
    apart_mm = (row_mm.sum() - sums_mm) / (count - sizes) - sums_mm / sizes
    size = int(sizes[(sizes * (count - sizes) * np.square(apart_mm)).argmax()])
    return [ordered_mm[:size], ordered_mm[size:]]


def _separation(one_mm: Array, other_mm: Array) -> float:
    """Return the share of the variance of two parts that lies between them; 0 when their means are too near."""
    apart_mm, both_mm = abs(other_mm.mean() - one_mm.mean()), np.concatenate([one_mm, other_mm])
    if apart_mm < LEAST_APART_MM:
        return 0.0
    share = len(one_mm) * len(other_mm) / len(both_mm) ** 2
    return float(share * apart_mm**2 / both_mm.var())
