"""Slow, obvious twins of kernels/liveness.py, for the tests to compare with."""

import math

import numpy as np
from scipy import ndimage


def details(image):
    """Second differences along rows and columns, by convolution."""
    step = np.array([1.0, -2.0, 1.0])
    return ndimage.convolve(np.asarray(image, np.float64), np.outer(step, step))[1:-1, 1:-1]


def detail_sums(images):
    """What `add_detail` has summed after these images."""
    found = np.array([details(image) for image in images])
    now, last, last_but_one = found[2:], found[1:-1], found[:-2]
    return np.array(
        [
            now.sum(axis=0),
            np.square(now).sum(axis=0),
            np.square(now - last).sum(axis=0),
            np.square(now - last_but_one).sum(axis=0),
            (now != last_but_one).sum(axis=0),
        ]
    )


def noise_shares(noise, nearest, usual):
    """Share and covariance of the last noise (T, N) with each earlier one, the nearest first, from equal signs."""
    now, shares, covariances = np.abs(noise[-1]).mean(), [], []
    for other in noise[::-1][nearest:]:
        correlation = math.sin(math.pi * (np.mean((noise[-1] > 0) == (other > 0)) - 0.5))
        amplitude = np.abs(other).mean()
        shares.append(correlation * now * min(amplitude, usual) / usual**2)
        covariances.append(correlation * now * amplitude)
    return shares, covariances
