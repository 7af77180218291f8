"""Compute area, centroid and raster of a closed polygon, given as (row, col) points in either orientation."""

import math

import numpy as np
from numpy.typing import NDArray

from kernels.jit import b1, b1_2d, f4_2d, f8, f8_1d, f8_2d, f8_2d_in, i8, kernel, void

FARTHEST_PX = 1e7
"""Limit of coordinates; those beyond it are not measurable, like NaN and infinity."""

THINNEST_PX = 1e-12
"""Lower limit of the rows over which a slope is computed, so that no slope is infinite."""

FLATTEST = 1e-12
"""Area over squared extent below which a polygon has no area centroid."""


@kernel(b1(f8_2d_in))
def is_measurable(contour: NDArray[np.float64]) -> bool:
    """Return True when every coordinate of a contour (N, 2) is finite and within `FARTHEST_PX`."""
    good = True
    for i in range(contour.shape[0]):
        good &= abs(contour[i, 0]) <= FARTHEST_PX
        good &= abs(contour[i, 1]) <= FARTHEST_PX
    return good


@kernel(f8(f8_2d_in))
def signed_area(contour: NDArray[np.float64]) -> float:
    """Return the signed area by the shoelace formula, relative to the first point to avoid cancellation.

    Parameters
    ----------
    contour : ndarray of float64, shape (N, 2)
        Points as (row, col); fewer than three enclose no area.

    Returns
    -------
    float
        Area in px^2, positive when the points run from the row axis towards the column axis; NaN when a coordinate
        is not measurable.
    """
    if not is_measurable(contour):
        return math.nan
    doubled = 0.0
    for i in range(2, contour.shape[0]):
        row_a = contour[i - 1, 0] - contour[0, 0]
        col_a = contour[i - 1, 1] - contour[0, 1]
        row_b = contour[i, 0] - contour[0, 0]
        col_b = contour[i, 1] - contour[0, 1]
        doubled += row_a * col_b - col_a * row_b
    return 0.5 * doubled


@kernel(f8(f8_2d_in))
def area(contour: NDArray[np.float64]) -> float:
    """Return the area in px^2 of a simple polygon (N, 2); NaN when a coordinate is not measurable."""
    return abs(signed_area(contour))


