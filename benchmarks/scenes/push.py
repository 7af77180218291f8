"""A smooth, invertible motion of the abdomen: liver down and along AP, turned and flattened, walls at rest.

A point goes through three maps, each of which has an inverse: a turn about the liver's middle whose angle falls to
zero away from it, a compression along the rows towards the middle, and a displacement along rows and columns.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SI_CORE_MM, SI_FALL_MM = 45.0, 40.0
"""Half width of the columns that move down as a whole, and width over which this falls to zero towards the walls."""

AP_CORE_MM, AP_FALL_MM = 40.0, 85.0
"""The same for displacement along columns; it compresses tissue before a wall, so it falls off slowly."""

LUNG_MM = 95.0
"""Length of the lung above the dome over which displacement along rows grows from zero."""

TURN_CORE_MM, TURN_FALL_MM = 60.0, 60.0
FLAT_CORE_MM, FLAT_FALL_MM = 60.0, 60.0
"""Extent of turn and compression around the middle: full within the core, zero beyond the fall."""

BISECTIONS = 44
LARGEST_MM = 150.0


@dataclass(frozen=True, slots=True)
class State:
    """How far the abdomen is moved, relative to the recording.

    Attributes
    ----------
    si_mm, ap_mm : float
        Displacement of the liver's middle, inferior and posterior positive.
    turn_deg : float
        Turn of the liver, from inferior towards posterior.
    flatten : float
        Share by which the liver is compressed along rows.
    """

    si_mm: float = 0.0
    ap_mm: float = 0.0
    turn_deg: float = 0.0
    flatten: float = 0.0

    def scaled(self, share: float) -> Self:
        """Return the state a share of the way from rest."""
        return type(self)(*(share * value for value in astuple(self)))


@dataclass(frozen=True, slots=True)
class Field:
    """The motion around a liver.

    Attributes
    ----------
    middle_mm : tuple of float
        Middle of the liver on the reference, as (row, col) in mm.
    dome_mm : float
        Row of the top of its dome, in mm.
    """

    middle_mm: tuple[float, float]
    dome_mm: float

    def forward(self, points_mm: Array, state: State) -> Array:
        """Return where points (..., 2) go, as (row, col) in mm."""
        points_mm = self._turned(points_mm, np.radians(state.turn_deg))
        row_mm, col_mm = points_mm[..., 0], points_mm[..., 1]
        row_mm = row_mm + self._compression(row_mm, col_mm, state)
        return np.stack([row_mm + self._descent(row_mm, col_mm, state), col_mm + self._advance(col_mm, state)], axis=-1)

    def backward(self, points_mm: Array, state: State) -> Array:
        """Return which points (..., 2) come to these places, the inverse of `forward`."""
        row_mm, col_mm = points_mm[..., 0], points_mm[..., 1]
        col_mm = _inverse(lambda col: self._advance(col, state), col_mm)
        row_mm = _inverse(lambda row: self._descent(row, col_mm, state), row_mm)
        row_mm = _inverse(lambda row: self._compression(row, col_mm, state), row_mm)
        return self._turned(np.stack([row_mm, col_mm], axis=-1), -np.radians(state.turn_deg))

    def determinant(self, points_mm: Array, state: State) -> Array:
        """Return the Jacobian determinant of `forward` at points (..., 2), by central differences of 0.01 mm."""
        columns = []
        for step_mm in np.eye(2) * 0.01:
            ahead, behind = self.forward(points_mm + step_mm, state), self.forward(points_mm - step_mm, state)
            columns.append((ahead - behind) / 0.02)
        down, right = columns
        return np.asarray(down[..., 0] * right[..., 1] - down[..., 1] * right[..., 0])

    def _turned(self, points_mm: Array, angle: float) -> Array:
        off_mm = points_mm - np.array(self.middle_mm)
        angle = angle * _plateau(np.linalg.norm(off_mm, axis=-1), TURN_CORE_MM, TURN_FALL_MM)
        row_mm, col_mm = off_mm[..., 0], off_mm[..., 1]
        down_mm = np.cos(angle) * row_mm - np.sin(angle) * col_mm
        back_mm = np.sin(angle) * row_mm + np.cos(angle) * col_mm
        return np.asarray(np.stack([down_mm, back_mm], axis=-1) + np.array(self.middle_mm))

    def _compression(self, row_mm: Array, col_mm: Array, state: State) -> Array:
        off_mm = row_mm - self.middle_mm[0]
        return -state.flatten * off_mm * _plateau(off_mm, FLAT_CORE_MM, FLAT_FALL_MM) * self._columns(col_mm)

    def _descent(self, row_mm: Array, col_mm: Array, state: State) -> Array:
        below_apex = _step((row_mm - self.dome_mm) / LUNG_MM + 1.0)
        return np.asarray(state.si_mm * below_apex * self._columns(col_mm))

    def _advance(self, col_mm: Array, state: State) -> Array:
        return state.ap_mm * _plateau(col_mm - self.middle_mm[1], AP_CORE_MM, AP_FALL_MM)

    def _columns(self, col_mm: Array) -> Array:
        return _plateau(col_mm - self.middle_mm[1], SI_CORE_MM, SI_FALL_MM)


def _step(part: Array) -> Array:
    """Return a step from 0 to 1 with two continuous derivatives."""
    part = np.clip(part, 0.0, 1.0)
    return np.asarray(part**3 * (10.0 - 15.0 * part + 6.0 * part**2))


def _plateau(away_mm: Array, core_mm: float, fall_mm: float) -> Array:
    """Return 1 within the core, falling to 0 beyond it."""
    return 1.0 - _step((np.abs(away_mm) - core_mm) / fall_mm)


def _inverse(moved: Callable[[Array], Array], at_mm: Array) -> Array:
    """Return x with x + moved(x) = at_mm, for an x + moved(x) that grows with x."""
    low_mm, high_mm = at_mm - LARGEST_MM, at_mm + LARGEST_MM
    for _ in range(BISECTIONS):
        half_mm = 0.5 * (low_mm + high_mm)
        is_below = half_mm + moved(half_mm) < at_mm
        low_mm, high_mm = np.where(is_below, half_mm, low_mm), np.where(is_below, high_mm, half_mm)
    return np.asarray(0.5 * (low_mm + high_mm))
