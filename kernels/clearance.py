"""Compute how far apart two closed polygons are, or how deep one reaches into the other."""

import math

import numpy as np
from numpy.typing import NDArray

from kernels.jit import b1, f8, f8_2d_in, kernel
from kernels.polygon import is_measurable


@kernel(b1(f8, f8, f8_2d_in))
def _is_inside(row: float, col: float, polygon: NDArray[np.float64]) -> bool:
    """Return True when a point lies inside a polygon (even-odd rule)."""
    inside = False
    for i in range(polygon.shape[0]):
        above_a, above_b = polygon[i - 1, 0] > row, polygon[i, 0] > row
        if above_a != above_b:
            share = (row - polygon[i - 1, 0]) / (polygon[i, 0] - polygon[i - 1, 0])
            if col < polygon[i - 1, 1] + share * (polygon[i, 1] - polygon[i - 1, 1]):
                inside = not inside
    return inside


@kernel(f8(f8, f8, f8_2d_in, f8, f8, f8))
def _squared_mm2(
    row: float, col: float, polygon: NDArray[np.float64], row_mm: float, col_mm: float, least_mm2: float
) -> float:
    """Return the squared distance of a point from the outline of a polygon, or `least_mm2` when that is smaller."""
    for i in range(polygon.shape[0]):
        edge_row = (polygon[i, 0] - polygon[i - 1, 0]) * row_mm
        edge_col = (polygon[i, 1] - polygon[i - 1, 1]) * col_mm
        to_row = (row - polygon[i - 1, 0]) * row_mm
        to_col = (col - polygon[i - 1, 1]) * col_mm
        length_mm2 = edge_row * edge_row + edge_col * edge_col
        along = 0.0
        if length_mm2 > 0.0:
            along = min(max((to_row * edge_row + to_col * edge_col) / length_mm2, 0.0), 1.0)
        gap_row, gap_col = to_row - along * edge_row, to_col - along * edge_col
        least_mm2 = min(least_mm2, gap_row * gap_row + gap_col * gap_col)
    return least_mm2


@kernel(f8(f8_2d_in, f8_2d_in, f8, f8))
def _depth_mm(points: NDArray[np.float64], polygon: NDArray[np.float64], row_mm: float, col_mm: float) -> float:
    """Return the largest distance from a polygon's outline of the points inside it; -1 when none is inside."""
    deepest_mm2 = -1.0
    for i in range(points.shape[0]):
        if _is_inside(points[i, 0], points[i, 1], polygon):
            squared_mm2 = _squared_mm2(points[i, 0], points[i, 1], polygon, row_mm, col_mm, math.inf)
            deepest_mm2 = max(deepest_mm2, squared_mm2)
    return math.sqrt(deepest_mm2) if deepest_mm2 >= 0.0 else -1.0


@kernel(f8(f8_2d_in, f8_2d_in, f8, f8))
def clearance(contour: NDArray[np.float64], zone: NDArray[np.float64], row_mm: float, col_mm: float) -> float:
    """Return the distance of a polygon from a zone in mm, negative where it reaches into it.

    Parameters
    ----------
    contour, zone : ndarray of float64, shape (N, 2)
        Closed polygons as (row, col).
    row_mm, col_mm : float
        Distance of pixel centres along rows and columns, in mm.

    Returns
    -------
    float
        Distance of the two outlines in mm. Where the polygon reaches into the zone, minus the largest distance of its
        points inside from the zone's outline, or of the zone's points from its outline when only those are inside. NaN
        when a coordinate is not measurable or a polygon has fewer than three points.
    """
    if contour.shape[0] < 3 or zone.shape[0] < 3 or not (is_measurable(contour) and is_measurable(zone)):
        return math.nan
    inside_mm = _depth_mm(contour, zone, row_mm, col_mm)
    if inside_mm < 0.0:
        inside_mm = _depth_mm(zone, contour, row_mm, col_mm)
    if inside_mm >= 0.0:
        return -inside_mm
    least_mm2 = math.inf
    for i in range(contour.shape[0]):
        least_mm2 = _squared_mm2(contour[i, 0], contour[i, 1], zone, row_mm, col_mm, least_mm2)
    for i in range(zone.shape[0]):
        least_mm2 = _squared_mm2(zone[i, 0], zone[i, 1], contour, row_mm, col_mm, least_mm2)
    return math.sqrt(least_mm2)
