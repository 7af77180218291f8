"""Bilinear sampling of an image at positions between pixels."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4, f4_1d, f4_2d, kernel, void

Array = NDArray[np.float32]


@kernel(f4(f4_2d, f4, f4))
def bilinear(image: Array, row: float, col: float) -> float:
    """Return the value at (row, col), interpolated bilinearly; beyond the image its edge repeats.

    A position that is NaN reads the first pixel, so that no index is ever out of the image.
    """
    if not row > f4(0.0):
        row = f4(0.0)
    if not col > f4(0.0):
        col = f4(0.0)
    i = min(int(min(row, f4(1e9))), image.shape[0] - 2)
    j = min(int(min(col, f4(1e9))), image.shape[1] - 2)
    v = min(row - f4(i), f4(1.0))
    u = min(col - f4(j), f4(1.0))
    top = image[i, j] + u * (image[i, j + 1] - image[i, j])
    bottom = image[i + 1, j] + u * (image[i + 1, j + 1] - image[i + 1, j])
    return top + v * (bottom - top)


@kernel(void(f4_2d, f4_1d, f4_1d, f4_1d, f4_1d, f4_1d))
def sample_with_gradient(
    image: Array, rows: Array, cols: Array, value: Array, row_gradient: Array, col_gradient: Array
) -> None:
    """Sample values and gradients of the bilinear interpolant.

    The gradient is the central difference over one pixel, half a pixel either way: smooth where the interpolant
    itself has kinks.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W), at least 2 x 2
    rows, cols : ndarray of float32, shape (N,)
        Positions in pixels; beyond the image its edge repeats.
    value, row_gradient, col_gradient : ndarray of float32, shape (N,)
        Receive the samples, and their change per pixel along rows and columns.
    """
    half = f4(0.5)
    for i in range(rows.shape[0]):
        row, col = rows[i], cols[i]
        value[i] = bilinear(image, row, col)
        row_gradient[i] = bilinear(image, row + half, col) - bilinear(image, row - half, col)
        col_gradient[i] = bilinear(image, row, col + half) - bilinear(image, row, col - half)
