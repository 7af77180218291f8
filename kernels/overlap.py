"""Compute the area of a contour outside an envelope, exactly, for any two closed polygons.

Each edge i has the sign s_i, +1 where it runs towards growing rows and -1 otherwise, and contributes s_i to all points
on its side of growing columns; the sum over all edges is the polygon's winding number w. The product of two winding
numbers, integrated over the plane, becomes a sum over pairs of edges i, j

    integral of w_a w_b  =  - sum over i, j of  s_i s_j  integral over their common rows of max(col_i - col_j, 0)

since the signs of the edges that a row crosses add up to zero. Every term is a trapezoid or a triangle and changes
continuously with the points, so that touching, identical, collinear and nested polygons need no special treatment.
"""

import math

import numpy as np
from numpy.typing import NDArray

from kernels.jit import f8, f8_2d, f8_2d_in, i8, i8_2d, kernel, two_floats, void
from kernels.polygon import THINNEST_PX, area, is_measurable, signed_area


@kernel(f8(f8_2d_in, i8))
def _upper(polygon: NDArray[np.float64], i: int) -> float:
    """Return the row at which edge `i`, from point i - 1 to point i, begins."""
    upper: float = min(polygon[i - 1, 0], polygon[i, 0])
    return upper


@kernel(i8(f8, f8, f8, i8))
def _band(row: float, first_row: float, bands_per_row: float, n_bands: int) -> int:
    """Return the index of the band of rows that contains `row`, or of the nearest band."""
    return int(min(max((row - first_row) * bands_per_row, 0.0), n_bands - 1.0))


@kernel(void(f8_2d_in, f8, f8, i8_2d))
def _sort_by_band(
    polygon: NDArray[np.float64], first_row: float, bands_per_row: float, scratch: NDArray[np.int64]
) -> None:
    """Sort the edges by the band in which they begin (counting sort).

    Afterwards scratch[1] holds the edges in the order of their bands, scratch[0] the end of each band in scratch[1],
    and scratch[2] the band of each edge, computed once so that counting and sorting cannot differ by rounding.
    """
    n = polygon.shape[0]
    scratch[0, :n] = 0
    for i in range(n):
        scratch[2, i] = _band(_upper(polygon, i), first_row, bands_per_row, n)
        scratch[0, scratch[2, i]] += 1
    begin = 0
    for k in range(n):
        count = scratch[0, k]
        scratch[0, k] = begin
        begin += count
    for i in range(n):
        k = scratch[2, i]
        scratch[1, scratch[0, k]] = i
        scratch[0, k] += 1


@kernel(f8(f8_2d_in, i8, f8_2d_in, i8))
def _pair(a: NDArray[np.float64], i: int, b: NDArray[np.float64], j: int) -> float:
    """Return s_i s_j times the integral of max(col_i - col_j, 0) over the rows that both edges span."""
    a_down = a[i - 1, 0] < a[i, 0]
    b_down = b[j - 1, 0] < b[j, 0]
    a_top, a_low = (i - 1, i) if a_down else (i, i - 1)
    b_top, b_low = (j - 1, j) if b_down else (j, j - 1)
    begin = max(a[a_top, 0], b[b_top, 0])
    end = min(a[a_low, 0], b[b_low, 0])
    if begin >= end:
        return 0.0
    a_slope = (a[a_low, 1] - a[a_top, 1]) / max(a[a_low, 0] - a[a_top, 0], THINNEST_PX)
    b_slope = (b[b_low, 1] - b[b_top, 1]) / max(b[b_low, 0] - b[b_top, 0], THINNEST_PX)
    ahead = a[a_top, 1] - b[b_top, 1]
    first = ahead + (begin - a[a_top, 0]) * a_slope - (begin - b[b_top, 0]) * b_slope
    last = ahead + (end - a[a_top, 0]) * a_slope - (end - b[b_top, 0]) * b_slope
    most = max(first, last)
    least = min(first, last)
    if most <= 0.0:
        return 0.0
    width = 0.5 * (first + last) if least >= 0.0 else 0.5 * most * most / (most - least)
    shared: float = (end - begin) * (width if a_down == b_down else -width)
    return shared


