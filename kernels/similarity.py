"""Measure the similarity of a frame and its template within patches."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4, f4_1d, f8, f8_1d, f8_2d, i4_2d, i8, kernel, three_floats, void

Array = NDArray[np.float32]

ROUNDING = 1e-14
"""Variance over mean square up to which a patch counts as constant."""

SLOPE_VARIANCE = 0.25
"""Variance of the slopes of patches that is expected without noise."""
LEAST_SLOPE, LARGEST_SLOPE = -1.0, 2.0
"""Range to which the slope of a single patch is limited."""


@kernel(void(f4_1d, f4_1d, f4_1d, f4, i4_2d, f8_2d))
def accumulate(
    template: Array, weight: Array, residual: Array, scale: float, patches: NDArray[np.int32], sums: NDArray[np.float64]
) -> None:
    """Compute the weighted sums over patches that `similarity` and `detail` need, for several divisions at once.

    Parameters
    ----------
    template : ndarray of float32, shape (N,)
        Template at its points.
    weight : ndarray of float32, shape (N,)
        Weight of each point, above 0.
    residual : ndarray of float32, shape (N,)
        Weighted difference of frame and template, in units of the template.
    scale : float
        Factor to apply to the residual.
    patches : ndarray of int32, shape (N, D)
        Patch of each point in each of D divisions into patches, 0 to P - 1; -1 for points outside all patches.
    sums : ndarray of float64, shape (P, 6)
        Receives for each patch the sum of the squared weights, and the sums weighted with them of template, frame,
        template squared, frame squared, and their product.
    """
    for p in range(sums.shape[0]):
        for k in range(6):
            sums[p, k] = 0.0
    for i in range(template.shape[0]):
        square = f8(weight[i]) * f8(weight[i])
        value = f8(template[i])
        frame = value + f8(scale) * f8(residual[i]) / f8(weight[i])
        for k in range(patches.shape[1]):
            p = patches[i, k]
            if p >= 0:
                sums[p, 0] += square
                sums[p, 1] += square * value
                sums[p, 2] += square * frame
                sums[p, 3] += square * value * value
                sums[p, 4] += square * frame * frame
                sums[p, 5] += square * value * frame


@kernel(f8(f8_2d))
def similarity(sums: NDArray[np.float64]) -> float:
    """Return the mean over patches of the correlation coefficient of frame and template.

    Parameters
    ----------
    sums : ndarray of float64, shape (P, 6)
        See `accumulate`.

    Returns
    -------
    float
        Mean weighted by the squared weights of the patches, -1 to 1; a patch that is constant on frame or template
        counts as 0. NaN without patches, or when a patch holds NaN.
    """
    total = 0.0
    total_mass = 0.0
    for p in range(sums.shape[0]):
        mass = sums[p, 0]
        if mass != mass:
            return np.nan
        if mass > 0.0:
            template = sums[p, 1] / mass
            frame = sums[p, 2] / mass
            template_variance = sums[p, 3] / mass - template * template
            frame_variance = sums[p, 4] / mass - frame * frame
            covariance = sums[p, 5] / mass - template * frame
            if template_variance * mass > ROUNDING * sums[p, 3] and frame_variance * mass > ROUNDING * sums[p, 4]:
                total += mass * min(max(covariance / np.sqrt(template_variance * frame_variance), -1.0), 1.0)
            elif covariance != covariance or template_variance != template_variance or frame_variance != frame_variance:
                return np.nan
            total_mass += mass
    return total / total_mass if total_mass > 0.0 else np.nan


@kernel(f8(f8_2d, f8))
def similarity_without_noise(sums: NDArray[np.float64], noise: float) -> float:
    """Return the similarity corrected for noise of a known variance.

    The noise variance is subtracted from the variance of the frame that the template does not explain. At high noise
    the explained variance is uncertain itself; half the noise variance is its lower limit.

    Parameters
    ----------
    sums : ndarray of float64, shape (1, 6)
        Sums of one patch, see `accumulate`.
    noise : float
        Variance of the noise, in units of the template squared, 0 or more.

    Returns
    -------
    float
        The corrected similarity, up to 1; a similarity of 0 or less, or NaN, is returned as it is.
    """
    found: float = similarity(sums)
    if not found > 0.0:
        return found
    frame = sums[0, 2] / sums[0, 0]
    variance = sums[0, 4] / sums[0, 0] - frame * frame
    explained = found * found * variance
    excess = max(variance - explained - noise, 0.0)
    corrected: float = 1.0 / np.sqrt(1.0 + excess / max(explained, 0.5 * noise))
    return corrected


@kernel(f8(f8_2d))
def detail(sums: NDArray[np.float64]) -> float:
    """Return the slope of the regression of the frame on the template within patches, pooled over all of them.

    It measures how much of the template's fine detail the frame shows. Noise on the frame does not change it; blur,
    and a place that resembles the template at coarse scale only, lower it.

    Parameters
    ----------
    sums : ndarray of float64, shape (P, 6)
        See `accumulate`.

    Returns
    -------
    float
        1 for the template itself; NaN when the template is constant within all patches, or a patch holds NaN.
    """
    variance = 0.0
    covariance = 0.0
    square = 0.0
    for p in range(sums.shape[0]):
        mass = sums[p, 0]
        if mass != 0.0:
            variance += sums[p, 3] - sums[p, 1] * sums[p, 1] / mass
            covariance += sums[p, 5] - sums[p, 1] * sums[p, 2] / mass
            square += sums[p, 3]
    return covariance / variance if variance > ROUNDING * square else np.nan


@kernel(three_floats(f4_1d, f4_1d, f4_1d, f4, f8, i4_2d, f8_2d, i8, i8))
def compare(
    template: Array,
    weight: Array,
    residual: Array,
    scale: float,
    noise: float,
    patches: NDArray[np.int32],
    sums: NDArray[np.float64],
    coarse: int,
    fine: int,
) -> tuple[float, float, float]:
    """Return `similarity` and `detail` within patches, and `similarity_without_noise` in the target, the last patch.

    Parameters
    ----------
    template, weight, residual : ndarray of float32, shape (N,)
        See `accumulate`.
    scale : float
        See there.
    noise : float
        See `similarity_without_noise`.
    patches : ndarray of int32, shape (N, D)
        See `accumulate`.
    sums : ndarray of float64, shape (P, 6)
        Receives the sums.
    coarse, fine : int
        Number of the first patches over which the similarity is computed, and of those after them for the detail.

    Returns
    -------
    tuple of float
        NaN where it is not defined.
    """
    accumulate(template, weight, residual, scale, patches, sums)
    end = coarse + fine
    return similarity(sums[:coarse]), detail(sums[coarse:end]), similarity_without_noise(sums[end:], noise)


@kernel(void(f8_2d, f8_1d, f8, f8_1d))
def even_detail(
    sums: NDArray[np.float64], points: NDArray[np.float64], noise: float, result: NDArray[np.float64]
) -> None:
    """Compute the mean over patches of the slope of the regression of the frame on the template.

    Unlike in `detail`, one edge of strong contrast does not decide alone: a patch counts by the inverse variance of its
    slope, which is `SLOPE_VARIANCE` plus what noise makes of it. Without noise all patches count alike.

    Parameters
    ----------
    sums : ndarray of float64, shape (P, 6)
        See `accumulate`.
    points : ndarray of float64, shape (P,)
        Number of independent points of each patch; 0 for one that does not count.
    noise : float
        Variance of the noise, in units of the template squared, 0 or more.
    result : ndarray of float64, shape (2,)
        Receives the mean, and the mean weight of the patches over that without noise, 0-1: how much of them noise
        leaves to be seen. NaN and 0 when no patch counts, or when those that do are constant on the template.
    """
    total = 0.0
    total_weight = 0.0
    count = 0
    for p in range(sums.shape[0]):
        mass = sums[p, 0]
        if points[p] > 0.0 and mass != 0.0:
            count += 1
            variance = sums[p, 3] / mass - (sums[p, 1] / mass) * (sums[p, 1] / mass)
            if not variance * mass <= ROUNDING * sums[p, 3]:
                slope = (sums[p, 5] / mass - (sums[p, 1] / mass) * (sums[p, 2] / mass)) / variance
                weight = SLOPE_VARIANCE / (SLOPE_VARIANCE + noise / (variance * points[p]))
                # A slope that is not a number stays one, which `min` and `max` would hide.
                if slope < LEAST_SLOPE:
                    slope = LEAST_SLOPE
                elif slope > LARGEST_SLOPE:
                    slope = LARGEST_SLOPE
                total += weight * slope
                total_weight += weight
    result[0] = total / total_weight if total_weight > 0.0 else np.nan
    result[1] = total_weight / count if count > 0 else 0.0
