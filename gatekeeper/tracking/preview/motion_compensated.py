"""Move the frames of a preview back onto the reference, pixel by pixel (motion compensation)."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from gatekeeper.tracking.grid import RIM
from gatekeeper.tracking.model import Model
from gatekeeper.tracking.preview.trajectory import Trajectory
from kernels.pyramid import block_mean, smooth

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MotionCompensated:
    """Motion-compensated frames in a box on the fine grid of a model.

    Attributes
    ----------
    corner_px : tuple of int
        First (row, col) of the box on the grid.
    values : ndarray of float64, shape (T, h, w)
        Values of each frame at the moved pixels of the box, with the model's bias correction.
    positions_px : ndarray of float64, shape (T, 2, h, w)
        Positions of the moved pixels, (row, col) on the grid.
    reference : ndarray of float64, shape (h, w)
        The reference in the box.
    states_mm : ndarray of float64, shape (T,)
        Displacement along the model's leading axis on each frame, in mm.
    """

    corner_px: tuple[int, int]
    values: Array
    positions_px: Array
    reference: Array
    states_mm: Array


def motion_compensated(
    model: Model, trajectory: Trajectory, frames: Iterable[NDArray[np.float32] | None]
) -> MotionCompensated:
    """Return the frames on which the target was found, moved back onto the reference.

    Parameters
    ----------
    model : Model
        The model that tracked them.
    trajectory : Trajectory
        Its displacement on each of the T frames.
    frames : iterable of ndarray of float32, shape (H, W), or None
        The T frames.

    Returns
    -------
    MotionCompensated
        One entry for each frame on which the target was found.
    """
    scale = model.fine
    grid = scale.grid
    # All pixels from which the templates and their gradients are computed.
    points_px = (scale if model.stiff is None else model.stiff.fine).points_px
    low = np.maximum(points_px.min(axis=0) - RIM, 0)
    high = np.minimum(points_px.max(axis=0) + RIM + 1, grid.distance_mm.shape)
    box_px = np.moveaxis(np.mgrid[low[0] : high[0], low[1] : high[1]], 0, -1)
    modes = model.deformation.at(grid.positions_mm(box_px.reshape(-1, 2))).reshape(-1, *box_px.shape[:2])
    modes_px = np.stack([modes * grid.scale[0], modes * grid.scale[1]])
    reduced, scratch = np.empty((2, *grid.distance_mm.shape), np.float32)
    values, positions = [], []
    for frame, params, found in zip(frames, trajectory.params, trajectory.found, strict=True):
        if frame is None or not found:
            continue
        block_mean(frame, 0, 0, grid.factor, reduced)
        smooth(reduced, grid.share, scratch, reduced)
        if scale.bias_correction is not None:
            reduced *= scale.bias_correction
        moves_px = np.einsum("ak,akhw->ahw", params.reshape(2, -1), modes_px)
        position_px = np.moveaxis(box_px, -1, 0) + moves_px
        values.append(map_coordinates(reduced.astype(np.float64), position_px, order=3, mode="nearest"))
        positions.append(position_px)
    reference = grid.image[RIM + low[0] : RIM + high[0], RIM + low[1] : RIM + high[1]].astype(np.float64)
    states_mm = trajectory.moves_mm[trajectory.found, model.motion_prior.leading]
    return MotionCompensated((int(low[0]), int(low[1])), np.array(values), np.array(positions), reference, states_mm)
