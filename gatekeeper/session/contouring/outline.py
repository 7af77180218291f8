"""Mask and envelope of an outline that an operator draws, the same for the web page and the gate.

The console's process must not import this module before a contour is drawn, because shapely takes long to load.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gatekeeper.config import EnvelopeConfig, build
from gatekeeper.core.contour import Role, Structure, checked_outline, mask_to_contour, pixel_outline
from gatekeeper.core.errors import TargetError
from gatekeeper.gating.zones import TargetZone, zones_for
from kernels.polygon import fill

NAME = "the target"
MOST_POINTS = 400
"""Largest number of points of a drawn outline."""
DECIMALS = 2
"""Decimals of a pixel to which points are rounded, as sent and stored."""
COARSEST_PX = (2.0, 1.0, 0.5, 0.25, 0.1, 0.05, 0.0)
"""Tolerances, in px, to which an outline may be simplified; the first at which the mask stays the same is used."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Mask and envelope of an outline on an image.

    Attributes
    ----------
    points_px : ndarray of float64, shape (N, 2)
        The outline as (row, col), to two decimals, read-only.
    mask : ndarray of bool, shape (H, W)
        Pixels whose centres lie inside.
    envelope_px : ndarray of float64, shape (M, 2)
        Contour of the envelope, as (row, col); empty for an organ at risk.
    area_mm2 : float
        Area of the mask, in mm2.
    """

    points_px: NDArray[np.float64]
    mask: NDArray[np.bool_]
    envelope_px: NDArray[np.float64]
    area_mm2: float


def points_of(values: object, called: str = NAME) -> NDArray[np.float64]:
    """Return the points (N, 2) of an outline, (row, col) in px, from JSON values.

    Raises
    ------
    TargetError
        When the value is not a list of 3 to 400 pairs of numbers.
    """
    if not isinstance(values, list) or not all(map(_is_pair, values)):
        raise TargetError(f"outline of {called}: give its points as [[row, column], ...] in px")
    if not 3 <= len(values) <= MOST_POINTS:
        raise TargetError(f"outline of {called}: has {len(values)} points; draw it with 3 to {MOST_POINTS}")
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:
        raise TargetError(f"outline of {called}: a coordinate is beyond any image; draw it again") from None


def margin_of(value: object, called: str = NAME) -> float:
    """Return a margin, in mm, from a JSON value.

    Raises
    ------
    ConfigError
        When it is outside the allowed range.
    """
    return build(EnvelopeConfig, {"margin_mm": value}, f"envelope of {called}").margin_mm


def region_of(
    points_px: NDArray[np.float64],
    margin_mm: float | None,
    shape: tuple[int, int],
    spacing_mm: tuple[float, float],
    called: str = NAME,
) -> Region:
    """Return mask and envelope of an outline on an image.

    Parameters
    ----------
    points_px : ndarray of float64, shape (N, 2)
        Closed outline as (row, col); the first point is not repeated.
    margin_mm : float or None
        Margin from target to envelope, in mm; None for an organ at risk.
    shape : tuple of int
        Rows and columns of the image.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    called : str
        Name of the structure in messages.

    Raises
    ------
    TargetError
        When the outline crosses itself, leaves the image, or is so thin that its pixels are not connected.
    ConfigError
        When the margin is outside the allowed range.
    """
    margin_mm = None if margin_mm is None else margin_of(margin_mm, called)
    points_px = np.round(points_px, DECIMALS) + 0.0
    highest_px = np.array(shape) - 0.5
    for number, (row, col) in enumerate(points_px, 1):
        if not (-0.5 <= row <= highest_px[0] and -0.5 <= col <= highest_px[1]):
            raise TargetError(
                f"outline of {called}: point {number} at row {row:g}, column {col:g} is not on the image of "
                f"{shape[0]} x {shape[1]} px; draw it there"
            )
    points_px = checked_outline(points_px, called)
    mask = _filled(points_px, shape)
    if not mask.any():
        raise TargetError(f"outline of {called}: encloses the centre of no pixel; draw it larger")
    contour_px = mask_to_contour(mask)
    if not np.array_equal(_filled(contour_px, shape), mask):
        raise TargetError(f"outline of {called}: is so thin in places that its pixels are not connected; draw it wider")
    envelope_px = np.empty((0, 2))
    if margin_mm is not None:
        (zone,) = zones_for([Structure("target", Role.TARGET, contour_px)], margin_mm, spacing_mm, shape)
        assert isinstance(zone, TargetZone)  # noqa: S101  (zones_for says so otherwise)
        envelope_px = zone.envelope.contour_px
    area_mm2 = float(np.count_nonzero(mask)) * spacing_mm[0] * spacing_mm[1]
    return Region(points_px, mask, envelope_px, area_mm2)


def outline_to_adjust(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return an outline (N, 2) of a mask's largest part, as (row, col) in px, with few points for an operator to drag.

    Unchanged, it reproduces that part exactly, unless this needs more points than are allowed.
    """
    contour_px = mask_to_contour(mask)
    part = _filled(contour_px, mask.shape)
    last_px = np.array(mask.shape) - 0.5
    simple_px = contour_px
    for outline_px, tolerance_px in itertools.product((contour_px, pixel_outline(part)), COARSEST_PX):
        coarse_px = shapely.get_coordinates(shapely.Polygon(outline_px).simplify(tolerance_px))[:-1]
        # At the edge of the image a smooth outline runs beyond it.
        simple_px = np.round(np.clip(coarse_px, -0.5, last_px), DECIMALS)
        if _is_simple(simple_px) and np.array_equal(_filled(simple_px, mask.shape), part):
            break
    few_px: NDArray[np.float64] = simple_px[:: math.ceil(len(simple_px) / MOST_POINTS)]
    return few_px


def _is_simple(points_px: NDArray[np.float64]) -> bool:
    return len(points_px) >= 3 and bool(shapely.Polygon(points_px).is_valid)


def _filled(contour_px: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.empty(shape, dtype=np.bool_)
    fill(np.ascontiguousarray(contour_px), mask)
    return mask


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(one) in (int, float) for one in value)
