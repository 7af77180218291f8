"""Slow, obvious twins of kernels/binning.py, for the tests to compare with."""

import numpy as np


def joined(image, factor):
    """Means over the whole blocks of an image."""
    rows, cols = image.shape[0] // factor, image.shape[1] // factor
    covered = image[: rows * factor, : cols * factor].astype(np.float64)
    return covered.reshape(rows, factor, cols, factor).mean(axis=(1, 3))
