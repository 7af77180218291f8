"""Correct a window of an image by a static multiplicative bias field."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4_2d, f4_2d_in, i8, kernel, void

Image = NDArray[np.float32]


@kernel(void(f4_2d_in, i8, i8, f4_2d))
def remove_bias_field(factors: Image, row: int, col: int, window: Image) -> None:
    """Multiply a window in place by the correction factors at its position.

    Parameters
    ----------
    factors : ndarray of float32, shape (H, W), at least 1 x 1
        Correction factor of each pixel; beyond the array its edge repeats.
    row, col : int
        Position of the window's first pixel on `factors`; may be negative or beyond the array.
    window : ndarray of float32, shape (h, w)
        Changed in place.
    """
    height, width = factors.shape
    rows, cols = window.shape
    first = min(max(-col, 0), cols)
    last = max(min(width - col, cols), first)
    for i in range(rows):
        source = factors[min(max(row + i, 0), height - 1)]
        for j in range(first):
            window[i, j] *= source[0]
        for j in range(first, last):
            window[i, j] *= source[col + j]
        for j in range(last, cols):
            window[i, j] *= source[width - 1]
