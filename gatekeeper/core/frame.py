"""Frame: one image with its pixel size, plane and times, and the way between pixels and patient millimetres."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Plane:
    """Where an image lies in the patient, in DICOM LPS millimetres.

    Attributes
    ----------
    origin_mm : tuple of 3 floats
        Centre of pixel (0, 0).
    row_step, col_step : tuple of 3 floats
        Unit vectors along which the row index and the column index grow. Canonical sagittal images run
        superior to inferior along rows, (0, 0, -1), and anterior to posterior along columns, (0, 1, 0).
    """

    origin_mm: Vector = (0.0, 0.0, 0.0)
    row_step: Vector = (0.0, 0.0, -1.0)
    col_step: Vector = (0.0, 1.0, 0.0)

    def to_patient_mm(self, points_px: NDArray[np.float64], spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
        """Return LPS points (N, 3) in mm of pixel positions (N, 2) given as (row, col)."""
        steps = np.array([self.row_step, self.col_step]) * np.array(spacing_mm)[:, None]
        points_mm: NDArray[np.float64] = np.asarray(self.origin_mm) + np.asarray(points_px, dtype=np.float64) @ steps
        return points_mm

    def to_pixel(self, points_mm: NDArray[np.float64], spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
        """Return pixel positions (N, 2) as (row, col) of LPS points (N, 3) in mm, projected onto the plane."""
        steps = np.array([self.row_step, self.col_step]) / np.array(spacing_mm)[:, None]
        points_px: NDArray[np.float64] = (np.asarray(points_mm, np.float64) - np.asarray(self.origin_mm)) @ steps.T
        return points_px


class FrameStack(Protocol):
    """Images (T, H, W) of one size and type, each read when it is asked for; numpy arrays are such stacks too."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, H, W)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""

    def __len__(self) -> int:
        """Return T."""

    def __iter__(self) -> Iterator[Any]:
        """Go through the images (H, W) in order."""

    def __getitem__(self, key: Any, /) -> Any:
        """Return the image (H, W) at an index, or the stack of those at a slice."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One cine-MR frame in canonical orientation.

    Attributes
    ----------
    image : ndarray of float32, shape (H, W), C-contiguous
        Pixel values in the unit of the source; may hold NaN, which the gate answers with HOLD.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    sequence : int
        Number given by the source; grows by one from frame to frame.
    acquired_s, received_s : float
        Session time in seconds at which the image was acquired, and at which it arrived here.
    plane : Plane
        Where the image lies in the patient.
    skipped : int
        How many frames were left out just before this one on purpose, because this one was newer.
    """

    image: NDArray[np.float32]
    spacing_mm: tuple[float, float]
    sequence: int
    acquired_s: float
    received_s: float
    plane: Plane = Plane()
    skipped: int = 0
