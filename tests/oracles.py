"""Slow, obvious twins of the kernels, for the tests to compare with."""

from fractions import Fraction
from itertools import pairwise

import numpy as np

# --- kernels/polygon.py ---------------------------------------------------------------------------------------


def edges(contour):
    points = [tuple(map(float, point)) for point in contour]
    return [(points[i - 1], points[i]) for i in range(len(points))]


def polygon_area(contour):
    """Sum of the signed areas of the triangles that the edges make with the origin."""
    return abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in edges(contour))) / 2


def polygon_centroid(contour):
    """Mean of the centroids of those triangles, weighted with their signed areas."""
    weights = [a[0] * b[1] - a[1] * b[0] for a, b in edges(contour)]
    centres = [((a[0] + b[0]) / 3, (a[1] + b[1]) / 3) for a, b in edges(contour)]
    return np.average(centres, axis=0, weights=weights)


def polygon_fill(contour, shape):
    """Odd number of edges at or before the pixel's centre in its row, in exact arithmetic."""
    exact = [[tuple(map(Fraction, point)) for point in edge] for edge in edges(contour)]

    def inside(row, col):
        odd = False
        for (row_a, col_a), (row_b, col_b) in exact:
            if (row_a <= row) != (row_b <= row):
                odd ^= col_a + (row - row_a) * (col_b - col_a) / (row_b - row_a) <= col
        return odd

    return np.array([[inside(row, col) for col in range(shape[1])] for row in range(shape[0])])


def polygon_coverage(contour, shape):
    """Area of the polygon clipped to each pixel's square (Sutherland and Hodgman)."""
    out = np.zeros(shape)
    for row, col in np.ndindex(*shape):
        points = [tuple(map(float, point)) for point in contour]
        for axis, limit, sign in ((0, row - 0.5, 1), (0, row + 0.5, -1), (1, col - 0.5, 1), (1, col + 0.5, -1)):
            points = _clip(points, axis, limit, sign)
        out[row, col] = polygon_area(np.array(points) - (row, col)) if points else 0.0
    return out


def _clip(points, axis, limit, sign):
    kept = []
    for i, b in enumerate(points):
        a = points[i - 1]
        a_in, b_in = sign * (a[axis] - limit) >= 0, sign * (b[axis] - limit) >= 0
        if a_in != b_in:
            t = (limit - a[axis]) / (b[axis] - a[axis])
            cut = [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]
            cut[axis] = limit
            kept.append(tuple(cut))
        if b_in:
            kept.append(b)
    return kept


# --- kernels/overlap.py ---------------------------------------------------------------------------------------


def area_where(contour, envelope, wanted):
    """Integrate `wanted(winding of contour, winding of envelope)` over the plane.

    Between two neighbouring rows at which an edge begins, ends or meets another, all widths change linearly, so
    that the width in the middle times the height is exact.
    """
    both = edges(contour) + edges(envelope)
    rows = {point[0] for edge in both for point in edge}
    rows |= {row for i, e in enumerate(both) for f in both[:i] if (row := _meeting_row(e, f)) is not None}
    rows = sorted(rows)
    total = 0.0
    for low, high in pairwise(rows):
        middle = (low + high) / 2
        events = sorted(
            [(*event, 0) for event in _crossings(contour, middle)]
            + [(*event, 1) for event in _crossings(envelope, middle)]
        )
        winding = [0, 0]
        for (col, sign, which), following in pairwise(events):
            winding[which] += sign
            total += wanted(*winding) * (following[0] - col) * (high - low)
    return total


def _crossings(contour, row):
    return [
        (a[1] + (row - a[0]) * (b[1] - a[1]) / (b[0] - a[0]), 1 if a[0] < b[0] else -1)
        for a, b in edges(contour)
        if (a[0] <= row) != (b[0] <= row)
    ]


def _meeting_row(e, f):
    (p, q), (r, s) = np.array(e), np.array(f)
    (d_row, d_col), (e_row, e_col) = q - p, s - r
    cross = d_row * e_col - d_col * e_row
    if cross == 0.0:
        return None
    t = ((r - p)[0] * e_col - (r - p)[1] * e_row) / cross
    return float(p[0] + t * d_row) if 0.0 < t < 1.0 else None
