"""Match patches of a template one by one, and fit a smooth displacement to what they found."""

import numpy as np
from numpy.typing import NDArray

from kernels.cholesky import backward, decompose, forward
from kernels.jit import f4, f4_1d, f4_2d, f4_2d_in, f8, f8_1d, f8_2d, i8, i8_1d, kernel, void
from kernels.ncc import coefficient, subpixel_peak

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]
single = np.float32


SIDE = 8
"""Side of a patch, in pixels."""


@kernel(void(f4_1d, f4_1d, f4_1d, i8))
def box_sums(values: Array, across: Array, out: Array, width: int) -> None:
    """Fill `out` with the sums over the `SIDE` x `SIDE` values that begin at each value, as far as there are so many.

    Sums that begin within a patch of the end of a row go on in the next one and mean nothing.

    Parameters
    ----------
    values : ndarray of float32, shape (N,)
        Rows of `width` values each, one after the other.
    across : ndarray of float32, shape (N,) or longer
        Scratch.
    out : ndarray of float32, shape (N,) or longer
        Receives the sums; may be `values`.
    width : int
        Number of values in a row.
    """
    last = values.shape[0] - SIDE + 1
    for k in range(last):
        begin = (values[k] + values[k + 1]) + (values[k + 2] + values[k + 3])
        across[k] = begin + ((values[k + 4] + values[k + 5]) + (values[k + 6] + values[k + 7]))
    # Each row has an array of its own, as an index with a product in it keeps the loop from being vectorised.
    r1, r2, r3 = across[width:], across[2 * width :], across[3 * width :]
    r4, r5, r6, r7 = across[4 * width :], across[5 * width :], across[6 * width :], across[7 * width :]
    for k in range(last - (SIDE - 1) * width):
        out[k] = ((across[k] + r1[k]) + (r2[k] + r3[k])) + ((r4[k] + r5[k]) + (r6[k] + r7[k]))


