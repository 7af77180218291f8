"""Measure how much a residual changed from one frame to the next."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4, f4_1d, kernel, void

Array = NDArray[np.float32]


@kernel(void(f4_1d, f4, f4_1d, f4_1d))
def take_change(residual: Array, scale: float, before: Array, change: Array) -> None:
    """Write the absolute changes of a residual, and keep it for the next frame.

    Parameters
    ----------
    residual : ndarray of float32, shape (N,)
        Residual of this frame.
    scale : float
        Factor to apply to it.
    before : ndarray of float32, shape (N,)
        Residual of the frame before, times its factor; receives that of this frame.
    change : ndarray of float32, shape (N,)
        Receives the absolute change of each point; NaN when a residual is not a number.
    """
    for i in range(residual.shape[0]):
        now = scale * residual[i]
        change[i] = abs(now - before[i])
        before[i] = now
