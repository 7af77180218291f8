"""The raster on which anatomy is drawn: always the same points of the scene, whatever the image's pixels are."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PITCH_MM = 0.8
HALF_SCENE = (265, 190)
"""The scene ends this many raster points from its middle, along rows and columns."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """A rectangle of raster points; point (0, 0) is the middle of the liver at end-exhale."""

    first: tuple[int, int]
    shape: tuple[int, int]

    @classmethod
    def covering(cls, low_mm: tuple[float, float], high_mm: tuple[float, float]) -> Self:
        """Return the part of the scene between two corners in mm."""
        first = []
        shape = []
        for low, high, half in zip(low_mm, high_mm, HALF_SCENE, strict=True):
            begin = max(int(np.floor(low / PITCH_MM)), -half)
            end = min(int(np.ceil(high / PITCH_MM)), half)
            first.append(begin)
            shape.append(end - begin + 1)
        return cls((first[0], first[1]), (shape[0], shape[1]))

    def grown(self, rows_mm: float, cols_mm: float) -> Self:
        """Return this rectangle with margins above and below, before and behind, as far as the scene goes."""
        low_mm = (self.rows_mm[0] - rows_mm, self.cols_mm[0] - cols_mm)
        return self.covering(low_mm, (self.rows_mm[-1] + rows_mm, self.cols_mm[-1] + cols_mm))

    @property
    def rows_mm(self) -> Array:
        """Where the rows lie, in mm inferior of the scene's middle, shape (H,)."""
        return PITCH_MM * (self.first[0] + np.arange(self.shape[0], dtype=np.float64))

    @property
    def cols_mm(self) -> Array:
        """Where the columns lie, in mm posterior of the scene's middle, shape (W,)."""
        return PITCH_MM * (self.first[1] + np.arange(self.shape[1], dtype=np.float64))

    def crop(self, scene: Array) -> Array:
        """Return this rectangle's part of an array that covers the whole scene."""
        top, left = self.first[0] + HALF_SCENE[0], self.first[1] + HALF_SCENE[1]
        return scene[top : top + self.shape[0], left : left + self.shape[1]]


def texture(random: np.random.Generator, scale_mm: float) -> Array:
    """Return a random field over the whole scene: white noise under a Gaussian of `scale_mm`, scaled to variance 1."""
    sigma = scale_mm / PITCH_MM
    white = random.standard_normal((2 * HALF_SCENE[0] + 1, 2 * HALF_SCENE[1] + 1), dtype=np.float32)
    smooth = cv2.GaussianBlur(white, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(smooth * (2.0 * np.sqrt(np.pi) * sigma), dtype=np.float64)
