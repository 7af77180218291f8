"""Slow, obvious twins of kernels/pyramid.py, for the tests to compare with."""

import numpy as np


def block_means(image, row, col, factor, shape):
    """Means over the blocks of an image that was padded with its edge as far as they reach."""
    pad = abs(row) + abs(col) + factor * max(shape)
    padded = np.pad(image.astype(np.float64), pad, mode="edge")
    rows, cols = factor * shape[0], factor * shape[1]
    covered = padded[row + pad : row + pad + rows, col + pad : col + pad + cols]
    return covered.reshape(shape[0], factor, shape[1], factor).mean(axis=(1, 3))


def smoothed(image, share):
    """Convolution of an image that was padded with its edge."""
    line = np.array([share, 1.0 - 2.0 * share, share])
    padded = np.pad(image.astype(np.float64), 1, mode="edge")
    out = np.empty(image.shape)
    for i, j in np.ndindex(*image.shape):
        out[i, j] = (padded[i : i + 3, j : j + 3] * np.outer(line, line)).sum()
    return out
