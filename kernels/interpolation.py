"""Sample an image bilinearly at positions between pixels."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4, f4_1d, f4_2d_in, kernel, void

Array = NDArray[np.float32]
single = np.float32

FARTHEST_PX = 1e6
"""Upper limit of coordinates, so that no index overflows."""


@kernel(f4(f4_2d_in, f4, f4))
def bilinear(image: Array, row: float, col: float) -> float:
    """Return the value at (row, col), interpolated bilinearly.

    All four pixels around a position contribute, even with weight 0: when one of them is NaN, so is the value.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W), at least 2 x 2
        Beyond the image its edge repeats.
    row, col : float
        Position in pixels. NaN is read as 0, so that no index is outside the image.

    Returns
    -------
    float
        The interpolated value.
    """
    r = single(0.0)
    if row > r:
        r = min(single(row), single(FARTHEST_PX))
    c = single(0.0)
    if col > c:
        c = min(single(col), single(FARTHEST_PX))
    i = min(int(r), image.shape[0] - 2)
    j = min(int(c), image.shape[1] - 2)
    v = min(r - single(i), single(1.0))
    u = min(c - single(j), single(1.0))
    top = image[i, j] + u * (image[i, j + 1] - image[i, j])
    bottom = image[i + 1, j] + u * (image[i + 1, j + 1] - image[i + 1, j])
    value: float = top + v * (bottom - top)
    return value


@kernel(void(f4_2d_in, f4_1d, f4_1d, f4, f4, f4_1d))
def sample(image: Array, rows: Array, cols: Array, row_0: float, col_0: float, value: Array) -> None:
    """Fill `value` with the results of `bilinear` at many positions, in a vectorised loop.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W), at least 2 x 2
        Beyond the image its edge repeats.
    rows, cols : ndarray of float32, shape (N,)
        Positions in pixels.
    row_0, col_0 : float
        Position of the image's first pixel, in the coordinates of `rows` and `cols`.
    value : ndarray of float32, shape (N,)
        Receives the samples.
    """
    pixels = image.reshape(image.size)
    width = np.int32(image.shape[1])
    zero = single(0.0)
    bottom, right = single(image.shape[0] - 1), single(image.shape[1] - 1)
    last_row, last_col = np.int32(image.shape[0] - 2), np.int32(image.shape[1] - 2)
    # Unsigned indices need no check for negative values, so the loop can be vectorised.
    right_of, below = np.uint64(1), np.uint64(width)
    for k in range(rows.shape[0]):
        row, col = rows[k] - row_0, cols[k] - col_0
        r = min(row, bottom) if row > zero else zero
        c = min(col, right) if col > zero else zero
        i, j = min(np.int32(r), last_row), min(np.int32(c), last_col)
        v, u = r - single(i), c - single(j)
        at = np.uint64(np.uint32(i * width + j))
        upper = pixels[at] + u * (pixels[at + right_of] - pixels[at])
        lower = pixels[at + below] + u * (pixels[at + below + right_of] - pixels[at + below])
        value[k] = upper + v * (lower - upper)


@kernel(void(f4_2d_in, f4_1d, f4_1d, f4_1d, f4_1d, f4_1d))
def sample_with_gradient(
    image: Array, rows: Array, cols: Array, value: Array, row_gradient: Array, col_gradient: Array
) -> None:
    """Sample values and gradients of the bilinear interpolant.

    The gradient is the central difference over one pixel, half a pixel to either side: it is continuous where the
    derivative of the interpolant is not.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W), at least 2 x 2
        Beyond the image its edge repeats, see `bilinear`.
    rows, cols : ndarray of float32, shape (N,)
        Positions in pixels.
    value, row_gradient, col_gradient : ndarray of float32, shape (N,)
        Receive the samples, and their change per pixel along rows and along columns.
    """
    half = single(0.5)
    for i in range(rows.shape[0]):
        row, col = rows[i], cols[i]
        value[i] = bilinear(image, row, col)
        row_gradient[i] = bilinear(image, row + half, col) - bilinear(image, row - half, col)
        col_gradient[i] = bilinear(image, row, col + half) - bilinear(image, row, col - half)
