"""Define the position of the target on one frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.polygon import centroid, fill


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Outline, centre and confidence of the target on one frame.

    Attributes
    ----------
    contour_px : ndarray of float64, shape (N, 2)
        Closed outline as (row, col); pixel centres lie on whole numbers; the last point is not the first again.
    center_mm : tuple of float
        Centroid of the outline's area as (row, col) x spacing, in mm.
    confidence : float
        0 (lost) to 1 (certain); 0 when the position must not be used.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import Track
    >>> square = np.array([[9.5, 9.5], [9.5, 19.5], [19.5, 19.5], [19.5, 9.5]])
    >>> track = Track(square, center_mm=(29.0, 29.0), confidence=0.9)
    >>> int(track.mask((64, 64)).sum())
    100
    """

    contour_px: NDArray[np.float64]
    center_mm: tuple[float, float]
    confidence: float

    @classmethod
    def of_contour(cls, contour_px: NDArray[np.float64], spacing_mm: tuple[float, float], confidence: float) -> "Track":
        """Return the track of an outline, with the centroid of its area as the centre.

        Parameters
        ----------
        contour_px : ndarray of float64, shape (N, 2)
            Closed outline as (row, col).
        spacing_mm : tuple of float
            Distance of pixel centres along rows and columns, in mm.
        confidence : float
            0 (lost) to 1 (sure).

        Returns
        -------
        Track
            The target on one frame.

        Examples
        --------
        >>> square = np.array([[1.0, 1.0], [1.0, 3.0], [3.0, 3.0], [3.0, 1.0]])
        >>> Track.of_contour(square, (2.0, 1.5), 0.9).center_mm
        (4.0, 3.0)
        """
        contour_px = np.array(contour_px, dtype=np.float64, order="C")
        center_px = np.empty(2)
        centroid(contour_px, center_px)
        row_mm, col_mm = (center_px * spacing_mm).tolist()
        return cls(contour_px, (row_mm, col_mm), float(confidence))

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the target as a mask.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the image.

        Returns
        -------
        ndarray of bool, shape `shape`
            True where the pixel's centre lies inside the outline.
        """
        out = np.zeros(shape, dtype=np.bool_)
        fill(np.ascontiguousarray(self.contour_px), out)
        return out
