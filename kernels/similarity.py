"""How like a frame is to its template, patch by patch."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4, f4_1d, f8, f8_2d, i4_1d, kernel, void

Array = NDArray[np.float32]

ROUNDING = 1e-14
"""A patch whose variance is no more than this share of its mean square is constant, up to rounding."""


@kernel(void(f4_1d, f4_1d, f4_1d, f4, i4_1d, f8_2d))
def gather(
    template: Array, weight: Array, residual: Array, scale: float, patches: NDArray[np.int32], sums: NDArray[np.float64]
) -> None:
    """Sum up what `similarity` and `detail` need.

    Parameters
    ----------
    template : ndarray of float32, shape (N,)
        Template at its points.
    weight : ndarray of float32, shape (N,)
        Weight of each point, above 0.
    residual : ndarray of float32, shape (N,)
        Weighted difference of frame and template, in units of the template.
    scale : float
        What the residual has to be multiplied with first.
    patches : ndarray of int32, shape (N,)
        To which patch each point belongs, 0 to P - 1; -1 for none.
    sums : ndarray of float64, shape (P, 6)
        Output: for each patch the sum of the squared weights, and with them those of template, frame, their squares,
        and their product.
    """
    for p in range(sums.shape[0]):
        for k in range(6):
            sums[p, k] = 0.0
    for i in range(template.shape[0]):
        p = patches[i]
        if p >= 0:
            square = f8(weight[i]) * f8(weight[i])
            value = f8(template[i])
            seen = value + f8(scale) * f8(residual[i]) / f8(weight[i])
            sums[p, 0] += square
            sums[p, 1] += square * value
            sums[p, 2] += square * seen
            sums[p, 3] += square * value * value
            sums[p, 4] += square * seen * seen
            sums[p, 5] += square * value * seen


@kernel(f8(f8_2d))
def similarity(sums: NDArray[np.float64]) -> float:
    """Return the mean over patches of the correlation coefficient of frame and template within each.

    Parameters
    ----------
    sums : ndarray of float64, shape (P, 6)
        See `gather`.

    Returns
    -------
    float
        -1 to 1; each patch counts by its squared weight, one that is constant on either as 0. NaN without any patch,
        or when anything in one is NaN.
    """
    total = 0.0
    whole = 0.0
    for p in range(sums.shape[0]):
        mass = sums[p, 0]
        if mass != mass:
            return np.nan
        if mass > 0.0:
            value = sums[p, 1] / mass
            seen = sums[p, 2] / mass
            varied = sums[p, 3] / mass - value * value
            varied_seen = sums[p, 4] / mass - seen * seen
            both = sums[p, 5] / mass - value * seen
            if varied * mass > ROUNDING * sums[p, 3] and varied_seen * mass > ROUNDING * sums[p, 4]:
                total += mass * min(max(both / np.sqrt(varied * varied_seen), -1.0), 1.0)
            elif both != both or varied != varied or varied_seen != varied_seen:
                return np.nan
            whole += mass
    return total / whole if whole > 0.0 else np.nan


@kernel(f8(f8_2d, f8))
def similarity_without_noise(sums: NDArray[np.float64], noise: float) -> float:
    """Return what `similarity` would be without noise of a known variance.

    Of the frame's variance that the template does not explain, as much as is noise does not count. Where there is so
    much noise that hardly anything is explained, chance may leave a little too much; that is compared with the noise.

    Parameters
    ----------
    sums : ndarray of float64, shape (1, 6)
        Of one patch, see `gather`.
    noise : float
        Variance of the noise, in units of the template squared, 0 or more.

    Returns
    -------
    float
        What `similarity` is or, where that is above 0, up to 1; NaN where it is NaN.
    """
    found: float = similarity(sums)
    if not found > 0.0:
        return found
    seen = sums[0, 2] / sums[0, 0]
    varied = sums[0, 4] / sums[0, 0] - seen * seen
    explained = found * found * varied
    excess = max(varied - explained - noise, 0.0)
    without: float = 1.0 / np.sqrt(1.0 + excess / max(explained, 0.5 * noise))
    return without


@kernel(f8(f8_2d))
def detail(sums: NDArray[np.float64]) -> float:
    """Return how much of what the template shows within patches the frame shows, too.

    It is the slope of the regression of the frame on the template within patches, all together. Noise on the frame
    leaves it as it is; blur, and a place that is alike only as a whole, lower it.

    Parameters
    ----------
    sums : ndarray of float64, shape (P, 6)
        See `gather`.

    Returns
    -------
    float
        1 for the template itself; NaN where the template is constant within all patches, or anything in one is NaN.
    """
    varied = 0.0
    both = 0.0
    square = 0.0
    for p in range(sums.shape[0]):
        mass = sums[p, 0]
        if mass != 0.0:
            varied += sums[p, 3] - sums[p, 1] * sums[p, 1] / mass
            both += sums[p, 5] - sums[p, 1] * sums[p, 2] / mass
            square += sums[p, 3]
    return both / varied if varied > ROUNDING * square else np.nan
