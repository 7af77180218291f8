"""Measure how much a residual changed from one frame to the next."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f4, f4_1d, f8, kernel

Array = NDArray[np.float32]


@kernel(f8(f4_1d, f4, f4_1d, f4_1d))
def mean_change(residual: Array, scale: float, before: Array, weight: Array) -> float:
    """Return the weighted sum of the absolute changes of a residual, and keep it for the next frame.

    Parameters
    ----------
    residual : ndarray of float32, shape (N,)
        Residual of this frame.
    scale : float
        Factor to apply to it.
    before : ndarray of float32, shape (N,)
        Residual of the frame before, times its factor; receives that of this frame.
    weight : ndarray of float32, shape (N,)
        Weight of each point.

    Returns
    -------
    float
        The sum; NaN when a residual is not a number.
    """
    total = f4(0.0)
    for i in range(residual.shape[0]):
        now = scale * residual[i]
        total += abs(now - before[i]) * weight[i]
        before[i] = now
    return f8(total)
