"""Slow, obvious twins of kernels/polygon.py, for the tests to compare with."""

from fractions import Fraction

import numpy as np


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


def widened(contour, by_mm, spacing_mm):
    """Return each point moved outwards, at right angles to the line through its neighbours."""
    points_mm = np.asarray(contour) * spacing_mm
    area = 0.5 * sum(a[0] * b[1] - a[1] * b[0] for a, b in edges(points_mm))
    out = []
    for before, point, after in zip(np.roll(points_mm, 1, 0), points_mm, np.roll(points_mm, -1, 0), strict=True):
        down, right = after - before
        length = np.hypot(down, right)
        outwards = np.array([right, -down]) / length if length > 0.0 else np.zeros(2)
        out.append(point + np.sign(area) * by_mm * outwards)
    return np.array(out) / spacing_mm


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
