"""Make polygons for tests: exact shapes, and hypothesis strategies for arbitrary ones."""

import math

import numpy as np
from hypothesis import strategies as st

SIZE = 12.0


def circle(radius, centre=(0.0, 0.0), n=720):
    angle = np.linspace(0.0, 2.0 * np.pi, n, endpoint=False)
    return np.stack([centre[0] + radius * np.sin(angle), centre[1] + radius * np.cos(angle)], axis=1)


def rectangle(row, col, height, width):
    return np.array([[row, col], [row, col + width], [row + height, col + width], [row + height, col]], dtype=float)


def lens(radius_a, radius_b, distance):
    """Area that two circles share."""
    a, b, d = radius_a, radius_b, distance
    if d >= a + b:
        return 0.0
    if d <= abs(a - b):
        return math.pi * min(a, b) ** 2
    corner_a = math.acos((d * d + a * a - b * b) / (2 * d * a))
    corner_b = math.acos((d * d + b * b - a * a) / (2 * d * b))
    kite = math.sqrt((-d + a + b) * (d + a - b) * (d - a + b) * (d + a + b)) / 2
    return a * a * corner_a + b * b * corner_b - kite


def coordinates(step):
    return st.integers(int(-2 / step), int((SIZE + 2) / step)).map(lambda k: k * step)


@st.composite
def simple_polygons(draw, n_max=14):
    """Star-shaped polygons, most of them not convex, partly beyond an image of SIZE x SIZE pixels."""
    n = draw(st.integers(3, n_max))
    steps = np.array(draw(st.lists(st.floats(0.6, 1.0), min_size=n, max_size=n)))
    radii = np.array(draw(st.lists(st.floats(0.3, 7.0), min_size=n, max_size=n)))
    centre = np.array(draw(st.tuples(st.floats(-1.0, SIZE), st.floats(-1.0, SIZE))))
    angle = 2.0 * np.pi * np.cumsum(steps) / steps.sum()
    points = centre + radii[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return np.ascontiguousarray(points[:: draw(st.sampled_from([1, -1]))])


@st.composite
def any_polygons(draw, step=0.25, n_max=9):
    """Points anywhere on a fine lattice, so that edges cross, touch, coincide and run through pixel centres."""
    points = draw(st.lists(st.tuples(coordinates(step), coordinates(step)), min_size=3, max_size=n_max))
    return np.array(points, dtype=np.float64)
