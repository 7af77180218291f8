"""Intersect a structure that was contoured slice by slice with the cine plane.

Each closed contour is a polygon in its slice. The cine plane meets the slice in a line, which the polygon cuts into
intervals; inner contours are holes (even-odd rule). Between neighbouring slices the ends of overlapping intervals are
joined by straight lines, so that the result is exact on each slice and linear in between. Beyond its last contour a
structure continues for half a slice, since a contour represents all of its slice. Contours in the cine plane are used
as they are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import shapely
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane

IN_PLANE_MM = 0.5
"""A contour lies in the cine plane when all its points are within this distance of it, in mm."""
FLAT_MM = 0.5
"""Largest distance of the points of a contour from their common plane, in mm."""
PARALLEL_DEG = 1.0
"""Slices at a smaller angle to the cine plane, in degrees, are treated as parallel to it."""
LONGEST_GAP = 1.5
"""Slices further apart than this multiple of the median distance are not joined: a slice is missing between them."""
_SAME_SLICE_MM = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    """Contours of one slice, at a distance along the normal of all slices."""

    distance_mm: float
    contours: list[NDArray[np.float64]]


def slice_contours(contours: Sequence[NDArray[np.float64]], plane: Plane, where: str) -> Any:
    """Return the intersection of a structure with the cine plane.

    Parameters
    ----------
    contours : sequence of ndarray of float64, shape (N, 3)
        Closed planar contours in DICOM LPS mm, all in parallel slices or in the cine plane.
    plane : Plane
        The cine plane.
    where : str
        Name of the structure in messages.

    Returns
    -------
    shapely Polygon or MultiPolygon
        In mm from the centre of pixel (0, 0): x along the row step, y along the column step; empty where the structure
        does not meet the plane.

    Raises
    ------
    RecordingError
        When a contour is not flat, contours are not parallel, or all lie parallel to the cine plane and beside it.
    """
    row, col = np.array(plane.row_step), np.array(plane.col_step)
    normal = np.cross(row, col)
    origin = np.array(plane.origin_mm)
    inside = [one for one in contours if np.abs((one - origin) @ normal).max() <= IN_PLANE_MM]
    if inside:
        return even_odd([_along(one - origin, row, col) for one in inside])
    across = _common_normal(contours, where)
    slices = _slices(contours, across, where)
    if abs(float(across @ normal)) > math.cos(math.radians(PARALLEL_DEG)):
        return even_odd([_along(one - origin, row, col) for one in _nearest(slices, float(origin @ across), where)])
    if len(slices) < 2:
        _refuse(where, "has contours in one slice only, so that its thickness is not known; contour it on two or more")
    along = np.cross(across, normal)
    along /= np.linalg.norm(along)
    up = np.cross(normal, along)  # in the cine plane, across the lines in which it meets the slices
    return _joined(slices, origin, along, up, across, row, col)


def even_odd(rings: Sequence[NDArray[np.float64]]) -> Any:
    """Return the area inside an odd number of closed rings (even-odd rule).

    Parameters
    ----------
    rings : sequence of ndarray of float64, shape (N, 2)
        Closed rings; one inside another is a hole.

    Returns
    -------
    shapely Polygon or MultiPolygon
        Empty without rings.
    """
    shape: Any = shapely.Polygon()
    for ring in rings:
        shape = shapely.symmetric_difference(shape, shapely.make_valid(shapely.Polygon(ring)))
    return _areas(shape)


def _areas(shape: Any) -> Any:
    """Return the parts that have an area."""
    return shapely.union_all([part for part in shapely.get_parts(shape) if part.area > 0.0])


def _along(points: NDArray[np.float64], row: NDArray[np.float64], col: NDArray[np.float64]) -> NDArray[np.float64]:
    placed: NDArray[np.float64] = np.stack([points @ row, points @ col], axis=1)
    return placed


def _common_normal(contours: Sequence[NDArray[np.float64]], where: str) -> NDArray[np.float64]:
    """Return the normal of all contours, a unit vector."""
    largest = max(contours, key=lambda one: float(np.linalg.norm(_area_vector(one))))
    vector = _area_vector(largest)
    length = float(np.linalg.norm(vector))
    if not length > 0.0:
        _refuse(where, "has contours without an area; contour it again")
    normal: NDArray[np.float64] = vector / length
    for one in contours:
        distances = one @ normal
        if float(distances.max() - distances.min()) > 2.0 * FLAT_MM:
            _refuse(where, "has contours that are not flat or not in parallel slices; export it with planar contours")
    return normal


def _area_vector(contour: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area of a closed contour as a vector along its normal (Newell's method)."""
    centred = contour - contour.mean(axis=0)
    vector: NDArray[np.float64] = 0.5 * np.cross(centred, np.roll(centred, -1, axis=0)).sum(axis=0)
    return vector


