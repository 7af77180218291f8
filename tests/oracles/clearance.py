"""Slow, obvious twins of kernels/clearance.py, for the tests to compare with."""

import numpy as np
import shapely


def polygon_clearance(contour, zone, spacing_mm):
    one, other = shapely.Polygon(contour * np.array(spacing_mm)), shapely.Polygon(zone * np.array(spacing_mm))
    for points, polygon in ((one, other), (other, one)):
        corners = [shapely.Point(point) for point in points.exterior.coords]
        inside = [polygon.exterior.distance(point) for point in corners if polygon.contains(point)]
        if inside:
            return -max(inside)
    return one.exterior.distance(other.exterior) if not one.crosses(other) else 0.0
