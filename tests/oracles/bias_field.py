"""Slow, obvious twins of kernels/bias_field.py, for the tests to compare with."""

import numpy as np


def flattened(factors, row, col, window):
    """Product of the window with the field, in which each pixel looks for its place, or the nearest there is."""
    out = window.astype(np.float64)
    for i, j in np.ndindex(*window.shape):
        out[i, j] *= factors[np.clip(row + i, 0, factors.shape[0] - 1), np.clip(col + j, 0, factors.shape[1] - 1)]
    return out