@kernel(void(f8_2d_in, f8_1d))
def centroid(contour: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Compute the centroid of the enclosed area, or the mean of the points of a polygon without area.

    Parameters
    ----------
    contour : ndarray of float64, shape (N, 2)
        Points as (row, col).
    out : ndarray of float64, shape (2,)
        Receives (row, col); NaN when a coordinate is not measurable or there are no points.
    """
    n = contour.shape[0]
    out[0] = math.nan
    out[1] = math.nan
    if n == 0 or not is_measurable(contour):
        return
    sum_row = 0.0
    sum_col = 0.0
    for i in range(n):
        sum_row += contour[i, 0]
        sum_col += contour[i, 1]
    mean_row = sum_row / n
    mean_col = sum_col / n
    doubled = 0.0
    moment_row = 0.0
    moment_col = 0.0
    extent = 0.0
    for i in range(n):
        row_a = contour[i - 1, 0] - mean_row
        col_a = contour[i - 1, 1] - mean_col
        row_b = contour[i, 0] - mean_row
        col_b = contour[i, 1] - mean_col
        cross = row_a * col_b - col_a * row_b
        doubled += cross
        moment_row += (row_a + row_b) * cross
        moment_col += (col_a + col_b) * cross
        extent = max(extent, abs(row_a), abs(col_a))
    out[0] = mean_row
    out[1] = mean_col
    if abs(doubled) > FLATTEST * extent * extent:
        out[0] += moment_row / (3.0 * doubled)
        out[1] += moment_col / (3.0 * doubled)


@kernel(void(f8_2d_in, f8, f8, f8, f8_2d))
def widen(contour: NDArray[np.float64], by_mm: float, row_mm: float, col_mm: float, out: NDArray[np.float64]) -> None:
    """Move each point of a polygon outwards, at right angles to the line through its neighbours.

    Parameters
    ----------
    contour : ndarray of float64, shape (N, 2)
        Points as (row, col), in either orientation.
    by_mm : float
        Distance in mm; below 0 to move them inwards.
    row_mm, col_mm : float
        Distance of pixel centres along rows and columns, in mm.
    out : ndarray of float64, shape (N, 2)
        Receives the moved points. One between two equal neighbours stays.
    """
    n = contour.shape[0]
    outwards_mm = by_mm if signed_area(contour) > 0.0 else -by_mm
    for i in range(n):
        before, after = contour[i - 1], contour[i + 1 - n]
        along_row = (after[0] - before[0]) * row_mm
        along_col = (after[1] - before[1]) * col_mm
        length_mm = math.hypot(along_row, along_col)
        out[i, 0] = contour[i, 0]
        out[i, 1] = contour[i, 1]
        # Written so that NaN moves the point to nowhere.
        if not length_mm <= 0.0:
            out[i, 0] -= outwards_mm * (-along_col) / (length_mm * row_mm)
            out[i, 1] -= outwards_mm * along_row / (length_mm * col_mm)


@kernel(i8(f8_2d_in, i8, i8))
def _first_touched(contour: NDArray[np.float64], axis: int, size: int) -> int:
    """Return the index of the first pixel along an image axis of `size` pixels that the polygon reaches."""
    low = math.inf
    for i in range(contour.shape[0]):
        low = min(low, contour[i, axis])
    return math.floor(min(max(low + 0.5, 0.0), float(size)))


@kernel(i8(f8_2d_in, i8, i8))
def _end_touched(contour: NDArray[np.float64], axis: int, size: int) -> int:
    """Return one past the index of the last pixel along an image axis that the polygon reaches."""
    high = -math.inf
    for i in range(contour.shape[0]):
        high = max(high, contour[i, axis])
    return math.ceil(min(max(high + 0.5, 0.0), float(size)))


@kernel(void(f8_2d_in, b1_2d))
def fill(contour: NDArray[np.float64], out: NDArray[np.bool_]) -> None:
    """Rasterise a polygon to the pixels whose centres lie inside it, by the even-odd rule.

    A centre exactly on an edge belongs to the side of growing columns, or of growing rows where the edge runs
    along a row; polygons that share an edge therefore never share or lose a pixel.

    Each edge flips, in every row it spans, the first pixel at or behind its crossing; the cumulative exclusive-or along
    the row is then the parity of the crossings.

    Parameters
    ----------
    contour : ndarray of float64, shape (N, 2)
        Points as (row, col); may reach beyond the image.
    out : ndarray of bool, shape (H, W)
        Receives True inside the polygon, False elsewhere; False everywhere when a coordinate is not measurable.
    """
    out[:, :] = False
    if contour.shape[0] < 3 or not is_measurable(contour):
        return
    first_row = _first_touched(contour, 0, out.shape[0])
    end_row = _end_touched(contour, 0, out.shape[0])
    first_col = _first_touched(contour, 1, out.shape[1])
    end_col = _end_touched(contour, 1, out.shape[1])
    for i in range(contour.shape[0]):
        # From the upper end to the lower, so that two polygons with a common edge get the same crossings.
        top, low = (i - 1, i) if contour[i - 1, 0] < contour[i, 0] else (i, i - 1)
        row_top = contour[top, 0]
        col_top = contour[top, 1]
        begin = math.ceil(max(row_top, 0.0))
        end = math.ceil(min(contour[low, 0], float(end_row)))
        if begin >= end:
            continue
        height = contour[low, 0] - row_top
        width = contour[low, 1] - col_top
        slope = width / max(height, THINNEST_PX)
        for row in range(begin, end):
            nearest = math.floor(col_top + (row - row_top) * slope + 0.5)
            # Compared without division, so that a centre exactly on the edge is found without rounding.
            behind = (nearest - col_top) * height >= (row - row_top) * width
            crossing = max(nearest if behind else nearest + 1, 0)
            if crossing < end_col:
                out[row, crossing] ^= True
    for row in range(first_row, end_row):
        inside = False
        for col in range(first_col, end_col):
            inside ^= out[row, col]
            out[row, col] = inside


@kernel(void(f4_2d, i8, i8, f8, f8, f8))
def _add_edge_piece(out: NDArray[np.float32], row: int, end_col: int, left: float, right: float, drop: float) -> None:
    """Add a piece of an edge in one row, from column `left` to `right`, whose signed height is `drop`."""
    if right <= 0.0:
        out[row, 0] += drop
        return
    if left < 0.0:
        out[row, 0] += drop * -left / (right - left)
    for col in range(int(max(left, 0.0)), int(min(right, end_col - 1.0)) + 1):
        near = max(left, float(col))
        far = min(right, col + 1.0)
        share = drop * (far - near) / (right - left) if right > left else drop
        mean = 0.5 * (near + far) - col
        out[row, col] += share * (1.0 - mean)
        if col + 1 < end_col:
            out[row, col + 1] += share * mean


@kernel(void(f8_2d_in, f4_2d))
def coverage(contour: NDArray[np.float64], out: NDArray[np.float32]) -> None:
    """Compute the share of each pixel's unit square that a polygon covers, exact to float32 rounding.

    Each piece of an edge inside one pixel adds to that pixel the area on its far side along the row, and to all
    pixels behind it its height, signed by its direction; the cumulative sum along the row is the coverage.
    This is the accumulation of signed areas that font rasterisers use (R. Levien, font-rs, 2016).

    Parameters
    ----------
    contour : ndarray of float64, shape (N, 2)
        Points as (row, col) of a simple polygon; may reach beyond the image.
    out : ndarray of float32, shape (H, W)
        Receives the coverage, 0-1; 0 everywhere when a coordinate is not measurable.
    """
    out[:, :] = 0.0
    if contour.shape[0] < 3 or not is_measurable(contour):
        return
    first_row = _first_touched(contour, 0, out.shape[0])
    end_row = _end_touched(contour, 0, out.shape[0])
    first_col = _first_touched(contour, 1, out.shape[1])
    end_col = _end_touched(contour, 1, out.shape[1])
    if first_col >= end_col:
        return
    for i in range(contour.shape[0]):
        downward = contour[i - 1, 0] < contour[i, 0]
        top, low = (i - 1, i) if downward else (i, i - 1)
        # Shifted so that the first pixel covers [0, 1) rather than [-0.5, 0.5).
        row_top = contour[top, 0] + 0.5
        col_top = contour[top, 1] + 0.5
        row_low = contour[low, 0] + 0.5
        slope = (contour[low, 1] + 0.5 - col_top) / max(row_low - row_top, THINNEST_PX)
        begin = int(max(row_top, 0.0))
        end = math.ceil(min(row_low, float(end_row)))
        for row in range(begin, end):
            row_a = max(row_top, float(row))
            row_b = min(row_low, row + 1.0)
            col_a = col_top + (row_a - row_top) * slope
            col_b = col_top + (row_b - row_top) * slope
            drop = row_b - row_a if downward else row_a - row_b
            _add_edge_piece(out, row, end_col, min(col_a, col_b), max(col_a, col_b), drop)
    for row in range(first_row, end_row):
        winding = 0.0
        for col in range(first_col, end_col):
            winding += out[row, col]
            out[row, col] = min(abs(winding), 1.0)
