"""Slow, obvious twins of kernels/interpolation.py, for the tests to compare with."""

import numpy as np
from scipy import ndimage


def bilinear_samples(image, rows, cols):
    """Linear interpolation at positions that were moved to the edge of the image if beyond it."""
    places = [np.clip(np.nan_to_num(at), 0.0, end - 1.0) for at, end in zip((rows, cols), image.shape, strict=True)]
    return ndimage.map_coordinates(image.astype(np.float64), np.array(places, np.float64), order=1, mode="nearest")


def bilinear_gradients(image, rows, cols):
    """Differences of samples half a pixel either way, along rows and along columns."""
    return np.stack(
        [
            bilinear_samples(image, rows + 0.5, cols) - bilinear_samples(image, rows - 0.5, cols),
            bilinear_samples(image, rows, cols + 0.5) - bilinear_samples(image, rows, cols - 0.5),
        ]
    )
