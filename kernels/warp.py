"""Move a contour by a free-form deformation."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4_1d, f8, f8_2d, kernel, void

Array = NDArray[np.float64]


@kernel(void(f8_2d, f8_2d, f4_1d, f8, f8, f8_2d))
def warp_contour(
    contour: Array, modes: Array, params: NDArray[np.float32], row_scale: float, col_scale: float, out: Array
) -> None:
    """Fill `out` with the contour, its points moved by a weighted sum of displacement modes.

    Parameters
    ----------
    contour, out : ndarray of float64, shape (N, 2)
        Points as (row, col) in pixels.
    modes : ndarray of float64, shape (K, N)
        Displacement in mm at each point per unit of a parameter; the same for rows and columns.
    params : ndarray of float32, shape (2 K,)
        Weights of the modes along rows, then along columns.
    row_scale, col_scale : float
        Pixels per mm.
    """
    count = modes.shape[0]
    for i in range(contour.shape[0]):
        down = 0.0
        right = 0.0
        for k in range(count):
            down += params[k] * modes[k, i]
            right += params[count + k] * modes[k, i]
        out[i, 0] = contour[i, 0] + down * row_scale
        out[i, 1] = contour[i, 1] + right * col_scale
