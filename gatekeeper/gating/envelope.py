"""Envelope: the boundary in which the target must stay, and how much of the target is outside of it."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatekeeper.structure import checked_outline, grow
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

    Attributes
    ----------
    contour_px : ndarray of float64, shape (M, 2)
        The outline, read-only.
    spacing_mm, shape
        As given.

    Raises
    ------
    TargetError
        When the outline encloses nothing, crosses itself or has a coordinate that is not finite.
    """

    def __init__(
        self, contour_px: ArrayLike, spacing_mm: tuple[float, float], shape: tuple[int, int] | None = None
    ) -> None:
        self.contour_px = checked_outline(contour_px, "the envelope")
        self.spacing_mm = spacing_mm
        self.shape = shape
        self._scratch = _scratch(max(ROOM, len(self.contour_px)))

    @classmethod
    def around(
        cls,
        contour_px: NDArray[np.float64],
        margin_mm: float,
        spacing_mm: tuple[float, float],
        shape: tuple[int, int] | None = None,
    ) -> "Envelope":
        """Return the envelope that keeps `margin_mm` around a target's outline (N, 2) in all directions.

        Raises
        ------
        TargetError
            When the outline, the margin or the spacing cannot be used.
        """
        return cls(grow(contour_px, margin_mm, spacing_mm), spacing_mm, shape)

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
        contour = np.ascontiguousarray(contour_px, dtype=np.float64)
        if contour.ndim != 2 or contour.shape[1] != 2:
            return math.nan
        enclosed_px2 = area(contour)
        if not enclosed_px2 >= SMALLEST_PX2:
            return math.nan
        scratch = self._scratch if len(contour) <= self._scratch.shape[1] else _scratch(len(contour))
        percent = 100.0 * (area_outside(contour, self.contour_px, scratch) / enclosed_px2)
        return 0.0 if percent < ROUNDING_PERCENT else percent


def _scratch(points: int) -> NDArray[np.int64]:
    return np.empty((3, points), dtype=np.int64)
