"""Slow, obvious twins of kernels/overlap.py, for the tests to compare with."""

from itertools import pairwise

import numpy as np

from tests.oracles.polygon import edges


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
