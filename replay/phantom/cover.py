"""Tell which part of the target the body wall covers, as it is drawn over the organs."""

import numpy as np
from numpy.typing import NDArray

from replay.phantom import organs
from replay.phantom.motion import Motion, displaced
from replay.phantom.target import Target

Array = NDArray[np.float64]

EDGE_MM = 1.2
"""Depth in the wall from which on it covers what lies there, in mm: its edge is that soft."""
ITERATIONS = 10
"""Steps in which the wall's material at a point is found; its motion changes by half a millimetre per mm at most."""
BISECTIONS = 30


def is_covered(modes: Motion, points_mm: Array, amplitude: Array) -> NDArray[np.bool_]:
    """Return which points of the image the spine or the abdominal wall covers.

    Parameters
    ----------
    modes : Motion
        Modes of motion.
    points_mm : ndarray of float64, shape (..., 2)
        Points of the image as (inferior, posterior), in mm.
    amplitude : ndarray of float64, shape (MODES,)
        Amplitudes of the modes on this frame.

    Returns
    -------
    ndarray of bool, shape (...)
    """
    wall_mm = points_mm
    for _ in range(ITERATIONS):
        wall_mm = points_mm - np.tensordot(amplitude, modes.wall(wall_mm), axes=1)
    row_mm, col_mm = wall_mm[..., 0], wall_mm[..., 1]
    before_mm = np.minimum(organs.before_spine_mm(row_mm, col_mm), organs.behind_belly_wall_mm(row_mm, col_mm))
    return np.asarray(before_mm < -EDGE_MM, dtype=np.bool_)


def share_in_view(target: Target, modes: Motion, amplitude: Array, across_mm: float) -> Array:
    """Return the share of the way from the target's middle to its outline that is in view on one frame.

    Parameters
    ----------
    target : Target
        The target.
    modes : Motion
        Modes of motion.
    amplitude : ndarray of float64, shape (MODES,)
        Amplitudes of the modes on this frame.
    across_mm : float
        Plane of the frame, in mm.

    Returns
    -------
    ndarray of float64, shape (N,)
        For each point of the outline; 1 where it is in view.
    """
    points_mm = target.outline_mm(across_mm)

    def hidden(share: Array) -> NDArray[np.bool_]:
        inner_mm = target.middle_mm + share[:, None] * (points_mm - target.middle_mm)
        return is_covered(modes, displaced(target.modes(modes, inner_mm), inner_mm, amplitude), amplitude)

    near, far = np.zeros(len(points_mm)), np.ones(len(points_mm))
    behind = hidden(far)
    for _ in range(BISECTIONS if behind.any() else 0):
        half = 0.5 * (near + far)
        beyond = hidden(half)
        near, far = np.where(beyond, near, half), np.where(beyond, half, far)
    return np.where(behind, near, 1.0)


def covered_shares(modes: Motion, amplitude: Array, labels: NDArray[np.bool_], rows_mm: Array, cols_mm: Array) -> Array:
    """Return the share of the target's label that the body wall covers, on each frame.

    Parameters
    ----------
    modes : Motion
        Modes of motion.
    amplitude : ndarray of float64, shape (T, MODES)
        Amplitudes of the modes.
    labels : ndarray of bool, shape (T, H, W)
        The target's tissue on each frame.
    rows_mm, cols_mm : ndarray of float64, shapes (H,) and (W,)
        Positions of pixel centres.

    Returns
    -------
    ndarray of float64, shape (T,)
        0-1; 0 where the label is empty.
    """
    shares = np.zeros(len(labels))
    for frame, label in enumerate(labels):
        row, col = np.nonzero(label)
        if row.size:
            points_mm = np.stack([rows_mm[row], cols_mm[col]], axis=-1)
            shares[frame] = is_covered(modes, points_mm, amplitude[frame]).mean()
    return shares
