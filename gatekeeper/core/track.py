"""Track: where the target is on one frame, and how sure the tracker is of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.polygon import fill


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The target on one frame.

    Attributes
    ----------
    contour_px : ndarray of float64, shape (N, 2)
        Closed outline as (row, col); pixel centres lie on whole numbers; the last point is not the first again.
    center_mm : tuple of float
        Centroid of the outline's area as (row, col) x spacing, in mm.
    confidence : float
        0 (lost) to 1 (sure); 0 whenever the position should not be used.
    """

    contour_px: NDArray[np.float64]
    center_mm: tuple[float, float]
    confidence: float

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the target as a mask: True where the pixel's centre lies inside the outline.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the image.

        Returns
        -------
        ndarray of bool, shape `shape`
        """
        out = np.zeros(shape, dtype=np.bool_)
        fill(np.ascontiguousarray(self.contour_px), out)
        return out
