"""Match patches of a template one by one, and fit a smooth displacement to what they found."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4, f4_1d, f4_2d, f4_2d_in, f8, f8_1d, f8_2d, i8, kernel, void
from kernels.ncc import coefficient

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]
single = np.float32


SIDE = 8
"""Side of a patch, in pixels."""


@kernel(void(f4_1d, f4_1d, f4_1d, i8))
def _box_sums(values: Array, across: Array, out: Array, side: int) -> None:
    """Fill `out` with the sums over each patch of a square of `side` x `side` values, row by row.

    `across` is scratch. Sums that begin within a patch of the end of a row go on in the next one and mean nothing.
    """
    last = side * side - SIDE + 1
    for k in range(last):
        left = (values[k] + values[k + 1]) + (values[k + 2] + values[k + 3])
        across[k] = left + ((values[k + 4] + values[k + 5]) + (values[k + 6] + values[k + 7]))
    for k in range(last - (SIDE - 1) * side):
        total = across[k]
        for a in range(1, SIDE):
            total += across[k + a * side]
        out[k] = total


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
        _box_sums(values, across, totals, side)
        for k in range(side * side):
            products[k] = values[k] * values[k]
        _box_sums(products, across, squares, side)
        for k in range(offsets):
            products[k] = single(0.0)
        for a in range(SIDE):
            line, patch = values[a * side :], templates[p, a * SIDE :]
            t0, t1, t2, t3 = patch[0], patch[1], patch[2], patch[3]
            t4, t5, t6, t7 = patch[4], patch[5], patch[6], patch[7]
            for k in range(offsets):
                part = (t0 * line[k] + t1 * line[k + 1]) + (t2 * line[k + 2] + t3 * line[k + 3])
                products[k] += part + ((t4 * line[k + 4] + t5 * line[k + 5]) + (t6 * line[k + 6] + t7 * line[k + 7]))
        best = single(-1.0)
        best_row = best_col = 0
        for i in range(ends + 1):
            for j in range(ends + 1):
                k = i * side + j
                score = coefficient(products[k], squares[k], squares[k] - totals[k] * totals[k] / pixels)
                products[k] = score
                if score > best:
                    best = score
                    best_row, best_col = i, j
        down, right = f8(top + best_row), f8(left + best_col)
        weights[p] = 0.0
        if best >= least and 0 < best_row < ends and 0 < best_col < ends:
            weights[p] = min(f8(best) * f8(best), 1.0)
            k = best_row * side + best_col
            bend = products[k - side] + products[k + side] - single(2.0) * best
            if bend < single(0.0):
                down += single(0.5) * (products[k - side] - products[k + side]) / bend
            bend = products[k - 1] + products[k + 1] - single(2.0) * best
            if bend < single(0.0):
                right += single(0.5) * (products[k - 1] - products[k + 1]) / bend
        moves[p, 0] = (down - rows[p]) / row_scale
        moves[p, 1] = (right - cols[p]) / col_scale


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
    system : ndarray of float64, shape (K, K + 2)
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
            system[k, count] = down / (noise * noise)
            system[k, count + 1] = right / (noise * noise)
        # Cholesky, then forward and backward substitution for both right-hand sides.
        for k in range(count):
            for m in range(k + 1):
                value = system[k, m]
                for n in range(m):
                    value -= system[k, n] * system[m, n]
                system[k, m] = np.sqrt(max(value, 1e-300)) if k == m else value / system[m, m]
            for side in range(2):
                value = system[k, count + side]
                for n in range(k):
                    value -= system[k, n] * system[n, count + side]
                system[k, count + side] = value / system[k, k]
        for back in range(count):
            k = count - 1 - back
            for side in range(2):
                value = system[k, count + side]
                for n in range(k + 1, count):
                    value -= system[n, k] * system[n, count + side]
                system[k, count + side] = value / system[k, k]
                params[side * count + k] = single(system[k, count + side])
    return agreed / size if size > 0 else 0.0


@kernel(void(f4_2d_in, f4_1d, f4_1d, f4_2d, f4_1d, i8, f4, f4_2d, f4_2d))
def vote_patches(
    image: Array,
    rows: Array,
    cols: Array,
    templates: Array,
    weights: Array,
    step: int,
    least: float,
    scores: Array,
    votes: Array,
) -> None:
    """Let patches vote for the displacement that they share, each over the full range.

    Each patch is compared at every `step` pixels by normalised cross-correlation. What its correlation exceeds `least`
    by, squared, is its vote, which counts for the neighbouring displacements as well, so that patches of tissue that
    deforms still agree. A patch of still anatomy votes for no displacement, and is outvoted.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        The image to search; beyond it its edge repeats.
    rows, cols : ndarray of float32, shape (P,)
        First pixel of each patch on the reference.
    templates : ndarray of float32, shape (P, SIDE * SIDE)
        Zero-mean unit-norm values of each patch, row by row.
    weights : ndarray of float32, shape (P,)
        Weight of the vote of each patch.
    step : int
        Distance of the displacements that are compared, in pixels, 1 or more.
    least : float
        Correlation coefficient below which a patch does not vote, 0 or more.
    scores : ndarray of float32, shape (2 M + 1, 2 N + 1)
        Scratch.
    votes : ndarray of float32, shape (2 M + 1, 2 N + 1)
        Receives the sum of the votes for each displacement, of -M to M steps along rows and -N to N along columns.
    """
    height, width = image.shape
    down_steps, right_steps = votes.shape
    half = SIDE // 2
    pixels = single(SIDE * SIDE)
    for i in range(down_steps):
        for j in range(right_steps):
            votes[i, j] = single(0.0)
    for p in range(templates.shape[0]):
        first_row = int(rows[p]) - (down_steps // 2) * step
        first_col = int(cols[p]) - (right_steps // 2) * step
        for i in range(down_steps):
            top = first_row + i * step
            for j in range(right_steps):
                left = first_col + j * step
                scores[i, j] = single(0.0)
                # The middle of the patch must lie on the image.
                if top + half < 0 or left + half < 0 or top + half >= height or left + half >= width:
                    continue
                total = square = product = single(0.0)
                base = image[top + half, left + half]
                if top >= 0 and left >= 0 and top + SIDE <= height and left + SIDE <= width:
                    for a in range(SIDE):
                        line = image[top + a, left : left + SIDE]
                        patch = templates[p, a * SIDE : a * SIDE + SIDE]
                        for b in range(SIDE):
                            value = line[b] - base
                            total += value
                            square += value * value
                            product += value * patch[b]
                else:
                    for a in range(SIDE):
                        row = min(max(top + a, 0), height - 1)
                        for b in range(SIDE):
                            value = image[row, min(max(left + b, 0), width - 1)] - base
                            total += value
                            square += value * value
                            product += value * templates[p, a * SIDE + b]
                above = coefficient(product, square, square - total * total / pixels) - least
                if above > single(0.0):
                    scores[i, j] = weights[p] * above * above
        for i in range(down_steps):
            for j in range(right_steps):
                most = single(0.0)
                for a in range(max(i - 1, 0), min(i + 2, down_steps)):
                    for b in range(max(j - 1, 0), min(j + 2, right_steps)):
                        most = max(most, scores[a, b])
                votes[i, j] += most
