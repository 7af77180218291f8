"""Define the raster on which anatomy is drawn, with points independent of the image's pixels."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PITCH_MM = 0.8
HALF_SCENE = (265, 190)
"""Half of the scene's extent along rows and columns, in raster points."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """A rectangle of raster points; point (0, 0) is the middle of the liver at end-exhale.

    Attributes
    ----------
    first : tuple of int
        Raster point of the first row and column.
    shape : tuple of int
        Number of rows and columns.
    """

    first: tuple[int, int]
    shape: tuple[int, int]

    @classmethod
    def covering(cls, low_mm: tuple[float, float], high_mm: tuple[float, float]) -> Self:
        """Return the rectangle between two corners in mm, cut off at the end of the scene."""
        first = []
        shape = []
        for low, high, half in zip(low_mm, high_mm, HALF_SCENE, strict=True):
            begin = max(int(np.floor(low / PITCH_MM)), -half)
            end = min(int(np.ceil(high / PITCH_MM)), half)
            first.append(begin)
            shape.append(end - begin + 1)
        return cls((first[0], first[1]), (shape[0], shape[1]))

    def grown(self, rows_mm: float, cols_mm: float) -> Self:
        """Return this rectangle grown by margins in mm on all sides, cut off at the end of the scene."""
        low_mm = (self.rows_mm[0] - rows_mm, self.cols_mm[0] - cols_mm)
        return self.covering(low_mm, (self.rows_mm[-1] + rows_mm, self.cols_mm[-1] + cols_mm))

    @property
    def rows_mm(self) -> Array:
        """Positions of the rows, in mm inferior of the scene's middle, shape (H,)."""
        return PITCH_MM * (self.first[0] + np.arange(self.shape[0], dtype=np.float64))

    @property
    def cols_mm(self) -> Array:
        """Positions of the columns, in mm posterior of the scene's middle, shape (W,)."""
        return PITCH_MM * (self.first[1] + np.arange(self.shape[1], dtype=np.float64))

    def crop(self, scene: Array) -> Array:
        """Return this rectangle's part of an array that covers the complete scene."""
        top, left = self.first[0] + HALF_SCENE[0], self.first[1] + HALF_SCENE[1]
        return scene[top : top + self.shape[0], left : left + self.shape[1]]


def texture(random: np.random.Generator, scale_mm: float) -> Array:
    """Return a random field over the scene: white noise smoothed by a Gaussian of `scale_mm`, scaled to variance 1."""
    sigma = scale_mm / PITCH_MM
    white = random.standard_normal((2 * HALF_SCENE[0] + 1, 2 * HALF_SCENE[1] + 1), dtype=np.float32)
    smooth = cv2.GaussianBlur(white, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(smooth * (2.0 * np.sqrt(np.pi) * sigma), dtype=np.float64)
