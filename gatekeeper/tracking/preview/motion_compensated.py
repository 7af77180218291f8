"""Registered: the frames of a passage as they look at the places of the reference, pixel by pixel of its grid."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from gatekeeper.tracking.model import Model
from gatekeeper.tracking.preview.trajectory import Trajectory
from gatekeeper.tracking.template import RIM
from kernels.pyramid import block_mean, smooth

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MotionCompensated:
    """Frames on the fine grid of a model.

    Attributes
    ----------
    corner_px : tuple of int
        First (row, col) of the box on the model's grid, which may lie on its rim.
    values : ndarray of float64, shape (T, h, w)
        Each frame, evened out if the model does so, below the moved pixels of the box.
    places_px : ndarray of float64, shape (T, 2, h, w)
        Where the pixels have moved, (row, col) on the grid.
    reference : ndarray of float64, shape (h, w)
        The reference there.
    states_mm : ndarray of float64, shape (T,)
        Displacement along SI on each frame, in mm.
    """

    corner_px: tuple[int, int]
    values: Array
    places_px: Array
    reference: Array
    states_mm: Array


def motion_compensated(
    model: Model, seen: Trajectory, frames: Iterable[NDArray[np.float32] | None]
) -> MotionCompensated:
    """Return the frames (T of H, W) on which `seen` found the target, moved back onto the reference."""
    scale = model.fine
    grid = scale.grid
    # All pixels that the templates and their gradients are made of.
    points_px = (scale if model.steady is None else model.steady.fine).points_px
    low = np.maximum(points_px.min(axis=0) - RIM, 0)
    high = np.minimum(points_px.max(axis=0) + RIM + 1, grid.distance_mm.shape)
    box_px = np.moveaxis(np.mgrid[low[0] : high[0], low[1] : high[1]], 0, -1)
    modes = model.free.at(grid.places_mm(box_px.reshape(-1, 2))).reshape(-1, *box_px.shape[:2])
    modes_px = np.stack([modes * grid.scale[0], modes * grid.scale[1]])
    reduced, scratch = np.empty((2, *grid.distance_mm.shape), np.float32)
    values, places = [], []
    for frame, params, found in zip(frames, seen.params, seen.found, strict=True):
        if frame is None or not found:
            continue
        block_mean(frame, 0, 0, grid.factor, reduced)
        smooth(reduced, grid.share, scratch, reduced)
        if scale.evening is not None:
            reduced *= scale.evening
        moves_px = np.einsum("ak,akhw->ahw", params.reshape(2, -1), modes_px)
        place_px = np.moveaxis(box_px, -1, 0) + moves_px
        values.append(map_coordinates(reduced.astype(np.float64), place_px, order=3, mode="nearest"))
        places.append(place_px)
    reference = grid.image[RIM + low[0] : RIM + high[0], RIM + low[1] : RIM + high[1]].astype(np.float64)
    return MotionCompensated(
        (int(low[0]), int(low[1])), np.array(values), np.array(places), reference, seen.moves_mm[seen.found, 0]
    )