def _slices(contours: Sequence[NDArray[np.float64]], normal: NDArray[np.float64], where: str) -> list[_Slice]:
    """Return the contours grouped by slice, in order along the normal."""
    placed = sorted(((float((one @ normal).mean()), one) for one in contours), key=lambda pair: pair[0])
    slices: list[_Slice] = []
    for distance_mm, one in placed:
        if slices and distance_mm - slices[-1].distance_mm <= _SAME_SLICE_MM:
            slices[-1].contours.append(one)
        else:
            slices.append(_Slice(distance_mm, [one]))
    if not slices:
        _refuse(where, "has no contours; contour it")
    return slices


def _median_step_mm(slices: Sequence[_Slice]) -> float:
    return float(np.median(np.diff([one.distance_mm for one in slices])))


def _nearest(slices: Sequence[_Slice], at_mm: float, where: str) -> list[NDArray[np.float64]]:
    """Return the contours of the slice in which the cine plane lies; the slices are parallel to it."""
    nearest = min(slices, key=lambda one: abs(one.distance_mm - at_mm))
    beside_mm = abs(nearest.distance_mm - at_mm)
    reach_mm = 0.5 * _median_step_mm(slices) if len(slices) > 1 else IN_PLANE_MM
    if not beside_mm <= reach_mm:
        _refuse(
            where,
            f"lies parallel to the cine plane and {beside_mm:.1f} mm beside it; the limit is {reach_mm:.1f} mm; "
            "contour it on the cine plane or in slices across it",
        )
    return nearest.contours


def _joined(
    slices: Sequence[_Slice],
    origin: NDArray[np.float64],
    along: NDArray[np.float64],
    up: NDArray[np.float64],
    across: NDArray[np.float64],
    row: NDArray[np.float64],
    col: NDArray[np.float64],
) -> Any:
    """Return the union of the strips between neighbouring slices and of half a slice beyond the last ones."""
    median_mm = _median_step_mm(slices)
    climb = float(up @ across)
    heights = [(one.distance_mm - float(origin @ across)) / climb for one in slices]
    intervals = [
        _intervals(one, origin + height * up, along, across) for one, height in zip(slices, heights, strict=True)
    ]
    half = 0.5 * median_mm / climb
    parts: list[Any] = []
    for k, (here, height) in enumerate(zip(intervals, heights, strict=True)):
        for step in (-1, 1):
            other = k + step
            near = 0 <= other < len(slices) and (
                abs(slices[other].distance_mm - slices[k].distance_mm) <= LONGEST_GAP * median_mm
            )
            for low, high in here:
                partners = [pair for pair in intervals[other] if pair[0] < high and low < pair[1]] if near else []
                if not partners:
                    parts.append(_strip((low, high), height, (low, high), height + step * half))
                elif step == 1:
                    parts += [_strip((low, high), height, pair, heights[other]) for pair in partners]
    shape: Any = _areas(shapely.union_all(parts))
    corner = np.array([[along @ row, up @ row], [along @ col, up @ col]])
    return shapely.transform(shape, lambda points: points @ corner.T)


def _strip(low: tuple[float, float], low_at: float, high: tuple[float, float], high_at: float) -> Any:
    """Return the quadrilateral between two intervals at two heights."""
    return shapely.Polygon([(low[0], low_at), (low[1], low_at), (high[1], high_at), (high[0], high_at)])


def _intervals(
    one: _Slice, start: NDArray[np.float64], along: NDArray[np.float64], normal: NDArray[np.float64]
) -> list[tuple[float, float]]:
    """Return the intervals of a line, in mm from its start, that lie inside the contours of a slice."""
    side = np.cross(normal, along)
    rings = [_along(contour - start, along, side) for contour in one.contours]
    shape = even_odd(rings)
    if shape.is_empty:
        return []
    low, _, high, _ = shape.bounds
    line = shapely.LineString([(low - 1.0, 0.0), (high + 1.0, 0.0)])
    inside = [part for part in shapely.get_parts(shapely.intersection(shape, line)) if part.length > 0.0]
    return [(part.bounds[0], part.bounds[2]) for part in inside]


def _refuse(where: str, why: str) -> NoReturn:
    raise RecordingError(f"{where}: {why}")
