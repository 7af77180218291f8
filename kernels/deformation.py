"""Displace points by a free-form deformation, and fit the deformation to an image by Gauss-Newton."""

import numpy as np
from numpy.typing import NDArray

from kernels.interpolation import sample
from kernels.jit import b1, f4, f4_1d, f4_2d, f4_2d_in, f8_1d, i8, kernel, void

Array = NDArray[np.float32]
single = np.float32

CLIP = 3.0
"""Limit of residuals, in robust standard deviations."""

MEAN_TO_SIGMA = 1.2533
"""Standard deviation of a normal distribution over its mean absolute value."""

LEAST_EXPLAINED = 0.85
"""Lower limit of the correlation with which steps are scaled, so that a poor start leads neither off the image nor to
oscillation around the minimum."""

ROUNDING = 1e-5
"""Rounding noise of single precision, as a share of what is projected out; correlation below it is meaningless."""

GAIN, CORRELATION, ITERATIONS, INSIDE, PENALTY = range(5)
"""Indices into the result of `fit`."""
RESULTS = 5
"""Length of the result of `fit`."""


@kernel(void(f4_1d, f4_1d, f4_2d, f4_1d, f4, f4, f4_1d, f4_1d))
def displace(
    rows: Array,
    cols: Array,
    modes: Array,
    params: Array,
    row_scale: float,
    col_scale: float,
    out_rows: Array,
    out_cols: Array,
) -> None:
    """Move points by a weighted sum of displacement modes.

    Parameters
    ----------
    rows, cols : ndarray of float32, shape (N,)
        Points in pixels.
    modes : ndarray of float32, shape (K, N)
        Displacement in mm at each point per unit of a parameter; the same for rows and columns.
    params : ndarray of float32, shape (2 K,)
        Weights of the modes along rows, then along columns.
    row_scale, col_scale : float
        Pixels per mm.
    out_rows, out_cols : ndarray of float32, shape (N,)
        Receive the moved points in pixels.
    """
    count, size = modes.shape
    for i in range(size):
        out_rows[i] = rows[i]
        out_cols[i] = cols[i]
    # Four modes per pass, so that the moved points are read and written a quarter as often.
    whole = count - count % 4
    for k in range(0, whole, 4):
        d0, r0 = params[k] * row_scale, params[count + k] * col_scale
        d1, r1 = params[k + 1] * row_scale, params[count + k + 1] * col_scale
        d2, r2 = params[k + 2] * row_scale, params[count + k + 2] * col_scale
        d3, r3 = params[k + 3] * row_scale, params[count + k + 3] * col_scale
        for i in range(size):
            m0, m1, m2, m3 = modes[k, i], modes[k + 1, i], modes[k + 2, i], modes[k + 3, i]
            out_rows[i] += d0 * m0 + d1 * m1 + d2 * m2 + d3 * m3
            out_cols[i] += r0 * m0 + r1 * m1 + r2 * m2 + r3 * m3
    for k in range(whole, count):
        down = params[k] * row_scale
        right = params[count + k] * col_scale
        for i in range(size):
            out_rows[i] += down * modes[k, i]
            out_cols[i] += right * modes[k, i]


@kernel(void(f4_2d, f4_1d, f4_1d))
def products(directions: Array, residual: Array, out: Array) -> None:
    """Fill `out` with ``directions @ residual``.

    Parameters
    ----------
    directions : ndarray of float32, shape (P, N)
        One direction per row.
    residual : ndarray of float32, shape (N,)
        The vector to multiply.
    out : ndarray of float32, shape (P,) or longer
        Its first P entries receive the products.
    """
    count, size = directions.shape
    # Four independent sums: the residual is read a quarter as often, and additions overlap.
    whole = count - count % 4
    for k in range(0, whole, 4):
        s0 = s1 = s2 = s3 = single(0.0)
        for i in range(size):
            value = residual[i]
            s0 += directions[k, i] * value
            s1 += directions[k + 1, i] * value
            s2 += directions[k + 2, i] * value
            s3 += directions[k + 3, i] * value
        out[k] = s0
        out[k + 1] = s1
        out[k + 2] = s2
        out[k + 3] = s3
    for k in range(whole, count):
        total = single(0.0)
        for i in range(size):
            total += directions[k, i] * residual[i]
        out[k] = total


