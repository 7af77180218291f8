"""Move the points at which a tracker starts with the tissue, and measure how far a tracked outline is from them.

A tracker starts from the outline of the first mask and moves its points, so that point for point its outline can be
compared with where the tissue under these points went. This distance counts motion along the edge as well, which
masks cannot show; how far the edge itself is off, whichever point is there, is what HD95 and MASD of masks measure.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def moved_points(points: Array, outlines: Sequence[Array]) -> Array:
    """Return points near an outline as that outline moves, each with the nearest place on it.

    Parameters
    ----------
    points : ndarray of float64, shape (N, 2)
        Points on the first frame.
    outlines : sequence of T ndarrays of float64, shape (K, 2)
        Closed outline on each frame, whose points follow the tissue, in the unit of `points`.

    Returns
    -------
    ndarray of float64, shape (T, N, 2)
    """
    begin = outlines[0]
    along = np.roll(begin, -1, axis=0) - begin
    square = np.maximum((along**2).sum(axis=1), 1e-12)
    part = np.clip(np.einsum("nkx,kx->nk", points[:, None] - begin[None], along) / square, 0.0, 1.0)
    away = ((points[:, None] - begin[None] - part[..., None] * along[None]) ** 2).sum(axis=-1)
    nearest = away.argmin(axis=1)
    part = part[np.arange(len(points)), nearest, None]
    following = (nearest + 1) % len(begin)
    return np.stack(
        [
            points + (1.0 - part) * (outline[nearest] - begin[nearest]) + part * (outline[following] - begin[following])
            for outline in outlines
        ]
    )


def distances_mm(outline_px: Array, truth_px: Array, spacing_mm: tuple[float, float]) -> Array:
    """Return the distance of each point of a tracked outline from the true place of its tissue.

    Parameters
    ----------
    outline_px, truth_px : ndarray of float64, shape (N, 2)
        Tracked and true points, as (row, col).
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.

    Returns
    -------
    ndarray of float64, shape (N,)
        In mm; NaN where the truth is NaN, infinite where only the outline is.
    """
    off_mm = np.linalg.norm((outline_px - truth_px) * spacing_mm, axis=-1)
    return np.where(np.isnan(truth_px).any(axis=-1), np.nan, np.where(np.isnan(off_mm), np.inf, off_mm))
