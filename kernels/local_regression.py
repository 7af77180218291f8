"""Predict a trace by local ridge regression on the past samples most similar to the present one.

Each sample is described by its lag vector, the positions at evenly spaced times before it; see `kernels.trajectory`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f8, f8_1d, f8_2d, f8_3d, i8, kernel
from kernels.trajectory import interpolate

LEAST_WEIGHT = 1e-3
"""Past samples with a smaller weight than this are left out; an identical lag vector has the weight 1."""

Array = NDArray[np.float64]


@kernel(f8(f8_1d, f8_2d, f8_3d, i8, i8, f8, f8, f8, f8, f8, f8_1d, f8_2d, f8_1d))
def local_ridge(
    times: Array,
    positions: Array,
    lag_vectors: Array,
    begin: int,
    end: int,
    ahead: float,
    max_gap: float,
    bandwidth: float,
    enough: float,
    ridge: float,
    weights: Array,
    normal: Array,
    out: Array,
) -> float:
    """Predict the position at the time `ahead` after the newest sample.

    Each past sample i whose position after `ahead` is known has the weight w = exp(-d^2 / (2 h^2)), where d^2 is the
    mean square distance of its lag vector x_i from the present one, x_now. The bandwidth h is doubled up to twice while
    the sum of the weights is below `enough`. Per axis, y = b0 + b . (x_i - x_now) is fitted with the weights w and the
    penalty ridge |b|^2; the prediction is b0.

    Parameters
    ----------
    times : ndarray of float64, shape (N,)
        Times of the samples, strictly rising.
    positions : ndarray of float64, shape (N, 2)
        Positions of the samples.
    lag_vectors : ndarray of float64, shape (N, 2, L)
        Results of `kernels.trajectory.lagged_positions` for each sample; NaN where the trace was not known.
    begin, end : int
        Samples begin <= i < end are used.
    ahead : float
        Time after the newest sample for which to predict.
    max_gap : float
        Between samples further apart than this the trace is not known.
    bandwidth : float
        Initial bandwidth h, in the unit of the positions.
    enough : float
        Sum of the weights from which on the bandwidth is not doubled.
    ridge : float
        Penalty on the coefficients.
    weights : ndarray of float64, shape (N,)
        Scratch.
    normal : ndarray of float64, shape (L + 2, L + 1)
        Scratch: the normal equations and, in the last row, their right-hand side.
    out : ndarray of float64, shape (2,)
        Receives the predicted position; NaN when no sample can be used.

    Returns
    -------
    float
        Sum of the weights at the initial bandwidth: the effective number of similar samples.
    """
    lags = lag_vectors.shape[2]
    size = lags + 1
    now = end - 1
    out[0] = math.nan
    out[1] = math.nan
    # Mean square distance of each lag vector from the present one.
    support = 0.0
    last = end
    for i in range(begin, end):
        if not times[i] + ahead <= times[now]:
            last = i
            break
        distance = 0.0
        for axis in range(2):
            for k in range(lags):
                away = lag_vectors[i, axis, k] - lag_vectors[now, axis, k]
                distance += away * away
        weights[i] = distance / lags
        if weights[i] >= 0.0:
            support += math.exp(-0.5 * weights[i] / (bandwidth * bandwidth))
    width = bandwidth
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
                x = weight * (lag_vectors[i, axis, a] - lag_vectors[now, axis, a])
                normal[a + 1, 0] += x
                normal[size, a + 1] += x * target
                for b in range(a + 1):
                    normal[a + 1, b + 1] += x * (lag_vectors[i, axis, b] - lag_vectors[now, axis, b])
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
def score_predictions(
    times: Array,
    positions: Array,
    begin: int,
    end: int,
    max_gap: float,
    half_life: float,
    due: Array,
    predicted: Array,
    origin: Array,
    errors: Array,
    out: Array,
) -> int:
    """Compare earlier predictions whose time has come with the trace, and compute their recent error.

    Parameters
    ----------
    times : ndarray of float64, shape (N,)
        Times of the samples, strictly rising.
    positions : ndarray of float64, shape (N, 2)
        Positions of the samples.
    begin, end : int
        Samples begin <= i < end are used, at least two. Predictions between the newest two are compared.
    max_gap : float
        When the newest two samples are further apart than this, the trace between them is not known.
    half_life : float
        Time after which an error has half its weight.
    due : ndarray of float64, shape (R,)
        Time for which each prediction was made; NaN for an empty entry. Entries that cannot be compared are set to
        NaN.
    predicted : ndarray of float64, shape (R, 2)
        Predicted positions.
    origin : ndarray of float64, shape (R, 2)
        Positions at which the predictions were made.
    errors : ndarray of float64, shape (R, 2)
        Receives, once due, the squared distance of the trace from `predicted` and from `origin`; NaN before.
    out : ndarray of float64, shape (2,)
        Receives the weighted root mean square of both distances; NaN when no prediction could be compared.

    Returns
    -------
    int
        Number of errors that contribute: those of the last eight half-lives.
    """
    now = times[end - 1]
    left = end - 2
    known = now - times[left] <= max_gap
    count = 0
    total = 0.0
    with_prediction = 0.0
    without_prediction = 0.0
    for r in range(due.shape[0]):
        if not due[r] <= now:
            continue
        if not errors[r, 0] >= 0.0:
            if not (known and due[r] >= times[left]):
                due[r] = math.nan
                continue
            errors[r, 0] = 0.0
            errors[r, 1] = 0.0
            for axis in range(2):
                actual = interpolate(times, positions, begin, end, axis, left, due[r])
                errors[r, 0] += (actual - predicted[r, axis]) ** 2
                errors[r, 1] += (actual - origin[r, axis]) ** 2
            if not errors[r, 0] >= 0.0:
                errors[r, 0] = math.inf
        halvings = (now - due[r]) / half_life
        if halvings > 8.0:
            continue
        weight = 0.5**halvings
        total += weight
        with_prediction += weight * errors[r, 0]
        without_prediction += weight * errors[r, 1]
        count += 1
    out[0] = math.sqrt(with_prediction / total) if count else math.nan
    out[1] = math.sqrt(without_prediction / total) if count else math.nan
    return count
