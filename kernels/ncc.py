"""Compute the normalised cross-correlation of a template at every whole-pixel offset, and find its peaks."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4, f4_2d, f4_2d_in, f8_1d, f8_2d, i8, kernel, void
from kernels.pyramid import block_mean

Image = NDArray[np.float32]
single = np.float32


@kernel(f4(f4, f4, f4))
def coefficient(product: np.float32, square: np.float32, energy: np.float32) -> np.float32:
    """Return the correlation coefficient of a template of zero mean and unit norm with the image below it.

    Parameters
    ----------
    product, square : float
        Sum of image times template, and of the squared image.
    energy : float
        That of the squared image less its mean.

    Returns
    -------
    float
        -1 or more, by rounding slightly above 1; -1 (no match) where the image is constant, or the sums are NaN,
        infinite or too small.
    """
    score = single(-1.0)
    if energy > single(1e-6) * square + single(1e-30):
        score = single(product / np.sqrt(energy))
    return score if score >= single(-1.0) else single(-1.0)


@kernel(void(f4_2d_in, f4_2d_in, f4_2d))
def correlate(image: Image, template: Image, out: Image) -> None:
    """Fill `out` with the correlation coefficients of the template and the image below it.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        The image to search.
    template : ndarray of float32, shape (h, w)
        At least 1 x 1 and no larger than the image, with zero mean and unit norm, so that numerator and denominator of
        the coefficient [1]_ need only sums over the image.
    out : ndarray of float32, shape (H - h + 1, W - w + 1)
        Receives the coefficient at each offset, -1 to 1. It is -1 (no match) where the image below the template is
        constant, or holds NaN, infinity or values whose square over- or underflows.

    References
    ----------
    .. [1] J. P. Lewis, "Fast normalized cross-correlation", Vision Interface 1995.
    """
    rows, cols = template.shape
    count = single(rows * cols)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            # Relative to a pixel below the template, so that a large offset costs no precision.
            base = image[i + rows // 2, j + cols // 2]
            total = single(0.0)
            square = single(0.0)
            product = single(0.0)
            for a in range(rows):
                for b in range(cols):
                    value = image[i + a, j + b] - base
                    total += value
                    square += value * value
                    product += value * template[a, b]
            out[i, j] = min(coefficient(product, square, square - total * total / count), single(1.0))


@kernel(void(f4_2d_in, f4_2d_in, f4_2d_in, f4_2d))
def correlate_weighted(image: Image, template: Image, weight: Image, out: Image) -> None:
    """Fill `out` with the weighted correlation coefficients of the template and the image below it.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        The image to search.
    template : ndarray of float32, shape (h, w)
        At least 1 x 1 and no larger than the image. It is multiplied by `weight`, its sum is 0, and the sum of its
        squares over `weight` is 1.
    weight : ndarray of float32, shape (h, w)
        Weight of each pixel of the template, 0 or more, with a sum of 1.
    out : ndarray of float32, shape (H - h + 1, W - w + 1)
        Receives the coefficient at each offset, -1 to 1; -1 (no match) as in `correlate`.
    """
    rows, cols = template.shape
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            # Relative to a pixel below the template, so that a large offset costs no precision.
            base = image[i + rows // 2, j + cols // 2]
            total = single(0.0)
            square = single(0.0)
            product = single(0.0)
            for a in range(rows):
                for b in range(cols):
                    value = image[i + a, j + b] - base
                    weighted = weight[a, b] * value
                    total += weighted
                    square += weighted * value
                    product += value * template[a, b]
            out[i, j] = min(coefficient(product, square, square - total * total), single(1.0))


@kernel(void(f4_2d_in, i8, i8, f8_1d))
def subpixel_peak(scores: Image, row: int, col: int, out: NDArray[np.float64]) -> None:
    """Refine a whole-pixel peak by the vertex of a parabola along each axis.

    Parameters
    ----------
    scores : ndarray of float32, shape (H, W)
        Correlation coefficients, see `correlate`.
    row, col : int
        The whole-pixel peak, on `scores`.
    out : ndarray of float64, shape (2,) or longer
        Receives the refined (row, col), at most half a pixel away. On the border of `scores`, along an axis without a
        peak, and beside NaN or infinity, the whole-pixel position is kept.
    """
    out[0] = row
    out[1] = col
    if 0 < row < scores.shape[0] - 1:
        low, high = scores[row - 1, col], scores[row + 1, col]
        bend = low - single(2.0) * scores[row, col] + high
        shift = single(0.5) * (low - high) / bend
        if bend < single(0.0) and abs(shift) <= single(0.5):
            out[0] += shift
    if 0 < col < scores.shape[1] - 1:
        low, high = scores[row, col - 1], scores[row, col + 1]
        bend = low - single(2.0) * scores[row, col] + high
        shift = single(0.5) * (low - high) / bend
        if bend < single(0.0) and abs(shift) <= single(0.5):
            out[1] += shift


@kernel(i8(f4_2d_in, i8, f8_2d))
def best_peaks(scores: Image, apart: int, out: NDArray[np.float64]) -> int:
    """Find the highest local maxima that lie more than `apart` pixels from each other.

    A score beside NaN does not count as a maximum, nor does a score of -1 (no match).

    Parameters
    ----------
    scores : ndarray of float32, shape (H, W)
        Correlation coefficients, see `correlate`; may be empty.
    apart : int
        Two peaks differ by more than this along rows or along columns, in pixels.
    out : ndarray of float64, shape (N, 3)
        Receives (row, col, score) per peak, best first: the position sub-pixel, the score at the whole pixel.

    Returns
    -------
    int
        Number of peaks found, 0 to N.
    """
    rows, cols = scores.shape
    found = 0
    for _ in range(out.shape[0]):
        best = single(-1.0)
        top_row = -1
        top_col = -1
        for i in range(rows):
            for j in range(cols):
                value = scores[i, j]
                if value > best:
                    usable = True
                    for a in range(max(i - 1, 0), min(i + 2, rows)):
                        for b in range(max(j - 1, 0), min(j + 2, cols)):
                            usable &= scores[a, b] <= value
                    for k in range(found):
                        usable &= abs(i - out[k, 0]) > apart + 0.5 or abs(j - out[k, 1]) > apart + 0.5
                    if usable:
                        best = value
                        top_row = i
                        top_col = j
        if top_row < 0:
            return found
        subpixel_peak(scores, top_row, top_col, out[found])
        out[found, 2] = best
        found += 1
    return found


@kernel(i8(f4_2d_in, i8, i8, i8, f4_2d, f4_2d_in, f4_2d, i8, f8_2d))
def search(
    image: Image,
    row: int,
    col: int,
    factor: int,
    window: Image,
    template: Image,
    scores: Image,
    apart: int,
    peaks: NDArray[np.float64],
) -> int:
    """Search for a template on an image of reduced resolution: `block_mean`, `correlate` and `best_peaks` in one step.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        The image.
    row, col, factor : int
        See `kernels.pyramid.block_mean`.
    window : ndarray of float32, shape (h, w)
        Receives the means.
    template, scores : ndarray of float32
        See `correlate`.
    apart : int
        See `best_peaks`.
    peaks : ndarray of float64, shape (N, 3)
        See `best_peaks`.

    Returns
    -------
    int
        Number of peaks found, 0 to N.
    """
    block_mean(image, row, col, factor, window)
    correlate(window, template, scores)
    found: int = best_peaks(scores, apart, peaks)
    return found
