"""Interpolate a trace of positions between its samples.

A trace is an array of times (N,), strictly rising, with positions (N, 2).
"""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f8, f8_1d, f8_2d, i8, kernel

Array = NDArray[np.float64]


@kernel(f8(f8_1d, f8_2d, i8, i8, i8, i8, f8))
def interpolate(times: Array, positions: Array, begin: int, end: int, axis: int, left: int, time: float) -> float:
    """Return one coordinate of a trace at `time`, by cubic Hermite interpolation.

    The slopes are three-point estimates; where a neighbour is missing, the slope of the chord is used.

    Parameters
    ----------
    times : ndarray of float64, shape (N,)
        Times of the samples, strictly rising from `begin` to `end`.
    positions : ndarray of float64, shape (N, 2)
        Positions of the samples.
    begin, end : int
        Samples begin <= i < end are used.
    axis : int
        Coordinate to interpolate, 0 or 1.
    left : int
        Sample before `time`; begin <= left < end - 1.
    time : float
        Between times[left] and times[left + 1].

    Returns
    -------
    float
        The interpolated coordinate.
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
def lagged_positions(
    times: Array, positions: Array, begin: int, end: int, lag: float, max_gap: float, out: Array
) -> int:
    """Fill `out` with the positions 0, 1, 2 ... lags before the newest sample.

    Parameters
    ----------
    times : ndarray of float64, shape (N,)
        Times of the samples, strictly rising.
    positions : ndarray of float64, shape (N, 2)
        Positions of the samples.
    begin, end : int
        Samples begin <= i < end are used; the newest is end - 1.
    lag : float
        Time between the positions.
    max_gap : float
        Between samples further apart than this the trace is not known.
    out : ndarray of float64, shape (2, L)
        Receives both coordinates at each lag; unchanged from the first lag on at which the trace is not known.

    Returns
    -------
    int
        Number of lags at which the trace is known; L when it is known at all.
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
