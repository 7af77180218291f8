"""Template: what the neighbourhood of the target looks like on the reference, ready to be fitted to a frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.freeform import FreeForm
from kernels.sample import sample_with_gradient
from kernels.shrink import block_mean, smooth

CORRELATED_AREA_MM2 = 100.0
"""Residuals of real frames (flow, blur, through-plane change) are alike over about this area, in mm^2."""

RESIDUAL_SHARE = 0.1
"""Their variance as a share of the template's."""

CELL = 4
"""Points are thinned out evenly over cells of so many points a side."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """The reference at one resolution, as `kernels.deform.fit` wants it.

    Attributes
    ----------
    factor : int
        Side of the blocks of image pixels that make one pixel of this grid.
    share : float
        Smoothing of the frame at this resolution, see `kernels.shrink.smooth`; 0 for none.
    points, modes, steepest, inverse_hessian, photometric : ndarray of float32
    template_norm, row_scale, col_scale : float
        See `kernels.deform.fit`.
    low, high : tuple of int
        First and last (row, col) of the points on this grid.
    """

    factor: int
    share: float
    points: NDArray[np.float32]
    modes: NDArray[np.float32]
    steepest: NDArray[np.float32]
    inverse_hessian: NDArray[np.float32]
    photometric: NDArray[np.float32]
    template_norm: float
    row_scale: float
    col_scale: float
    low: tuple[int, int]
    high: tuple[int, int]


def to_grid(position_px: NDArray[np.float64] | float, factor: int) -> NDArray[np.float64]:
    """Return image pixel positions on the grid of blocks of `factor` pixels."""
    return (np.asarray(position_px) - 0.5 * (factor - 1)) / factor


def make_template(
    reference: NDArray[np.float32],
    distance_mm: NDArray[np.float64],
    spacing_mm: tuple[float, float],
    free: FreeForm,
    factor: int,
    share: float,
    reach_mm: float,
    most: int,
) -> Template:
    """Return the template of one resolution.

    Parameters
    ----------
    reference : ndarray of float32, shape (H, W)
    distance_mm : ndarray of float64, shape (H, W)
        Distance of each pixel from the target, in mm; 0 inside.
    spacing_mm : tuple of float
    free : FreeForm
    factor, share : see `Template`
    reach_mm : float
        How far around the target the image counts; its weight falls off as a Gaussian.
    most : int
        At most this many points.
    """
    shape = (reference.shape[0] // factor, reference.shape[1] // factor)
    image, scratch = np.empty(shape, np.float32), np.empty(shape, np.float32)
    block_mean(reference, 0, 0, factor, image)
    if share > 0.0:
        smooth(image, share, scratch, image)
    distance = np.empty(shape, np.float32)
    block_mean(distance_mm.astype(np.float32), 0, 0, factor, distance)

    rows, cols = np.nonzero(distance <= reach_mm)
    grid = [np.ascontiguousarray(axis, dtype=np.float32) for axis in (rows, cols)]
    value, row_gradient, col_gradient = (np.empty(len(rows), np.float32) for _ in range(3))
    sample_with_gradient(image, grid[0], grid[1], value, row_gradient, col_gradient)
    kept = _thin_out(rows, cols, np.hypot(row_gradient, col_gradient), most)
    rows, cols, value = rows[kept], cols[kept], value[kept].astype(np.float64)
    scale = 1.0 / (np.asarray(spacing_mm) * factor)

    density = len(kept) / len(grid[0]) * scale[0] * scale[1]
    correlated = max(1.0, CORRELATED_AREA_MM2 * density)
    weight = np.exp(-((distance[rows, cols].astype(np.float64) / reach_mm) ** 2))
    weight /= np.sqrt(RESIDUAL_SHARE * value.var() * correlated)

    centre_px = np.stack([rows, cols], axis=1) * factor + 0.5 * (factor - 1)
    modes = free.at(centre_px * np.asarray(spacing_mm))
    photometric = _photometric(value, np.stack([rows, cols]), weight)
    steepest = np.vstack(
        [modes * (row_gradient[kept] * scale[0] * weight), modes * (col_gradient[kept] * scale[1] * weight)]
    )
    steepest -= (steepest @ photometric.T) @ photometric
    hessian = steepest @ steepest.T + np.eye(len(steepest))

    def single(array: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.ascontiguousarray(array, dtype=np.float32)

    return Template(
        factor=factor,
        share=share,
        points=single(np.stack([rows, cols, weight])),
        modes=single(modes),
        steepest=single(steepest),
        inverse_hessian=single(np.linalg.inv(hessian)),
        photometric=single(photometric),
        template_norm=float(photometric[1] @ (weight * value)),
        row_scale=float(scale[0]),
        col_scale=float(scale[1]),
        low=(int(rows.min()), int(cols.min())),
        high=(int(rows.max()), int(cols.max())),
    )


def _photometric(
    value: NDArray[np.float64], grid: NDArray[np.intp], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return orthonormal weighted directions (4, N): constant, template, and a ramp along rows and along columns."""
    ramps = (grid - grid.mean(axis=1, keepdims=True)) / max(1.0, float(np.ptp(grid)))
    basis = np.vstack([np.ones_like(value), value, ramps]) * weight
    directions, triangle = np.linalg.qr(basis.T)
    return np.asarray((directions * np.sign(np.diag(triangle))).T)


def _thin_out(
    rows: NDArray[np.intp], cols: NDArray[np.intp], strength: NDArray[np.float32], most: int
) -> NDArray[np.intp]:
    """Return the indices of at most `most` points, the strongest of every cell, so that no part goes unseen."""
    if len(rows) <= most:
        return np.arange(len(rows))
    cell = (rows // CELL) * (int(cols.max()) // CELL + 1) + cols // CELL
    order = np.lexsort((-strength, cell))
    first = np.r_[True, np.diff(cell[order]) > 0]
    start = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    rank = np.arange(len(order)) - start
    return np.sort(order[np.lexsort((order, rank))[:most]])
