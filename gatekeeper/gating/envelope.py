"""Define the envelope in which the target must stay, and measure the share of the target outside."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatekeeper.core.contour import checked_outline, grow
from gatekeeper.core.frame import Plane
from kernels.clearance import clearance
from kernels.overlap import area_outside, areas, largest_area_outside
from kernels.polygon import area

ROOM = 1024
"""Number of points up to which outlines are measured without allocating buffers."""
SMALLEST_PX2 = 1e-3
"""Area below which an outline cannot be measured, in px^2."""
ROUNDING_PERCENT = 1e-6
"""Shares below this are rounding errors and count as 0, so that a limit of 0 % can be met."""


class Envelope:
    """A boundary on one image grid.

    Parameters
    ----------
    contour_px : array_like, shape (M, 2)
        Closed outline as (row, col).
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm, of the grid that the outline was drawn on.
    shape : tuple of int, optional
        Rows and columns of that grid, which frames must have; by default the shape is not checked.
    plane : Plane, optional
        Position of that grid in the patient, which frames must have; by default the plane is not checked.

    Attributes
    ----------
    contour_px : ndarray of float64, shape (M, 2)
        The outline, read-only.
    spacing_mm, shape, plane
        As given.

    Raises
    ------
    TargetError
        When the outline encloses no area, crosses itself or has a coordinate that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import Envelope
    >>> target = np.array([[10.0, 10.0], [10.0, 30.0], [30.0, 30.0], [30.0, 10.0]])
    >>> envelope = Envelope.around(target, margin_mm=5.0, spacing_mm=(2.0, 2.0))
    >>> envelope.outside_percent(target)
    0.0
    >>> round(envelope.outside_percent(target + [5.0, 0.0]), 1)
    12.5
    """

    def __init__(
        self,
        contour_px: ArrayLike,
        spacing_mm: tuple[float, float],
        shape: tuple[int, int] | None = None,
        plane: Plane | None = None,
    ) -> None:
        self.contour_px = checked_outline(contour_px, "the envelope")
        self.spacing_mm = spacing_mm
        self.shape = shape
        self.plane = plane
        self._area_px2 = area(self.contour_px)
        self._scratch = _scratch(max(ROOM, len(self.contour_px)))
        self._moved_px = np.empty_like(self.contour_px)

    @classmethod
    def around(
        cls,
        contour_px: NDArray[np.float64],
        margin_mm: float,
        spacing_mm: tuple[float, float],
        shape: tuple[int, int] | None = None,
        plane: Plane | None = None,
    ) -> "Envelope":
        """Return the envelope with an isotropic margin around a target's outline.

        Parameters
        ----------
        contour_px : ndarray of float64, shape (N, 2)
            The target's closed outline as (row, col).
        margin_mm : float
            Distance from the outline to the envelope, in mm.
        spacing_mm : tuple of float
            Distance of pixel centres along rows and columns, in mm.
        shape : tuple of int, optional
            Rows and columns of the image.
        plane : Plane, optional
            Position of the image in the patient.

        Returns
        -------
        Envelope
            On the given grid.

        Raises
        ------
        TargetError
            When the outline, the margin or the spacing cannot be used.
        """
        return cls(grow(contour_px, margin_mm, spacing_mm), spacing_mm, shape, plane)

    def moved(self, shift_mm: tuple[float, float]) -> "Envelope":
        """Return the envelope moved along (rows, columns) by a distance in mm, on the same grid."""
        shift_px = np.divide(shift_mm, self.spacing_mm)
        return Envelope(self.contour_px + shift_px, self.spacing_mm, self.shape, self.plane)

    def outside_percent(self, contour_px: NDArray[np.float64]) -> float:
        """Return the share of a target's area that is outside.

        Parameters
        ----------
        contour_px : ndarray of float64, shape (N, 2)
            The target's closed outline as (row, col).

        Returns
        -------
        float
            Share in percent, 0-100; NaN when a coordinate is not finite or the outline encloses no area.
        """
        return self._outside(contour_px)[0]

    def largest_outside_percent(self, contour_px: NDArray[np.float64], shifts_mm: NDArray[np.float64]) -> float:
        """Return the largest share of a target's area that is outside when the target is shifted.

        Parameters
        ----------
        contour_px : ndarray of float64, shape (N, 2)
            The target's closed outline as (row, col).
        shifts_mm : ndarray of float64, shape (S, 2)
            Shifts along (rows, columns), in mm.

        Returns
        -------
        float
            Share in percent, 0-100; NaN when a coordinate is not finite or the outline encloses no area.
        """
        contour, enclosed_px2 = _measurable(contour_px)
        if contour is None:
            return math.nan
        room, shifts_px = self._room_for(contour), shifts_mm / self.spacing_mm
        area_px2 = largest_area_outside(contour, self.contour_px, shifts_px, room, self._moved_px)
        percent = 100.0 * (area_px2 / enclosed_px2)
        return 0.0 if percent < ROUNDING_PERCENT else percent

    def inside(self, contour_px: NDArray[np.float64]) -> tuple[float, float]:
        """Return the share and the area of a structure inside.

        Where an outline crosses itself, folds count twice, so that the result is never too small.

        Parameters
        ----------
        contour_px : ndarray of float64, shape (N, 2)
            The structure's closed outline as (row, col).

        Returns
        -------
        percent : float
            Share of the structure's area inside, 0 or more; NaN when it cannot be measured.
        area_mm2 : float
            Area inside in mm^2, 0 or more; NaN when it cannot be measured.
        """
        contour, enclosed_px2 = _measurable(contour_px)
        if contour is None:
            return math.nan, math.nan
        # The common area is that of the envelope minus its part outside the structure.
        common_px2 = self._area_px2 - area_outside(self.contour_px, contour, self._room_for(contour))
        percent = 100.0 * (common_px2 / enclosed_px2)
        if percent < ROUNDING_PERCENT:
            return 0.0, 0.0
        return percent, common_px2 * self.spacing_mm[0] * self.spacing_mm[1]

    def outside(self, contour_px: NDArray[np.float64]) -> tuple[float, float]:
        """Return the share and the area of a structure outside, as `inside` does for what is inside.

        Parameters
        ----------
        contour_px : ndarray of float64, shape (N, 2)
            The structure's closed outline as (row, col).

        Returns
        -------
        percent, area_mm2 : float
            In percent of the structure's area, and in mm^2; NaN when it cannot be measured.
        """
        percent, enclosed_px2 = self._outside(contour_px)
        return percent, 0.01 * percent * enclosed_px2 * self.spacing_mm[0] * self.spacing_mm[1]

    def clearance_mm(self, contour_px: ArrayLike) -> float:
        """Return the distance of an outline from the envelope in mm, negative where it reaches into it.

        Parameters
        ----------
        contour_px : array_like, shape (N, 2)
            The structure's closed outline as (row, col).

        Returns
        -------
        float
            See `kernels.clearance`; NaN when it cannot be measured.
        """
        contour, _ = _measurable(contour_px)
        return math.nan if contour is None else float(clearance(contour, self.contour_px, *self.spacing_mm))

    def _outside(self, contour_px: ArrayLike) -> tuple[float, float]:
        """Return the share of an outline's area that is outside in percent, and the area in px^2."""
        contour = _outline(contour_px)
        if contour is None:
            return math.nan, math.nan
        outside_px2, enclosed_px2 = areas(contour, self.contour_px, self._room_for(contour))
        if not enclosed_px2 >= SMALLEST_PX2:
            return math.nan, math.nan
        percent = 100.0 * (outside_px2 / enclosed_px2)
        return 0.0 if percent < ROUNDING_PERCENT else percent, enclosed_px2

    def _room_for(self, contour: NDArray[np.float64]) -> NDArray[np.int64]:
        return self._scratch if len(contour) <= self._scratch.shape[1] else _scratch(len(contour))


def _measurable(contour_px: ArrayLike) -> tuple[NDArray[np.float64] | None, float]:
    """Return an outline as the kernels take it, and its area in px^2; None when it cannot be measured."""
    contour = _outline(contour_px)
    enclosed_px2 = math.nan if contour is None else area(contour)
    return (contour, enclosed_px2) if enclosed_px2 >= SMALLEST_PX2 else (None, math.nan)


def _outline(contour_px: ArrayLike) -> NDArray[np.float64] | None:
    """Return an outline as the kernels take it; None when it is not an array (N, 2)."""
    contour = np.ascontiguousarray(contour_px, dtype=np.float64)
    return contour if contour.ndim == 2 and contour.shape[1] == 2 else None


def _scratch(points: int) -> NDArray[np.int64]:
    return np.empty((3, points), dtype=np.int64)
