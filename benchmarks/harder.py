"""Make recorded cases harder: with noise, at a lower frame rate, or in random order."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter

from replay.recording import Recording

NOISE_MM = 1.3
"""Correlation length of the noise, as standard deviation in mm: images are interpolated after acquisition."""
SEED = 1


def harder(recording: Recording, noise: float = 0.0, every: int = 1, shuffled: bool = False) -> Recording:
    """Return a case with the same truth that is harder to track.

    Parameters
    ----------
    recording : Recording
        The case.
    noise : float
        Standard deviation of the added Rician noise, as a share of the mean brightness of the brighter half of the
        first frame.
    every : int
        Keep one of this many frames.
    shuffled : bool
        Whether to shuffle the frames after the first, so that the target makes the largest possible jumps.

    Returns
    -------
    Recording
    """
    shown = kept(len(recording.frames), every, shuffled)
    frames = np.asarray(recording.frames)[shown]
    if noise:
        frames = _noisy(frames, noise, recording.spacing_mm, np.random.default_rng(SEED))
    labels = None if recording.labels is None else np.asarray(recording.labels)[shown]
    return replace(recording, frames=frames, times_s=recording.times_s[::every], labels=labels)


def kept(count: int, every: int = 1, shuffled: bool = False) -> np.ndarray:
    """Return which of `count` frames are kept, in the order in which they are shown."""
    shown = np.arange(0, count, every)
    if shuffled:
        shown[1:] = np.random.default_rng(SEED).permutation(shown[1:])
    return shown


def _noisy(frames: np.ndarray, share: float, spacing_mm: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Return the magnitude of frames (T, H, W) with noise on both channels, as float32."""
    first = frames[0]
    sd = share * float(first[first > np.median(first)].mean())
    out = np.empty(frames.shape, np.float32)
    for noisy, frame in zip(out, frames, strict=True):
        noisy[:] = rician(frame, sd, spacing_mm, rng)
    return out


def rician(frame: np.ndarray, sd: float, spacing_mm: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Return the magnitude of a frame (H, W) with noise of this standard deviation on both channels."""
    in_phase, in_quadrature = (
        gaussian_filter(rng.standard_normal(frame.shape), NOISE_MM / np.asarray(spacing_mm)) for _ in range(2)
    )
    return np.asarray(np.hypot(frame + sd * in_phase / in_phase.std(), sd * in_quadrature / in_quadrature.std()))
