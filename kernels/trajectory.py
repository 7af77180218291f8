"""A trace, and what can be read from it between its samples.

A trace is a list of times (N,), strictly rising, with positions (N, 2).
"""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f8, f8_1d, f8_2d, i8, kernel

Array = NDArray[np.float64]


@kernel(f8(f8_1d, f8_2d, i8, i8, i8, i8, f8))
def interpolate(times: Array, positions: Array, begin: int, end: int, axis: int, left: int, time: float) -> float:
    """Return one coordinate at `time`, by the cubic through the samples `left`, `left` + 1 and their neighbours.

    Parameters
    ----------
    times : (N,) float64
        Strictly rising from `begin` to `end`.
    positions : (N, 2) float64
    begin, end : int
        Only samples begin <= i < end are looked at.
    axis : int
    left : int
        begin <= left < end - 1.
    time : float
        Between times[left] and times[left + 1].

    Returns
    -------
    float
        Hermite's cubic with three-point slopes, and the chord's slope where a neighbour is missing.
    """
    step = times[left + 1] - times[left]
    chord = (positions[left + 1, axis] - positions[left, axis]) / step
    slope_left = chord
    slope_right = chord
    if left > begin:
        before = times[left] - times[left - 1]
        slope = (positions[left, axis] - positions[left - 1, axis]) / before
        slope_left = (step * slope + before * chord) / (step + before)
    if left + 2 < end:
        after = times[left + 2] - times[left + 1]
        slope = (positions[left + 2, axis] - positions[left + 1, axis]) / after
        slope_right = (after * chord + step * slope) / (step + after)
    s = (time - times[left]) / step
    s2 = s * s
    s3 = s2 * s
    value: float = (
        (2.0 * s3 - 3.0 * s2 + 1.0) * positions[left, axis]
        + (s3 - 2.0 * s2 + s) * step * slope_left
        + (3.0 * s2 - 2.0 * s3) * positions[left + 1, axis]
        + (s3 - s2) * step * slope_right
    )
    return value


@kernel(i8(f8_1d, f8_2d, i8, i8, f8, f8, f8_2d))
def describe(times: Array, positions: Array, begin: int, end: int, lag: float, max_gap: float, out: Array) -> int:
    """Describe the newest moment: write where the target was 0, 1, 2 ... lags before it.

    Parameters
    ----------
    times, positions : (N,), (N, 2) float64
        The trace.
    begin, end : int
        Samples begin <= i < end are known; the newest is end - 1.
    lag : float
        Time between the places that are looked at.
    max_gap : float
        Where neighbouring samples are further apart than this, the trace is not known between them.
    out : (2, L) float64
        Written: coordinate by lag; untouched from where the trace is not known.

    Returns
    -------
    int
        How many lags are known; L when all are.
    """
    now = times[end - 1]
    left = end - 1
    for k in range(out.shape[1]):
        time = now - k * lag
        while left >= begin and times[left] > time:
            left -= 1
        if left < begin:
            return k
        if left == end - 1:
            for axis in range(2):
                out[axis, k] = positions[left, axis]
            continue
        if not times[left + 1] - times[left] <= max_gap:
            return k
        for axis in range(2):
            out[axis, k] = interpolate(times, positions, begin, end, axis, left, time)
    return int(out.shape[1])
