"""Anatomy that is known everywhere: a random sum of waves, which can be drawn at any place without interpolation."""

from dataclasses import dataclass

import numpy as np

WAVES = 48


@dataclass(frozen=True)
class Scene:
    """Smooth random texture on a grid of pixels; `image` draws it as it looks after a displacement.

    Wavelengths reach from `finest_mm`, at least five pixels or the resolution of cine-MR, to eight times that.
    """

    shape: tuple = (120, 100)
    spacing_mm: tuple = (1.8, 1.8)
    seed: int = 0
    finest_mm: float = 12.0

    def image(self, shift_mm=(0.0, 0.0), stretch_si=0.0, about_mm=0.0, mean=500.0, contrast=150.0):
        """Return float32 (H, W): the anatomy moved down and right, and stretched along SI about a row in mm."""
        row_mm, col_mm = (np.arange(n) * step for n, step in zip(self.shape, self.spacing_mm, strict=True))
        row_mm = about_mm + (row_mm - shift_mm[0] - about_mm) / (1.0 + stretch_si)
        col_mm = col_mm - shift_mm[1]
        rng = np.random.default_rng(self.seed)
        finest_mm = max(self.finest_mm, 5.0 * max(self.spacing_mm))
        frequency = 2.0 * np.pi / (finest_mm * 8.0 ** rng.uniform(size=WAVES))
        angle = rng.uniform(0.0, np.pi, WAVES)
        phase = rng.uniform(0.0, 2.0 * np.pi, WAVES)
        # cos(a + b), summed over the waves, is a product of matrices.
        down = np.outer(row_mm, frequency * np.cos(angle)) + phase
        right = np.outer(col_mm, frequency * np.sin(angle))
        texture = np.cos(down) @ np.cos(right).T - np.sin(down) @ np.sin(right).T
        return (mean + contrast * texture / np.sqrt(0.5 * WAVES)).astype(np.float32)

    def disc(self, center_px=None, radius_mm=14.0):
        """Return a bool mask (H, W): a disc in mm, in the middle of the image unless said otherwise."""
        center = np.subtract(self.shape, 1) / 2 if center_px is None else center_px
        row, col = np.indices(self.shape)
        down_mm = (row - center[0]) * self.spacing_mm[0]
        right_mm = (col - center[1]) * self.spacing_mm[1]
        return down_mm**2 + right_mm**2 <= radius_mm**2
