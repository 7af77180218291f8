"""Grow vessel trees in three dimensions, and draw their part in a slice of finite thickness."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replay.phantom.lattice import Lattice

Array = NDArray[np.float64]

CHILD_RADIUS = 0.78
"""Ratio of a branch's radius to its parent's, near Murray's law of 2^(-1/3)."""

THINNEST_MM = 0.9
STEPS = 4
SLICE_SAMPLES = np.array([-1.0, 0.0, 1.0]) / 3.0
"""Positions across the slice at which it is sampled, as a share of its thickness."""

EDGE_MM = 1.0


@dataclass(frozen=True, slots=True)
class Trunk:
    """Root of a tree: points are (inferior, posterior, across) in mm."""

    root_mm: tuple[float, float, float]
    heading: tuple[float, float, float]
    length_mm: float
    radius_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A straight piece of vessel."""

    begin_mm: Array
    end_mm: Array
    radius_mm: float


def grow(trunk: Trunk, random: np.random.Generator) -> list[Segment]:
    """Return a tree of slightly bent branches that forks until they are thinner than 0.9 mm."""
    segments: list[Segment] = []
    heading = np.array(trunk.heading) / np.linalg.norm(trunk.heading)
    open_ends = [(np.array(trunk.root_mm), heading, trunk.length_mm, trunk.radius_mm)]
    while open_ends:
        end_mm, heading, length_mm, radius_mm = open_ends.pop()
        for _ in range(STEPS):
            heading = _turned(heading, 0.15, random)
            next_mm = end_mm + heading * length_mm / STEPS
            segments.append(Segment(end_mm, next_mm, radius_mm))
            end_mm = next_mm
        for _ in range(2):
            child_mm = radius_mm * CHILD_RADIUS * float(random.uniform(0.85, 1.1))
            if child_mm > THINNEST_MM:
                reach_mm = length_mm * float(random.uniform(0.6, 0.9))
                open_ends.append((end_mm, _turned(heading, 0.6, random), reach_mm, child_mm))
    return segments


def paint(segments: list[Segment], lattice: Lattice, across_mm: float, slice_mm: float) -> Array:
    """Return the share of vessel in the slice at each raster point.

    Parameters
    ----------
    segments : list of Segment
        The vessels.
    lattice : Lattice
        Raster points.
    across_mm : float
        Position of the slice, in mm from the middle.
    slice_mm : float
        Slice thickness, in mm.

    Returns
    -------
    ndarray of float64, shape (H, W)
        From 0 to 1.
    """
    covered = np.zeros(lattice.shape)
    rows_mm, cols_mm = lattice.rows_mm, lattice.cols_mm
    ends_mm = np.array([(segment.begin_mm, segment.end_mm) for segment in segments])
    reach_mm = EDGE_MM + np.array([segment.radius_mm for segment in segments])[:, None]
    low_mm, high_mm = ends_mm.min(axis=1) - reach_mm, ends_mm.max(axis=1) + reach_mm
    in_slice = (low_mm[:, 2] - 0.5 * slice_mm < across_mm) & (across_mm < high_mm[:, 2] + 0.5 * slice_mm)
    first_row, end_row = np.searchsorted(rows_mm, low_mm[:, 0]), np.searchsorted(rows_mm, high_mm[:, 0])
    first_col, end_col = np.searchsorted(cols_mm, low_mm[:, 1]), np.searchsorted(cols_mm, high_mm[:, 1])
    for index in np.flatnonzero(in_slice & (first_row < end_row) & (first_col < end_col)):
        segment = segments[index]
        rows, cols = slice(first_row[index], end_row[index]), slice(first_col[index], end_col[index])
        away_mm = _distance_mm(segment, rows_mm[rows], cols_mm[cols], across_mm + slice_mm * SLICE_SAMPLES)
        share = np.clip(0.5 + (segment.radius_mm - away_mm) / EDGE_MM, 0.0, 1.0).sum(axis=0) / SLICE_SAMPLES.size
        covered[rows, cols] = np.maximum(covered[rows, cols], share)
    return covered


def _turned(heading: Array, angle: float, random: np.random.Generator) -> Array:
    """Return a unit vector about `angle` radians away from `heading`, in a random direction."""
    turned = heading + math.tan(angle) * random.standard_normal(3) / math.sqrt(2.0)
    return np.asarray(turned / np.linalg.norm(turned), dtype=np.float64)


def _distance_mm(segment: Segment, rows_mm: Array, cols_mm: Array, across_mm: Array) -> Array:
    """Return the distance to the axis of a segment, on the grid (across, rows, cols)."""
    across, row, col = np.ix_(
        across_mm - segment.begin_mm[2], rows_mm - segment.begin_mm[0], cols_mm - segment.begin_mm[1]
    )
    along = segment.end_mm - segment.begin_mm
    part = np.clip((row * along[0] + col * along[1] + across * along[2]) / float(along @ along), 0.0, 1.0)
    square = (row - part * along[0]) ** 2 + (col - part * along[1]) ** 2 + (across - part * along[2]) ** 2
    return np.asarray(np.sqrt(square), dtype=np.float64)
