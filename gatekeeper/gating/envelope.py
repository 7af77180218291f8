"""Envelope: the boundary in which the target must stay, and how much of the target is outside of it."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatekeeper.core.contour import checked_outline, grow
from gatekeeper.core.frame import Plane
from kernels.overlap import area_outside
from kernels.polygon import area

ROOM = 1024
"""Outlines of up to this many points are measured without making new buffers."""
SMALLEST_PX2 = 1e-3
"""A target that encloses less than this, in px^2, cannot be measured."""
ROUNDING_PERCENT = 1e-6
"""Less than this is arithmetic, not a target; it counts as nothing outside, also against a limit of 0 %."""


class Envelope:
    """A boundary on one image grid.

    Parameters
    ----------
    contour_px : array_like, shape (M, 2)
        Closed outline as (row, col).
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm, of the grid that the outline was drawn on.
    shape : tuple of int, optional
        Rows and columns of that grid; frames of another shape are invalid. Any shape will do when not given.
    plane : Plane, optional
        Where that grid lies in the patient; frames of another plane are invalid. Any plane will do when not given.

    Attributes
    ----------
    contour_px : ndarray of float64, shape (M, 2)
        The outline, read-only.
    spacing_mm, shape, plane
        As given.

    Raises
    ------
    TargetError
        When the outline encloses nothing, crosses itself or has a coordinate that is not finite.
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

    @classmethod
    def around(
        cls,
        contour_px: NDArray[np.float64],
        margin_mm: float,
        spacing_mm: tuple[float, float],
        shape: tuple[int, int] | None = None,
        plane: Plane | None = None,
    ) -> "Envelope":
        """Return the envelope that keeps `margin_mm` around a target's outline (N, 2) in all directions.

        Raises
        ------
        TargetError
            When the outline, the margin or the spacing cannot be used.
        """
        return cls(grow(contour_px, margin_mm, spacing_mm), spacing_mm, shape, plane)

    def moved(self, shift_mm: tuple[float, float]) -> "Envelope":
        """Return the same envelope moved along (rows, columns) by a distance in mm, on the same grid."""
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
            0-100; NaN when it cannot be measured: a coordinate that is not finite, or no area.
        """
        contour, enclosed_px2 = _measurable(contour_px)
        if contour is None:
            return math.nan
        percent = 100.0 * (area_outside(contour, self.contour_px, self._room_for(contour)) / enclosed_px2)
        return 0.0 if percent < ROUNDING_PERCENT else percent

    def inside(self, contour_px: NDArray[np.float64]) -> tuple[float, float]:
        """Return how much of a structure's area is inside.

        Where an outline folds over itself, the fold counts twice: the answer is never better than it is.

        Parameters
        ----------
        contour_px : ndarray of float64, shape (N, 2)
            The structure's closed outline as (row, col).

        Returns
        -------
        percent, area_mm2 : float
            0 or more; both NaN when they cannot be measured.
        """
        contour, enclosed_px2 = _measurable(contour_px)
        if contour is None:
            return math.nan, math.nan
        # What both have in common, as what is left of the envelope outside of the structure.
        common_px2 = self._area_px2 - area_outside(self.contour_px, contour, self._room_for(contour))
        percent = 100.0 * (common_px2 / enclosed_px2)
        if percent < ROUNDING_PERCENT:
            return 0.0, 0.0
        return percent, common_px2 * self.spacing_mm[0] * self.spacing_mm[1]

    def _room_for(self, contour: NDArray[np.float64]) -> NDArray[np.int64]:
        return self._scratch if len(contour) <= self._scratch.shape[1] else _scratch(len(contour))


def _measurable(contour_px: NDArray[np.float64]) -> tuple[NDArray[np.float64] | None, float]:
    """Return an outline as the kernels take it, and its area in px^2; None when it has none."""
    contour = np.ascontiguousarray(contour_px, dtype=np.float64)
    if contour.ndim != 2 or contour.shape[1] != 2:
        return None, math.nan
    enclosed_px2 = area(contour)
    return (contour, enclosed_px2) if enclosed_px2 >= SMALLEST_PX2 else (None, math.nan)


def _scratch(points: int) -> NDArray[np.int64]:
    return np.empty((3, points), dtype=np.int64)