@kernel(void(f4_2d_in, f4_1d, f4_1d, f4_1d, f4_1d, f4_2d, i8, f4, f4, f8, f4_2d, f8_2d, f8_1d))
def match_patches(
    image: Array,
    rows: Array,
    cols: Array,
    expected_rows: Array,
    expected_cols: Array,
    templates: Array,
    reach: int,
    row_scale: float,
    col_scale: float,
    least: float,
    scratch: Array,
    moves: Doubles,
    weights: Doubles,
) -> None:
    """Search for each patch around a position of its own by normalised cross-correlation.

    The square around a patch lies in memory row by row, so that the sums of all offsets are sums of shifted vectors,
    at the cost of some that begin near the end of a row and are not used.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        The image to search; beyond it its edge repeats.
    rows, cols : ndarray of float32, shape (P,)
        First pixel of each patch on the reference.
    expected_rows, expected_cols : ndarray of float32, shape (P,)
        Its expected position on the image, in pixels; rounded.
    templates : ndarray of float32, shape (P, SIDE * SIDE)
        Zero-mean unit-norm values of each patch, row by row.
    reach : int
        Search range to either side, in pixels, 1 or more.
    row_scale, col_scale : float
        Pixels per mm.
    least : float
        Least correlation coefficient of a match.
    scratch : ndarray of float32, shape (5, (2 reach + SIDE) ** 2)
        Scratch.
    moves : ndarray of float64, shape (P, 2)
        Receives the displacement of each patch along rows and columns in mm, refined by a parabola along each axis.
    weights : ndarray of float64, shape (P,)
        Receives the square of the correlation coefficient; 0 where it is below `least`, where the best match lies at
        the end of the range, and where nothing can be compared.
    """
    height, width = image.shape
    ends = 2 * reach
    side = ends + SIDE
    offsets = ends * side + ends + 1
    pixels = single(SIDE * SIDE)
    values, across, totals, squares, products = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    # The values are not needed any more where the scores are.
    scores, surface = values, values.reshape(side, side)
    for p in range(templates.shape[0]):
        top = int(np.floor(expected_rows[p] + single(0.5))) - reach
        left = int(np.floor(expected_cols[p] + single(0.5))) - reach
        # Relative to a pixel in the middle, so that a large offset costs no precision.
        base = image[min(max(top + side // 2, 0), height - 1), min(max(left + side // 2, 0), width - 1)]
        if top >= 0 and left >= 0 and top + side <= height and left + side <= width:
            for a in range(side):
                for b in range(side):
                    values[a * side + b] = image[top + a, left + b] - base
        else:
            for a in range(side):
                row = min(max(top + a, 0), height - 1)
                for b in range(side):
                    values[a * side + b] = image[row, min(max(left + b, 0), width - 1)] - base
        box_sums(values, across, totals, side)
        for k in range(side * side):
            products[k] = values[k] * values[k]
        box_sums(products, across, squares, side)
        for k in range(offsets):
            products[k] = single(0.0)
        for a in range(SIDE):
            line, patch = values[a * side :], templates[p, a * SIDE :]
            t0, t1, t2, t3 = patch[0], patch[1], patch[2], patch[3]
            t4, t5, t6, t7 = patch[4], patch[5], patch[6], patch[7]
            for k in range(offsets):
                part = (t0 * line[k] + t1 * line[k + 1]) + (t2 * line[k + 2] + t3 * line[k + 3])
                products[k] += part + ((t4 * line[k + 4] + t5 * line[k + 5]) + (t6 * line[k + 6] + t7 * line[k + 7]))
        for k in range(offsets):
            scores[k] = coefficient(products[k], squares[k], squares[k] - totals[k] * totals[k] / pixels)
        best = single(-1.0)
        best_row = best_col = 0
        for i in range(ends + 1):
            for j in range(ends + 1):
                if scores[i * side + j] > best:
                    best = scores[i * side + j]
                    best_row, best_col = i, j
        weights[p], moves[p, 0], moves[p, 1] = 0.0, best_row, best_col
        if best >= least and 0 < best_row < ends and 0 < best_col < ends:
            weights[p] = min(f8(best) * f8(best), 1.0)
            subpixel_peak(surface, best_row, best_col, moves[p])
        moves[p, 0] = (top + moves[p, 0] - rows[p]) / row_scale
        moves[p, 1] = (left + moves[p, 1] - cols[p]) / col_scale


@kernel(f8(f4_2d, f8_2d, f8_1d, f8_1d, f8, f8, i8, f8_2d, f8_1d, f4_1d))
def fit_displacements(
    modes: Array,
    moves: Doubles,
    weights: Doubles,
    prior: Doubles,
    noise: float,
    outlier: float,
    iterations: int,
    system: Doubles,
    strength: Doubles,
    params: Array,
) -> float:
    """Fit a sum of modes to displacements of points, some of which are wrong.

    Iteratively reweighted least squares with Cauchy's weights [1]_: the weight of a point is divided by one plus the
    square of its residual over `outlier`.

    Parameters
    ----------
    modes : ndarray of float32, shape (K, P)
        Displacement in mm at each point per unit of a parameter; the same along rows and columns.
    moves : ndarray of float64, shape (P, 2)
        Displacement of each point along rows and columns, in mm.
    weights : ndarray of float64, shape (P,)
        Weight of each point, 0 or more.
    prior : ndarray of float64, shape (K,)
        1 over the prior variance of each parameter, above 0.
    noise : float
        Standard deviation of the displacement of a point of weight 1, in mm.
    outlier : float
        Residual at which the weight of a point is halved, in mm.
    iterations : int
        1 or more.
    system : ndarray of float64, shape (K + 2, K)
        Scratch.
    strength : ndarray of float64, shape (P,)
        Scratch; holds the weights of the last iteration afterwards.
    params : ndarray of float32, shape (2 K,)
        Initial parameters along rows, then along columns; receives the result.

    Returns
    -------
    float
        Mean of the final weights: the share of the points that agree, where no weight exceeds 1.

    References
    ----------
    .. [1] P. W. Holland, R. E. Welsch, "Robust regression using iteratively reweighted least-squares", Communications
       in Statistics 6, 1977.
    """
    count, size = modes.shape
    agreed = 0.0
    for step in range(iterations + 1):
        agreed = 0.0
        for p in range(size):
            down, right = moves[p, 0], moves[p, 1]
            for k in range(count):
                down -= params[k] * modes[k, p]
                right -= params[count + k] * modes[k, p]
            strength[p] = weights[p] / (1.0 + (down * down + right * right) / (outlier * outlier))
            agreed += strength[p]
        if step == iterations:
            break
        for k in range(count):
            for m in range(k + 1):
                value = 0.0
                for p in range(size):
                    value += strength[p] * f8(modes[k, p]) * f8(modes[m, p])
                system[k, m] = value / (noise * noise)
            system[k, k] += prior[k]
            down = right = 0.0
            for p in range(size):
                down += strength[p] * modes[k, p] * moves[p, 0]
                right += strength[p] * modes[k, p] * moves[p, 1]
            system[count, k] = down / (noise * noise)
            system[count + 1, k] = right / (noise * noise)
        decompose(system)
        for row in range(count, count + 2):
            forward(system, row)
            backward(system, row)
        for k in range(count):
            params[k], params[count + k] = single(system[count, k]), single(system[count + 1, k])
    return agreed / size if size > 0 else 0.0


@kernel(f8(f4_2d, f4_1d, f8_2d, f8_1d, f8_1d, f8, i8_1d, f8, f8_2d))
def weakest_agreement(
    modes: Array,
    params: Array,
    moves: Doubles,
    squares: Doubles,
    strength: Doubles,
    noise: float,
    part: NDArray[np.int64],
    limit: float,
    sums: Doubles,
) -> float:
    """Return how well patches agree with a sum of modes in the two parts in which they do least.

    Patches that noise hides count less, and noise is not held against those that are seen: a patch of variance S in
    noise of variance N counts as S / (S + N), the square of the correlation coefficient that is expected at its place.

    Parameters
    ----------
    modes : ndarray of float32, shape (K, P)
        Displacement in mm at each patch per unit of a parameter; the same along rows and columns.
    params : ndarray of float32, shape (2 K,)
        Parameters along rows, then along columns.
    moves : ndarray of float64, shape (P, 2)
        Displacement of each patch along rows and columns, in mm.
    squares : ndarray of float64, shape (P,)
        Square of its correlation coefficient; 0 where it has no match.
    strength : ndarray of float64, shape (P,)
        Its variance, above 0.
    noise : float
        Variance of the noise, in the same units, 0 or more.
    part : ndarray of int64, shape (P,)
        Part that it belongs to.
    limit : float
        Distance up to which it agrees, in mm.
    sums : ndarray of float64, shape (parts, 2)
        Scratch.

    Returns
    -------
    float
        Mean over the two parts with the least agreement, of those that have patches: the sum of the correlation
        coefficients of the patches that agree, over those expected, each weighted as said; 0-1, and 0 without patches.
    """
    count, size = modes.shape
    for m in range(sums.shape[0]):
        sums[m, 0] = sums[m, 1] = 0.0
    for p in range(size):
        down, right = moves[p, 0], moves[p, 1]
        for k in range(count):
            down -= params[k] * modes[k, p]
            right -= params[count + k] * modes[k, p]
        seen = strength[p] / (strength[p] + noise)
        sums[part[p], 1] += seen
        if squares[p] > 0.0 and down * down + right * right <= limit * limit:
            sums[part[p], 0] += seen * min(np.sqrt(squares[p] / seen), 1.0)
    known, least, second = 0, np.inf, np.inf
    for m in range(sums.shape[0]):
        if sums[m, 1] > 0.0:
            share = sums[m, 0] / sums[m, 1]
            known += 1
            second = min(second, max(least, share))
            least = min(least, share)
    if known == 0:
        return 0.0
    return 0.5 * (least + second) if known > 1 else least
