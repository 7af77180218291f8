"""Make anatomy as a random sum of waves, which can be drawn at any position without interpolation."""

from dataclasses import dataclass

import numpy as np

from gatekeeper.core.contour import mask_to_contour
from gatekeeper.tracking.tracker import Tracker

WAVES = 48


@dataclass(frozen=True)
class Scene:
    """Smooth random texture on a grid of pixels; `image` draws it as it looks after a displacement.

    Wavelengths reach from `finest_mm`, at least five pixels, to eight times that.
    """

    shape: tuple = (120, 100)
    spacing_mm: tuple = (1.8, 1.8)
    seed: int = 0
    finest_mm: float = 10.0

    def image(self, moved_mm=(0.0, 0.0), stretch=0.0, about_mm=0.0):
        """Return float32 (H, W): the anatomy moved down and right, and before that stretched along rows about a row."""
        row_mm, col_mm = (np.arange(n) * step for n, step in zip(self.shape, self.spacing_mm, strict=True))
        row_mm = about_mm + (row_mm - moved_mm[0] - about_mm) / (1.0 + stretch)
        col_mm = col_mm - moved_mm[1]
        rng = np.random.default_rng(self.seed)
        finest_mm = max(self.finest_mm, 5.0 * max(self.spacing_mm))
        frequency = 2.0 * np.pi / (finest_mm * 8.0 ** rng.uniform(size=WAVES))
        angle = rng.uniform(0.0, np.pi, WAVES)
        phase = rng.uniform(0.0, 2.0 * np.pi, WAVES)
        # exp(i (a + b)), summed over all waves, is a product of matrices; einsum does it without a crowd of threads.
        down = np.exp(1j * (np.outer(row_mm, frequency * np.cos(angle)) + phase))
        right = np.exp(1j * np.outer(col_mm, frequency * np.sin(angle)))
        texture = np.einsum("rk,ck->rc", down.real, right.real) - np.einsum("rk,ck->rc", down.imag, right.imag)
        return (500.0 + 150.0 * texture / np.sqrt(0.5 * WAVES)).astype(np.float32)

    def disc(self, radius_mm=14.0, center_px=None):
        """Return a mask (H, W): a disc in mm, in the middle of the image unless said otherwise."""
        center = np.floor_divide(self.shape, 2) if center_px is None else center_px
        row, col = np.indices(self.shape)
        down_mm = (row - center[0]) * self.spacing_mm[0]
        right_mm = (col - center[1]) * self.spacing_mm[1]
        return down_mm**2 + right_mm**2 <= radius_mm**2

    def tracker(self, mask=None, config=None, image=None):
        """Return a tracker of the disc, or of `mask`, on the anatomy at rest, or on `image`."""
        reference = self.image() if image is None else image
        return Tracker(reference, self.disc() if mask is None else mask, self.spacing_mm, config)

    def moved_mm(self, track, mask=None):
        """Return how far the outline of the disc, or of `mask`, has moved in the mean, as (row, col) in mm."""
        outline_px = mask_to_contour(self.disc() if mask is None else mask)
        return (track.contour_px - outline_px).mean(axis=0) * self.spacing_mm


def is_finite(track):
    """Return whether nothing in a track is NaN or infinite, and its confidence is one."""
    return np.isfinite(track.contour_px).all() and np.isfinite(track.center_mm).all() and 0.0 <= track.confidence <= 1.0
