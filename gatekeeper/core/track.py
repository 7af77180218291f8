"""Define the position of the target on one frame."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatekeeper.core.errors import InputError, TrackerError
from kernels.polygon import centroid, fill

Field = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Returns the displacement (N, 2) at points (N, 2) on the reference, both as (row, col) in mm."""


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
    field : callable, optional
        Returns the displacement at points on the reference, see `displacement_mm`; must not change after this frame.
        None from a tracker that measures no displacement besides the outline.
    error_mm : float, optional
        Expected error of the position, one standard deviation, in mm, which is held against an organ at risk: it is
        judged as if it were nearer to its zone. 0 where it is not told.
    spread_mm : float, optional
        Standard deviation of a target's position by the fit, in mm, by which a risk limit widens what it predicts. 0
        where it is not told.

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
    field: Field | None = None
    error_mm: float = 0.0
    spread_mm: float = 0.0

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

    def displacement_mm(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return how far the tissue at points on the reference has moved on this frame.

        It serves for landmarks, organs at risk, dose and motion vectors. At the points of the reference's outline it is
        the displacement of `contour_px`. It is computed when it is asked for, and stays the same when the tracker goes
        on to later frames, learns, or is given another reference.

        Parameters
        ----------
        points_mm : array_like, shape (N, 2)
            Points on the reference as (row, col) x spacing, in mm from the centre of pixel (0, 0), as `center_mm`.

        Returns
        -------
        ndarray of float64, shape (N, 2)
            Displacement from the reference to this frame along (rows, columns) of the image, in mm; rows run inferior
            and columns posterior. NaN where a point is further from the target than the image is compared
            (`TrackerConfig.context_mm`), as nothing was measured there, and where a coordinate is not finite. On a
            frame on which the target was lost it is the displacement of the outline that is given, the last sure one.

        Raises
        ------
        InputError
            When the points do not have the shape (N, 2).
        TrackerError
            When the tracker measures no displacement, or returns anything else than an array of that shape.

        Examples
        --------
        >>> import numpy as np
        >>> from gatekeeper import Tracker
        >>> rows, cols = np.mgrid[:96, :96]
        >>> image = np.sin(rows / 5.0) * np.cos(cols / 7.0) + 0.01 * rows
        >>> tracker = Tracker(image, np.hypot(rows - 48, cols - 48) < 8, (2.0, 2.0))
        >>> track = tracker.track(np.roll(image, 3, axis=0))
        >>> track.displacement_mm([(96.0, 96.0), (90.0, 104.0), (10.0, 10.0)]).round() + 0.0
        array([[ 6.,  0.],
               [ 6.,  0.],
               [nan, nan]])
        """
        try:
            points = np.array(points_mm, dtype=np.float64, order="C")
        except (TypeError, ValueError):
            points = np.empty(0)
        if points.ndim != 2 or points.shape[1] != 2:
            raise InputError(f"points: their shape is {points.shape}; give (N, 2) as (row, col) in mm")
        if self.field is None:
            raise TrackerError("track: its tracker measures no displacement besides the outline; use kind = template")
        moved_mm = np.asarray(self.field(points))
        if moved_mm.shape != points.shape or moved_mm.dtype.kind not in "iuf":
            raise TrackerError(
                f"track: its tracker gave a displacement of shape {moved_mm.shape}; give numbers as {points.shape}"
            )
        return moved_mm.astype(np.float64, copy=False)
