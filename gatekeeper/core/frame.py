"""Define a frame, its plane in the patient, and the conversion between pixels and patient coordinates."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Plane:
    """Position of an image in the patient, in DICOM LPS coordinates.

    Attributes
    ----------
    origin_mm : tuple of 3 floats
        Centre of pixel (0, 0), in mm.
    row_step, col_step : tuple of 3 floats
        Unit vectors along which the row index and the column index grow. Canonical sagittal images run
        superior to inferior along rows, (0, 0, -1), and anterior to posterior along columns, (0, 1, 0); coronal ones
        right to left along columns, (1, 0, 0); axial ones anterior to posterior along rows and right to left along
        columns.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import Plane
    >>> plane = Plane(origin_mm=(5.0, -100.0, 80.0))
    >>> plane.to_patient_mm(np.array([[10.0, 20.0]]), spacing_mm=(2.0, 2.0)).tolist()
    [[5.0, -60.0, 60.0]]
    """

    origin_mm: Vector = (0.0, 0.0, 0.0)
    row_step: Vector = (0.0, 0.0, -1.0)
    col_step: Vector = (0.0, 1.0, 0.0)

    def to_patient_mm(self, points_px: NDArray[np.float64], spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
        """Convert pixel positions to patient coordinates.

        Parameters
        ----------
        points_px : ndarray of float64, shape (N, 2)
            Points as (row, col).
        spacing_mm : tuple of float
            Distance of pixel centres along rows and columns, in mm.

        Returns
        -------
        ndarray of float64, shape (N, 3)
            Points in LPS coordinates, in mm.
        """
        steps = np.array([self.row_step, self.col_step]) * np.array(spacing_mm)[:, None]
        points_mm: NDArray[np.float64] = np.asarray(self.origin_mm) + np.asarray(points_px, dtype=np.float64) @ steps
        return points_mm

    def to_pixel(self, points_mm: NDArray[np.float64], spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
        """Convert patient coordinates to pixel positions, projected onto the plane.

        Parameters
        ----------
        points_mm : ndarray of float64, shape (N, 3)
            Points in LPS coordinates, in mm.
        spacing_mm : tuple of float
            Distance of pixel centres along rows and columns, in mm.

        Returns
        -------
        ndarray of float64, shape (N, 2)
            Points as (row, col).
        """
        steps = np.array([self.row_step, self.col_step]) / np.array(spacing_mm)[:, None]
        points_px: NDArray[np.float64] = (np.asarray(points_mm, np.float64) - np.asarray(self.origin_mm)) @ steps.T
        return points_px


class FrameStack(Protocol):
    """A sequence of images (T, H, W) of one size and type that may be read on demand; numpy arrays conform."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, H, W)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""

    def __len__(self) -> int:
        """Return T."""

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the images (H, W) in order."""

    def __getitem__(self, key: Any, /) -> Any:
        """Return the image (H, W) at an index, or a stack for a slice."""


SEQUENCE_BREAK = 1_000
"""Gap in the numbers of a session where its device's numbers began anew; larger than any allowed `missing_frames`."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One cine-MR frame in canonical orientation.

    Attributes
    ----------
    image : ndarray of float32, shape (H, W), C-contiguous
        Pixel values in the unit of the source. The gate holds the beam when they contain NaN.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    sequence : int
        Number given by the source; grows by one from frame to frame.
    acquired_s, received_s : float
        Session time of acquisition and of arrival, in seconds.
    plane : Plane
        Position of the image in the patient.
    skipped : int
        Number of images that the source left out just before this one: older ones, and those of other planes or kinds.
    connection : int
        Which of the session's connections the frame came from, counted from 1; 0 when it came from none.
    stamp_s : float
        What the sender's own clock showed at acquisition, in seconds; NaN without such a clock.
    aside : int
        How many of the images left out were of other planes or kinds than the session's.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import Frame
    >>> image = np.zeros((128, 128), np.float32)
    >>> frame = Frame(image, (2.0, 2.0), sequence=7, acquired_s=1.75, received_s=1.85)
    >>> frame.plane.row_step
    (0.0, 0.0, -1.0)
    """

    image: NDArray[np.float32]
    spacing_mm: tuple[float, float]
    sequence: int
    acquired_s: float
    received_s: float
    plane: Plane = Plane()
    skipped: int = 0
    connection: int = 0
    stamp_s: float = math.nan
    aside: int = 0
