"""Solve linear systems with a positive definite matrix by Cholesky's decomposition, in place.

A system is an array of shape (N + R, N): the matrix, of which the lower half is used, and below it a right-hand side in
each row. `decompose`, then `forward` and `backward` on each right-hand side leave the solution there.
"""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f8_2d, i8, kernel, void

Array = NDArray[np.float64]


@kernel(void(f8_2d))
def decompose(system: Array) -> None:
    """Replace the lower half of the matrix by its Cholesky factor L; NaN where it is not positive definite.

    Parameters
    ----------
    system : ndarray of float64, shape (N + R, N)
        See above.
    """
    for a in range(system.shape[1]):
        for b in range(a + 1):
            rest = system[a, b]
            for k in range(b):
                rest -= system[a, k] * system[b, k]
            system[a, b] = np.sqrt(rest) if a == b else rest / system[b, b]


@kernel(void(f8_2d, i8))
def forward(system: Array, row: int) -> None:
    """Replace a right-hand side by the solution y of ``L y = right-hand side``, after `decompose`.

    Parameters
    ----------
    system : ndarray of float64, shape (N + R, N)
        See above.
    row : int
        Row of the right-hand side, N or more.
    """
    for a in range(system.shape[1]):
        rest = system[row, a]
        for k in range(a):
            rest -= system[a, k] * system[row, k]
        system[row, a] = rest / system[a, a]


@kernel(void(f8_2d, i8))
def backward(system: Array, row: int) -> None:
    """Replace y by the solution x of ``L.T x = y``, after `forward`.

    Parameters
    ----------
    system : ndarray of float64, shape (N + R, N)
        See above.
    row : int
        Row of y, N or more.
    """
    size = system.shape[1]
    for a in range(size - 1, -1, -1):
        rest = system[row, a]
        for k in range(a + 1, size):
            rest -= system[k, a] * system[row, k]
        system[row, a] = rest / system[a, a]
