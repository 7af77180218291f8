"""Bin the reference to a lower resolution, and select the points of a template on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import TargetError
from kernels.interpolation import sample_with_gradient
from kernels.pyramid import block_mean, smooth

CELL = 4
"""Smallest side of the cells over which points are distributed evenly, in grid pixels."""

RIM = 2
"""Width of the rim around the image that smoothing and gradient need, in grid pixels."""

FEWEST_POINTS = 12
"""Lower limit of the number of points of a template."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The reference at one resolution.

    Attributes
    ----------
    factor, share
        See `Template`.
    spacing_mm : tuple of float
        Distance of pixel centres of the image (not of the grid) along rows and columns, in mm.
    image : ndarray of float32, shape (h + 2 RIM, w + 2 RIM)
        The reference with a rim of `RIM` grid pixels.
    distance_mm : ndarray of float32, shape (h, w)
        Distance of each grid pixel from the target, in mm; 0 inside.
    """

    factor: int
    share: float
    spacing_mm: tuple[float, float]
    image: NDArray[np.float32]
    distance_mm: NDArray[np.float32]

    @property
    def scale(self) -> Array:
        """Grid pixels per mm along rows and columns."""
        return np.asarray(1.0 / (np.asarray(self.spacing_mm) * self.factor), dtype=np.float64)

    def positions_mm(self, grid_px: NDArray[np.integer]) -> Array:
        """Return the centres of grid pixels (N, 2) on the reference, as (row, col) in mm."""
        image_px = grid_px * self.factor + 0.5 * (self.factor - 1)
        return np.asarray(image_px * np.asarray(self.spacing_mm), dtype=np.float64)

    def sample(self, rows: NDArray[np.intp], cols: NDArray[np.intp]) -> tuple[NDArray[np.float32], ...]:
        """Return the image at some grid pixels, and its gradients per pixel along rows and columns."""
        row_px, col_px = (rows + RIM).astype(np.float32), (cols + RIM).astype(np.float32)
        value, row_gradient, col_gradient = (np.empty(len(rows), np.float32) for _ in range(3))
        sample_with_gradient(self.image, row_px, col_px, value, row_gradient, col_gradient)
        return value, row_gradient, col_gradient


def make_grid(
    reference: NDArray[np.float32],
    distance_mm: NDArray[np.float32],
    spacing_mm: tuple[float, float],
    factor: int,
    share: float,
) -> Grid:
    """Return the reference at lower resolution.

    Parameters
    ----------
    reference : ndarray of float32, shape (H, W)
        The reference image.
    distance_mm : ndarray of float32, shape (H, W)
        Distance of each pixel from the target, in mm.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    factor : int
        Side of the blocks of pixels to bin.
    share : float
        Smoothing after binning, see `kernels.pyramid.smooth`.

    Returns
    -------
    Grid
        Binned and smoothed.
    """
    distance = np.empty((reference.shape[0] // factor, reference.shape[1] // factor), np.float32)
    block_mean(distance_mm, 0, 0, factor, distance)
    image, scratch = np.empty((2, distance.shape[0] + 2 * RIM, distance.shape[1] + 2 * RIM), np.float32)
    block_mean(reference, -RIM * factor, -RIM * factor, factor, image)
    smooth(image, share, scratch, image)
    return Grid(factor, share, spacing_mm, image, distance)


def select_points(grid: Grid, context_mm: float, most: int) -> NDArray[np.intp]:
    """Select the points of a template from the grid pixels around the target, those with strong gradients first.

    Parameters
    ----------
    grid : Grid
        The reference at one resolution.
    context_mm : float
        Greatest distance of points from the target, in mm.
    most : int
        Upper limit of the number of points.

    Returns
    -------
    ndarray of int, shape (N, 2)
        Grid pixels as (row, col).

    Raises
    ------
    TargetError
        When there are too few pixels around the target.
    """
    rows, cols = np.nonzero(grid.distance_mm <= context_mm)
    _, row_gradient, col_gradient = grid.sample(rows, cols)
    kept = _thin_out(rows, cols, np.hypot(row_gradient, col_gradient), most)
    if len(kept) < FEWEST_POINTS:
        raise TargetError(
            f"target: {len(kept)} points within {context_mm:g} mm of it can be tracked; at least {FEWEST_POINTS} are "
            "needed; use finer pixels or a larger image"
        )
    return np.stack([rows[kept], cols[kept]], axis=1)


def _thin_out(
    rows: NDArray[np.intp], cols: NDArray[np.intp], strength: NDArray[np.float32], most: int
) -> NDArray[np.intp]:
    """Return indices of at most `most` points, the strongest of each cell first, so that all parts are covered."""
    if len(rows) <= most:
        return np.arange(len(rows))
    side = CELL
    while len(np.unique(cell := (rows // side) * (int(cols.max()) // side + 1) + cols // side)) > most:
        side *= 2
    order = np.lexsort((-strength, cell))
    opens_cell = np.r_[True, np.diff(cell[order]) > 0]
    place = np.arange(len(order))
    rank = place - np.maximum.accumulate(np.where(opens_cell, place, 0))
    return np.sort(order[np.lexsort((-strength[order], rank))[:most]])