@kernel(f8(f8_2d_in, f8_2d_in, i8_2d))
def _common_winding(a: NDArray[np.float64], b: NDArray[np.float64], scratch: NDArray[np.int64]) -> float:
    """Return the integral of w_a w_b in px^2, from the pairs of edges that can have common rows."""
    n_bands = b.shape[0]
    first_row = math.inf
    last_row = -math.inf
    longest = 0.0
    for j in range(n_bands):
        first_row = min(first_row, b[j, 0])
        last_row = max(last_row, b[j, 0])
        longest = max(longest, abs(b[j, 0] - b[j - 1, 0]))
    bands_per_row = n_bands / max(last_row - first_row, THINNEST_PX)
    _sort_by_band(b, first_row, bands_per_row, scratch)
    total = 0.0
    for i in range(a.shape[0]):
        upper = _upper(a, i)
        lower = max(a[i - 1, 0], a[i, 0])
        if upper >= last_row or lower <= first_row:
            continue
        begin_band = _band(upper - longest, first_row, bands_per_row, n_bands)
        begin = scratch[0, begin_band - 1] if begin_band > 0 else 0
        end = scratch[0, _band(lower, first_row, bands_per_row, n_bands)]
        for k in range(begin, end):
            total -= _pair(a, i, b, scratch[1, k])
    return total


@kernel(f8(f8_2d_in, f8_2d_in, i8_2d))
def area_outside(contour: NDArray[np.float64], envelope: NDArray[np.float64], scratch: NDArray[np.int64]) -> float:
    """Return the area of a contour that lies outside an envelope.

    It is the integral of w^2 of the contour minus that of w times the envelope's w. For a contour that crosses itself
    the result is never too small: the first integral exceeds the area by at least what the folds take from the second.

    Parameters
    ----------
    contour : ndarray of float64, shape (N, 2)
        Points as (row, col), in either orientation.
    envelope : ndarray of float64, shape (M, 2)
        Points of a simple polygon as (row, col), in either orientation.
    scratch : ndarray of int64, shape (3, S)
        Scratch to sort edges in; S at least max(N, M).

    Returns
    -------
    float
        Area in px^2, from 0 to `area(contour)`; NaN when a coordinate is not measurable or S is too small.
    """
    if scratch.shape[0] < 3 or scratch.shape[1] < max(contour.shape[0], envelope.shape[0]):
        return math.nan
    if not (is_measurable(contour) and is_measurable(envelope)):
        return math.nan
    signed = signed_area(contour)
    common = _common_winding(contour, envelope, scratch)
    if signed * signed_area(envelope) < 0.0:
        common = -common
    outside = _common_winding(contour, contour, scratch) - common
    return min(max(outside, 0.0), abs(signed))


@kernel(two_floats(f8_2d_in, f8_2d_in, i8_2d))
def areas(
    contour: NDArray[np.float64], envelope: NDArray[np.float64], scratch: NDArray[np.int64]
) -> tuple[float, float]:
    """Return `area_outside` and the area of the contour, both in px^2."""
    return area_outside(contour, envelope, scratch), area(contour)


@kernel(f8(f8_2d_in, f8_2d_in, f8_2d_in, i8_2d, f8_2d))
def largest_area_outside(
    contour: NDArray[np.float64],
    envelope: NDArray[np.float64],
    shifts: NDArray[np.float64],
    scratch: NDArray[np.int64],
    moved: NDArray[np.float64],
) -> float:
    """Return the largest of the areas that lie outside an envelope when a contour is shifted, as `area_outside`.

    Parameters
    ----------
    contour : ndarray of float64, shape (N, 2)
        Points as (row, col), in either orientation.
    envelope : ndarray of float64, shape (M, 2)
        Points of a simple polygon as (row, col), in either orientation.
    shifts : ndarray of float64, shape (S, 2)
        Shifts of the contour along (rows, columns), in px.
    scratch : ndarray of int64, shape (3, R)
        Scratch to sort edges in; R at least max(N, M).
    moved : ndarray of float64, shape (M, 2)
        Scratch.

    Returns
    -------
    float
        Area in px^2; NaN when a coordinate is not measurable or scratch is too small.
    """
    if scratch.shape[0] < 3 or scratch.shape[1] < max(contour.shape[0], envelope.shape[0]):
        return math.nan
    if moved.shape[0] != envelope.shape[0] or not (is_measurable(contour) and is_measurable(envelope)):
        return math.nan
    signed = signed_area(contour)
    same_way = signed * signed_area(envelope) >= 0.0
    own = _common_winding(contour, contour, scratch)
    largest = 0.0
    for k in range(shifts.shape[0]):
        for j in range(envelope.shape[0]):
            moved[j, 0] = envelope[j, 0] - shifts[k, 0]
            moved[j, 1] = envelope[j, 1] - shifts[k, 1]
        if not is_measurable(moved):
            return math.nan
        common = _common_winding(contour, moved, scratch)
        largest = max(largest, own - (common if same_way else -common))
    return min(largest, abs(signed))
