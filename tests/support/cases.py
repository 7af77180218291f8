"""Make a breathing case: textured tissue that moves up and down, with a disc of it as the target."""

import numpy as np
from scipy import ndimage

from replay.recording import Recording
from tests.support.recordings import disc

SHAPE = (72, 60)
SPACING_MM = (2.0, 2.0)


def breathing_case(frames=24, amplitude_px=6.0, name="P_001", rate_hz=4.0):
    """Return a recording whose target rests in one half of each breath and leaves its place in the other."""
    tissue = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=SHAPE), 2.0)
    tissue = 500.0 + 200.0 * tissue / tissue.std()
    times_s = np.arange(frames) / rate_hz
    moved_px = amplitude_px * np.sin(np.pi * times_s / 3.0) ** 4
    # Noise of the scanner, so that no two frames have the same pixels even when nothing moves.
    noise = np.random.default_rng(4).normal(scale=2.0, size=(frames, *SHAPE))
    images = [
        ndimage.shift(tissue, (row, 0.0), order=1, mode="nearest") + noisy
        for row, noisy in zip(moved_px, noise, strict=True)
    ]
    labels = np.stack([disc(SHAPE, (30.0 + row, 30.0), 8.0) for row in moved_px])
    return Recording(
        name=name,
        frames=np.clip(images, 0.0, None).astype(np.uint16),
        spacing_mm=SPACING_MM,
        times_s=times_s,
        first_mask=labels[0],
        labels=labels,
        region="abdomen",
    )
