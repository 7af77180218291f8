"""Lower the contrast of frames, raise their noise and change their gain, as a breath-hold or another coil load does."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from benchmarks.harder import rician

Array = NDArray[np.float64]
Frames = NDArray[np.generic]

LOCAL_MM = 12.0
"""Standard deviation of the smoothing that gives the local mean, around which contrast is lowered."""

NORMAL_SD = 0.6745
"""Median of the absolute value of a normal variable of standard deviation 1."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Image quality in the other state, relative to that of the recording.

    Attributes
    ----------
    contrast, noise, gain : float
        Factors of the contrast to the local mean, of the standard deviation of noise, and of all brightness.
    """

    contrast: float = 0.5
    noise: float = 3.0
    gain: float = 1.0


def degraded(
    frames: Frames, share: Array, qualities: list[Quality], spacing_mm: tuple[float, float], seed: int
) -> NDArray[np.float32]:
    """Return frames (T, H, W) of lower quality.

    Parameters
    ----------
    frames : ndarray of any real dtype, shape (T, H, W)
        The frames.
    share : ndarray of float64, shape (T,)
        How far each frame is in the other state, 0-1; frames of 0 are unchanged.
    qualities : list of T Quality
        What the other state is like on each frame.
    spacing_mm : tuple of float
        Pixel spacing.
    seed : int
        Seed of the noise.

    Returns
    -------
    ndarray of float32, shape (T, H, W)
        The noise is drawn frame by frame, so that a frame's noise does not depend on the others.
    """
    noise_sd = noise_of(frames)
    out = np.asarray(frames, dtype=np.float32).copy()
    for index in np.flatnonzero(share > 0.0):
        quality, part = qualities[index], float(share[index])
        frame = out[index].astype(np.float64)
        mean = gaussian_filter(frame, LOCAL_MM / np.asarray(spacing_mm), mode="nearest")
        contrast = 1.0 + part * (quality.contrast - 1.0)
        frame = mean + contrast * (frame - mean)
        # The noise that is there already was lowered with the contrast.
        added_sd = noise_sd * np.sqrt(max((1.0 + part * (quality.noise - 1.0)) ** 2 - contrast**2, 0.0))
        frame = rician(frame, added_sd, spacing_mm, np.random.default_rng((seed, int(index))))
        out[index] = (1.0 + part * (quality.gain - 1.0)) * frame
    return out


def noise_of(frames: Frames) -> float:
    """Return the standard deviation of the noise, from the differences of neighbouring frames.

    The median over pixels of tissue counts what changes everywhere, noise, and not what moves here and there.
    """
    first = np.asarray(frames[0], dtype=np.float64)
    tissue = first > np.median(first)
    found = []
    for before, after in pairwise(frames):
        difference = np.abs(np.asarray(after, dtype=np.float64) - before)[tissue]
        if difference.any():
            found.append(float(np.median(difference)) / (NORMAL_SD * np.sqrt(2.0)))
    # Frames between which little moves show the noise alone.
    return float(np.percentile(found, 10)) if found else 0.0
