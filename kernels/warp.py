"""Move a contour by a free-form deformation."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4_1d, f8, f8_1d, f8_2d, kernel, two_floats, void
from kernels.polygon import centroid

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


@kernel(two_floats(f8_2d, f8_2d, f4_1d, f8, f8, f8_1d))
def moved_outline(
    contour: Array, modes: Array, params: NDArray[np.float32], row_scale: float, col_scale: float, out: Array
) -> tuple[float, float]:
    """Write a moved contour and the parameters that moved it, and return the centroid of its area.

    Parameters
    ----------
    contour, modes : ndarray of float64
        See `warp_contour`.
    params : ndarray of float32, shape (2 K,)
        See there.
    row_scale, col_scale : float
        See there.
    out : ndarray of float64, shape (2 N + 2 K,)
        Receives the points of the moved contour, and then the parameters.

    Returns
    -------
    tuple of float
        (row, col) of the centroid in pixels, see `kernels.polygon.centroid`.
    """
    size = contour.size
    moved = out[:size].reshape(contour.shape)
    warp_contour(contour, modes, params, row_scale, col_scale, moved)
    # The place of the parameters serves the centroid first.
    centroid(moved, out[size:])
    row, col = out[size], out[size + 1]
    for k in range(params.size):
        out[size + k] = params[k]
    return row, col
