"""Predict a trace by local ridge regression on the past samples most similar to the present one.

Each sample is described by its lag vector, the positions at evenly spaced times before it; see `kernels.trajectory`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from kernels.cholesky import backward, decompose, forward
from kernels.jit import b1, f8, f8_1d, f8_2d, f8_3d, i8, kernel
from kernels.trajectory import interpolate

LEAST_WEIGHT = 1e-3
"""Past samples with a smaller weight than this are left out; an identical lag vector has the weight 1."""

Array = NDArray[np.float64]


@kernel(f8(f8_3d, i8, i8, i8, i8))
def _step_away(lag_vectors: Array, i: int, now: int, axis: int, a: int) -> float:
    """Return step `a` of a lag vector, from its position a - 1 to a, minus that of the present one."""
    step: float = (
        lag_vectors[i, axis, a]
        - lag_vectors[i, axis, a - 1]
        - lag_vectors[now, axis, a]
        + lag_vectors[now, axis, a - 1]
    )
    return step


@kernel(b1(f8_1d, f8_2d, f8_3d, i8, i8, i8, i8, f8_1d, f8, f8, f8_1d, f8_2d, f8_2d, f8_2d))
def _fit_axis(
    times: Array,
    positions: Array,
    lag_vectors: Array,
    begin: int,
    end: int,
    last: int,
    axis: int,
    aheads: Array,
    max_gap: float,
    ridge: float,
    weights: Array,
    normal: Array,
    out: Array,
    spread: Array,
) -> bool:
    """Fit one axis for `local_ridge`, with the weights of the samples up to `last`; False when there are none."""
    size = lag_vectors.shape[2]
    count = aheads.shape[0]
    now = end - 1
    # Normal equations, lower half; below them the right-hand sides.
    normal[:, :] = 0.0
    spread[:, axis] = 0.0
    total = 0.0
    left = begin
    for i in range(begin, last):
        weight = weights[i]
        if not weight >= LEAST_WEIGHT:
            continue
        while left + 2 < end and times[left + 1] < times[i] + aheads[0]:
            left += 1
        right = left
        known = True
        for k in range(count):
            while right + 2 < end and times[right + 1] < times[i] + aheads[k]:
                right += 1
            known = known and times[right + 1] - times[right] <= max_gap
        if not known:
            continue
        total += weight
        normal[0, 0] += weight
        for a in range(1, size):
            x = weight * _step_away(lag_vectors, i, now, axis, a)
            normal[a, 0] += x
            for b in range(1, a + 1):
                normal[a, b] += x * _step_away(lag_vectors, i, now, axis, b)
        right = left
        for k in range(count):
            time = times[i] + aheads[k]
            while right + 2 < end and times[right + 1] < time:
                right += 1
            target = interpolate(times, positions, begin, end, axis, right, time) - lag_vectors[i, axis, 0]
            spread[k, axis] += weight * target * target
            normal[size + k, 0] += weight * target
            for a in range(1, size):
                normal[size + k, a] += weight * target * _step_away(lag_vectors, i, now, axis, a)
    if not total > 0.0:
        out[:, :] = math.nan
        spread[:, :] = math.nan
        return False
    for a in range(1, size):
        normal[a, a] += ridge
    decompose(normal)
    for k in range(count):
        row = size + k
        forward(normal, row)
        explained = 0.0
        for a in range(size):
            explained += normal[row, a] * normal[row, a]
        backward(normal, row)
        shrunk = 0.0
        for a in range(1, size):
            shrunk += normal[row, a] * normal[row, a]
        out[k, axis] = lag_vectors[now, axis, 0] + normal[row, 0]
        # The more coefficients for each sample, the more a fit misses what it was not fitted to.
        missed = max(spread[k, axis] - explained - ridge * shrunk, 0.0) / total
        spread[k, axis] = math.sqrt(missed * (1.0 + size / total))
    return True


@kernel(f8(f8_1d, f8_2d, f8_3d, i8, i8, f8_1d, f8, f8, f8, f8, f8, f8_1d, f8_2d, f8_2d, f8_2d))
def local_ridge(
    times: Array,
    positions: Array,
    lag_vectors: Array,
    begin: int,
    end: int,
    aheads: Array,
    max_gap: float,
    bandwidth: float,
    place: float,
    enough: float,
    ridge: float,
    weights: Array,
    normal: Array,
    out: Array,
    spread: Array,
) -> float:
    """Predict the positions at the times `aheads` after the newest sample.

    Each past sample i whose positions after all `aheads` are known has the weight w = exp(-d^2 / (2 h^2)), where d^2 is
    the mean square distance of its lag vector from the present one, each taken from its own first position, plus
    `place` times the square distance of the first positions. The bandwidth h is doubled up to twice while the sum of
    the weights is below `enough`. Per axis, the displacement from the first position is fitted as y = b0 + b . (v_i -
    v_now) with the weights w and the penalty ridge |b|^2, where v are the steps of a lag vector; the prediction is the
    newest position plus b0. A baseline that wanders changes neither v nor y.

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
    aheads : ndarray of float64, shape (K,)
        Times after the newest sample for which to predict, ascending.
    max_gap : float
        Between samples further apart than this the trace is not known.
    bandwidth : float
        Initial bandwidth h, in the unit of the positions.
    place : float
        Weight of the distance between the places themselves.
    enough : float
        Sum of the weights from which on the bandwidth is not doubled.
    ridge : float
        Penalty on the coefficients.
    weights : ndarray of float64, shape (N,)
        Scratch.
    normal : ndarray of float64, shape (L + K, L)
        Scratch: the normal equations and, in the last rows, their right-hand sides.
    out : ndarray of float64, shape (K, 2)
        Receives the predicted positions; NaN when no sample can be used.
    spread : ndarray of float64, shape (K, 2)
        Receives the weighted root mean square by which the samples miss the fit; NaN as `out`.

    Returns
    -------
    float
        Sum of the weights at the initial bandwidth: the effective number of similar samples.
    """
    size = lag_vectors.shape[2]
    count = aheads.shape[0]
    now = end - 1
    out[:, :] = math.nan
    spread[:, :] = math.nan
    # Mean square distance of each lag vector from the present one.
    support = 0.0
    last = end
    for i in range(begin, end):
        if not times[i] + aheads[count - 1] <= times[now]:
            last = i
            break
        distance = 0.0
        for axis in range(2):
            first = lag_vectors[i, axis, 0] - lag_vectors[now, axis, 0]
            distance += place * size * first * first
            for k in range(1, size):
                away = lag_vectors[i, axis, k] - lag_vectors[now, axis, k] - first
                distance += away * away
        weights[i] = distance / size
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
        if not _fit_axis(
            times, positions, lag_vectors, begin, end, last, axis, aheads, max_gap, ridge, weights, normal, out, spread
        ):
            return support
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