@kernel(void(f4_2d, f4_1d, f4_1d))
def project_out(directions: Array, norms: Array, residual: Array) -> None:
    """Remove from `residual` its components along orthogonal directions.

    Parameters
    ----------
    directions : ndarray of float32, shape (P, N)
        Orthogonal directions. A component along a direction of unit length is removed completely; along a shorter one
        the share that remains is 1 minus its squared length.
    norms : ndarray of float32, shape (P,) or longer
        Its first P entries receive the products of the directions with `residual`.
    residual : ndarray of float32, shape (N,)
        Changed in place.
    """
    count = directions.shape[0]
    products(directions, residual, norms)
    whole = count - count % 4
    for k in range(0, whole, 4):
        n0, n1, n2, n3 = norms[k], norms[k + 1], norms[k + 2], norms[k + 3]
        for i in range(residual.shape[0]):
            residual[i] -= (
                n0 * directions[k, i]
                + n1 * directions[k + 1, i]
                + n2 * directions[k + 2, i]
                + n3 * directions[k + 3, i]
            )
    for k in range(whole, count):
        total = norms[k]
        for i in range(residual.shape[0]):
            residual[i] -= total * directions[k, i]


@kernel(
    b1(f4_2d_in, f8_1d, f4_2d, f4_2d, f4_2d, f4_1d, f4_2d, f4_2d, f4, f4, f4, i8, f4, f4, f4_1d, f4_2d, f4_2d, f8_1d)
)
def fit(
    image: Array,
    window: NDArray[np.float64],
    points: Array,
    modes: Array,
    steepest: Array,
    prior: Array,
    inverse_hessian: Array,
    photometric: Array,
    template_norm: float,
    row_scale: float,
    col_scale: float,
    max_iterations: int,
    tolerance: float,
    reject: float,
    params: Array,
    scratch: Array,
    steps: Array,
    out: NDArray[np.float64],
) -> bool:
    """Fit a free-form deformation that aligns the image with the template.

    Inverse-compositional Gauss-Newton: gradient and Hessian are those of the template and are computed once; gain,
    offset and shading are projected out of the residual [1]_. A Gaussian prior on each parameter, already part of
    `inverse_hessian`, keeps the displacement small and smooth. Each iteration

    1. samples the image at the moved points, weights it and removes its components along `photometric`: the residual;
    2. limits the residual to `CLIP` standard deviations (Huber's modified residuals [2]_), the standard deviation being
       estimated as `MEAN_TO_SIGMA` times the mean absolute residual of all points;
    3. divides it by the gain, or by the gain at a correlation of `LEAST_EXPLAINED` if that is larger, and sets it to 0
       for points outside the frame;
    4. changes the parameters by ``-inverse_hessian @ (steepest @ residual + prior * params)``.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
        A window of the frame at the resolution of the template, at least 2 x 2; beyond it its edge repeats.
    window : ndarray of float64, shape (6,)
        On the grid of `points`: (row, col) of the window's first pixel, first and last row and first and last
        column of the frame. Points outside the frame do not contribute.
    points : ndarray of float32, shape (3, N)
        Row, column and weight of the residual of each template point.
    modes : ndarray of float32, shape (K, N)
        See `displace`.
    steepest : ndarray of float32, shape (2 K, N)
        Steepest-descent images: weighted change of the template per unit of each parameter, without its components
        along the constant and the template.
    prior : ndarray of float32, shape (2 K,)
        1 over the prior variance of each parameter, above 0.
    inverse_hessian : ndarray of float32, shape (2 K, 2 K)
        Inverse of ``steepest @ projector @ steepest.T + diag(prior)``, where `projector` removes `photometric`.
    photometric : ndarray of float32, shape (P, N)
        Orthogonal directions to project out, 2 or more: weighted constant, weighted template, and any others. Those
        of unit length are projected out completely, shorter ones in part.
    template_norm : float
        Length of the weighted template along the second direction, above 0; the gain is relative to it.
    row_scale, col_scale : float
        Pixels per mm.
    max_iterations : int
        1 or more.
    tolerance : float
        The fit ends when no parameter changes by more than this.
    reject : float
        Residual, in robust standard deviations and more than `CLIP`, from which on a point has no effect; between the
        two its effect falls linearly (Hampel's function [3]_). 0 for residuals that are limited only.
    params : ndarray of float32, shape (2 K,)
        Initial parameters; receives the result.
    scratch : ndarray of float32, shape (3, N)
        Scratch.
    steps : ndarray of float32, shape (2, max(2 K, P))
        Scratch.
    out : ndarray of float64, shape (5,)
        Receives gain, correlation coefficient and share of points inside the frame and not rejected, all three before
        the last step; the number of iterations; and the sum of the squared parameters, each times its `prior`. The
        indices are `GAIN` to `PENALTY`.

    Returns
    -------
    bool
        True when the result is finite. When False, `params` is undefined and `out` is NaN.

    References
    ----------
    .. [1] S. Baker, R. Gross, I. Matthews, "Lucas-Kanade 20 years on: part 3", CMU-RI-TR-03-35, 2003.
    .. [2] P. J. Huber, "Robust statistics", Wiley 1981, section 7.8.
    .. [3] F. R. Hampel et al., "Robust statistics: the approach based on influence functions", Wiley 1986.
    """
    size = points.shape[1]
    count = modes.shape[0]
    residual = scratch[2]
    weight = points[2]
    gradient = steps[0]
    norms = steps[1]
    first_row, last_row = single(window[2]), single(window[3])
    first_col, last_col = single(window[4]), single(window[5])
    # A fit that fails must not leave the result of an earlier frame.
    for k in range(RESULTS):
        out[k] = np.nan
    gain = correlation = single(np.nan)
    iterations = 0
    inside = 0
    for _ in range(max_iterations):
        iterations += 1
        displace(points[0], points[1], modes, params, row_scale, col_scale, scratch[0], scratch[1])
        sample(image, scratch[0], scratch[1], window[0], window[1], residual)
        for i in range(size):
            residual[i] *= weight[i]
        project_out(photometric, norms, residual)

        total = single(0.0)
        square = single(0.0)
        for i in range(size):
            total += abs(residual[i])
            square += residual[i] * residual[i]
        limit = single(CLIP * MEAN_TO_SIGMA) * total / single(size)
        for k in range(photometric.shape[0]):
            square += single(ROUNDING * ROUNDING) * norms[k] * norms[k]
        whole = np.sqrt(norms[1] * norms[1] + square + single(1e-30))
        gain = norms[1] / template_norm
        correlation = norms[1] / whole
        inverse_gain = template_norm / max(norms[1], single(LEAST_EXPLAINED) * whole)
        inside = 0
        if reject > single(0.0):
            last = single(reject * MEAN_TO_SIGMA) * total / single(size)
            fall = limit / max(last - limit, single(1e-30))
            for i in range(size):
                weaker = (last - abs(residual[i])) * fall
                if weaker > single(0.0):
                    residual[i] = min(max(residual[i], -weaker), weaker)
                else:
                    residual[i] = single(0.0)
                    row, col = scratch[0, i], scratch[1, i]
                    if row >= first_row and row <= last_row and col >= first_col and col <= last_col:
                        inside -= 1
        for i in range(size):
            row, col = scratch[0, i], scratch[1, i]
            if row >= first_row and row <= last_row and col >= first_col and col <= last_col:
                inside += 1
                residual[i] = min(max(residual[i], -limit), limit) * inverse_gain
            else:
                residual[i] = single(0.0)

        products(steepest, residual, gradient)
        for k in range(2 * count):
            gradient[k] += prior[k] * params[k]
        largest = single(0.0)
        finite = True
        for k in range(2 * count):
            step = single(0.0)
            for m in range(2 * count):
                step += inverse_hessian[k, m] * gradient[m]
            params[k] -= step
            largest = max(largest, abs(step))
            finite &= abs(params[k]) < single(1e6)
        if not finite:
            return False
        if largest <= tolerance:
            break
    square = single(0.0)
    for k in range(2 * count):
        square += prior[k] * params[k] * params[k]
    if not np.isfinite(correlation):
        return False
    out[GAIN] = gain
    out[CORRELATION] = correlation
    out[ITERATIONS] = iterations
    out[INSIDE] = inside / size
    out[PENALTY] = square
    return True
