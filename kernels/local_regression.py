"""Local ridge regression on a trace: what came after the past moments that look most like the present one.

Each moment is described by where the target was at evenly spaced lags before it; see `kernels.trajectory`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f8, f8_1d, f8_2d, f8_3d, i8, kernel
from kernels.trajectory import interpolate

LEAST_WEIGHT = 1e-3
"""Moments that count less than this beside a moment exactly like the present one are left out."""

Array = NDArray[np.float64]


@kernel(f8(f8_1d, f8_2d, f8_3d, i8, i8, f8, f8, f8, f8, f8, f8_1d, f8_2d, f8_1d))
def local_ridge(
    times: Array,
    positions: Array,
    moments: Array,
    begin: int,
    end: int,
    ahead: float,
    max_gap: float,
    likeness: float,
    enough: float,
    ridge: float,
    weights: Array,
    normal: Array,
    out: Array,
) -> float:
    """Predict where the target is `ahead` after the newest sample.

    Each past moment i whose sequel is known counts with w = exp(-d^2 / (2 h^2)), d^2 being its mean square distance
    from the present one over all lags. h is `likeness`, doubled up to twice while the weights add up to less than
    `enough`. Per axis, y = b0 + b . (x_i - x_now) is fitted with weights w and penalty ridge |b|^2; b0 is predicted.

    Parameters
    ----------
    times, positions : (N,), (N, 2) float64
        The trace.
    moments : (N, 2, L) float64
        What `describe` wrote for each sample; NaN where the trace was not known.
    begin, end : int
        Samples begin <= i < end are looked at.
    ahead, max_gap : float
        See `kernels.trajectory.describe`.
    likeness : float
        Width h of likeness, in the unit of the positions.
    enough : float
        Sum of weights that is aimed at.
    ridge : float
        Penalty on the coefficients.
    weights : (N,) float64
        Scratch.
    normal : (L + 2, L + 1) float64
        Scratch: the normal equations and, in the last row, their right-hand side.
    out : (2,) float64
        Written: the predicted position; NaN when nothing is known.

    Returns
    -------
    float
        Sum of the weights at width `likeness`: how many moments like this one have been seen.
    """
    lags = moments.shape[2]
    size = lags + 1
    now = end - 1
    out[0] = math.nan
    out[1] = math.nan
    # How far each moment is from the present one, as a mean square over lags.
    support = 0.0
    last = end
    for i in range(begin, end):
        if not times[i] + ahead <= times[now]:
            last = i
            break
        distance = 0.0
        for axis in range(2):
            for k in range(lags):
                away = moments[i, axis, k] - moments[now, axis, k]
                distance += away * away
        weights[i] = distance / lags
        if weights[i] >= 0.0:
            support += math.exp(-0.5 * weights[i] / (likeness * likeness))
    width = likeness
    reached = support
    for _ in range(2):
        if reached >= enough:
            break
        width *= 2.0
        reached = 0.0
        for i in range(begin, last):
            if weights[i] >= 0.0:
                reached += math.exp(-0.5 * weights[i] / (width * width))
    if not reached > LEAST_WEIGHT:
        return support
    for i in range(begin, last):
        weights[i] = math.exp(-0.5 * weights[i] / (width * width)) if weights[i] >= 0.0 else 0.0
    for axis in range(2):
        # Normal equations, lower half.
        normal[:, :] = 0.0
        rows = 0
        left = begin
        for i in range(begin, last):
            weight = weights[i]
            if not weight >= LEAST_WEIGHT:
                continue
            time = times[i] + ahead
            while left + 2 < end and times[left + 1] < time:
                left += 1
            if not times[left + 1] - times[left] <= max_gap:
                continue
            rows += 1
            target = interpolate(times, positions, begin, end, axis, left, time)
            normal[0, 0] += weight
            normal[size, 0] += weight * target
            for a in range(lags):
                x = weight * (moments[i, axis, a] - moments[now, axis, a])
                normal[a + 1, 0] += x
                normal[size, a + 1] += x * target
                for b in range(a + 1):
                    normal[a + 1, b + 1] += x * (moments[i, axis, b] - moments[now, axis, b])
        if rows == 0:
            return support
        for a in range(1, size):
            normal[a, a] += ridge
        # Cholesky in place, forward and back substitution on the last row.
        for a in range(size):
            for b in range(a + 1):
                rest = normal[a, b]
                for k in range(b):
                    rest -= normal[a, k] * normal[b, k]
                normal[a, b] = math.sqrt(rest) if a == b else rest / normal[b, b]
        for a in range(size):
            rest = normal[size, a]
            for k in range(a):
                rest -= normal[a, k] * normal[size, k]
            normal[size, a] = rest / normal[a, a]
        for a in range(size - 1, -1, -1):
            rest = normal[size, a]
            for k in range(a + 1, size):
                rest -= normal[k, a] * normal[size, k]
            normal[size, a] = rest / normal[a, a]
        out[axis] = normal[size, 0]
    return support


@kernel(i8(f8_1d, f8_2d, i8, i8, f8, f8, f8_1d, f8_2d, f8_2d, f8_2d, f8_1d))
def settle(
    times: Array,
    positions: Array,
    begin: int,
    end: int,
    max_gap: float,
    half_life: float,
    due: Array,
    predicted: Array,
    stood: Array,
    missed: Array,
    out: Array,
) -> int:
    """Compare earlier predictions that are due by now with the trace, and sum up how far off they were.

    Parameters
    ----------
    times, positions : (N,), (N, 2) float64
        The trace.
    begin, end : int
        Samples begin <= i < end are known, two at least. Due by now is what lies between the newest two.
    max_gap : float
        When the newest two are further apart, what lies between them is not known.
    half_life : float
        After this time an error counts half.
    due : (R,) float64
        When each prediction is for; NaN where there is none. Those that cannot be compared are set to NaN.
    predicted : (R, 2) float64
        What was predicted.
    stood : (R, 2) float64
        Where the target was when it was predicted.
    missed : (R, 2) float64
        Written when due: squared distance of the trace from `predicted` and from `stood`; NaN before.
    out : (2,) float64
        Written: weighted root mean square of both distances; NaN when nothing could be compared.

    Returns
    -------
    int
        How many errors of the last eight half-lives the figures rest on.
    """
    now = times[end - 1]
    left = end - 2
    known = now - times[left] <= max_gap
    count = 0
    total = 0.0
    moved = 0.0
    stayed = 0.0
    for r in range(due.shape[0]):
        if not due[r] <= now:
            continue
        if not missed[r, 0] >= 0.0:
            if not (known and due[r] >= times[left]):
                due[r] = math.nan
                continue
            missed[r, 0] = 0.0
            missed[r, 1] = 0.0
            for axis in range(2):
                came = interpolate(times, positions, begin, end, axis, left, due[r])
                missed[r, 0] += (came - predicted[r, axis]) ** 2
                missed[r, 1] += (came - stood[r, axis]) ** 2
            if not missed[r, 0] >= 0.0:
                missed[r, 0] = math.inf
        halvings = (now - due[r]) / half_life
        if halvings > 8.0:
            continue
        weight = 0.5**halvings
        total += weight
        moved += weight * missed[r, 0]
        stayed += weight * missed[r, 1]
        count += 1
    out[0] = math.sqrt(moved / total) if count else math.nan
    out[1] = math.sqrt(stayed / total) if count else math.nan
    return count
