"""Reference: the neighbourhood of the target on the reference image, as templates ready to be fitted to a frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import TargetError
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM, DeformationModes
from kernels.interpolation import sample_with_gradient
from kernels.pyramid import block_mean, smooth

CORRELATED_AREA_MM2 = 100.0
"""Differences between frames (flow, blur, through-plane change) are alike over about this area, in mm^2."""

DIFFERENCE_SHARE = 0.1
"""Variance of those differences as a share of the template's variance."""

ILLUMINATION_SHARE = 0.5
"""Standard deviation of smooth changes of illumination (coils, banding, contrast agent) as a share of the
template's."""

CURVE_SHARE = 0.3
"""Standard deviation of a curved change of brightness, as when contrast agent brightens the liver but neither vessels
nor lesion: at one standard deviation of the template from its mean, as a share of that."""

SIDEWAYS_MM = 6.0
"""Standard deviation of the translation along AP: breathing moves the liver by centimetres along SI, and by millimetres
along AP. Where the image says little about AP, as on a smooth dome, it ends the sliding along the edge."""

CELL = 4
"""Points are thinned out evenly over cells of so many grid pixels a side, or larger ones if there are too many."""

RIM = 2
"""Grid pixels around the image that smoothing and gradient reach; frames are read beyond their edge, too."""

FEWEST_POINTS = 12
"""A template of fewer points than this tells nothing about the target."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """The reference at one resolution, in the form that `kernels.deformation.fit` wants.

    Attributes
    ----------
    factor : int
        Side of the blocks of image pixels that make one pixel of this grid.
    share : float
        Smoothing of images at this resolution, see `kernels.pyramid.smooth`; 0 for none.
    values : ndarray of float32, shape (N,)
        The reference at the points.
    in_target : ndarray of bool, shape (N,)
        The points in the target and next to it, so that its outline is among them.
    error_mm : float
        How well the image determines the translation: posterior standard deviation, with as wide a prior along AP as
        along SI, in the direction in which it is the least.
    points, modes, steepest, prior, inverse_hessian, photometric : ndarray of float32
    norm, row_scale, col_scale : float
        See `kernels.deformation.fit`, where `norm` is called `template_norm`.
    """

    factor: int
    share: float
    values: NDArray[np.float32]
    in_target: NDArray[np.bool_]
    error_mm: float
    points: NDArray[np.float32]
    modes: NDArray[np.float32]
    steepest: NDArray[np.float32]
    prior: NDArray[np.float32]
    inverse_hessian: NDArray[np.float32]
    photometric: NDArray[np.float32]
    norm: float
    row_scale: float
    col_scale: float


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The reference at one resolution, before it is made a template.

    Attributes
    ----------
    factor, share
        See `Template`.
    spacing_mm : tuple of float
        Distance of the centres of image pixels, not of the grid's, along rows and columns, in mm.
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

    def places_mm(self, grid_px: NDArray[np.integer]) -> Array:
        """Return where the centres of grid pixels (N, 2) lie on the reference, as (row, col) in mm."""
        image_px = grid_px * self.factor + 0.5 * (self.factor - 1)
        return np.asarray(image_px * np.asarray(self.spacing_mm), dtype=np.float64)


def make_grid(
    reference: NDArray[np.float32],
    distance_mm: NDArray[np.float32],
    spacing_mm: tuple[float, float],
    factor: int,
    share: float,
) -> Grid:
    """Return the reference (H, W) at the resolution of blocks of `factor` pixels, smoothed by `share`."""
    distance = np.empty((reference.shape[0] // factor, reference.shape[1] // factor), np.float32)
    block_mean(distance_mm, 0, 0, factor, distance)
    image, scratch = np.empty((2, distance.shape[0] + 2 * RIM, distance.shape[1] + 2 * RIM), np.float32)
    block_mean(reference, -RIM * factor, -RIM * factor, factor, image)
    smooth(image, share, scratch, image)
    return Grid(factor, share, spacing_mm, image, distance)


def chosen_points(grid: Grid, context_mm: float, most: int) -> NDArray[np.intp]:
    """Return the grid pixels (N, 2) that make a template: at most `most` of those within `context_mm` of the target.

    Raises
    ------
    TargetError
        When the image around the target is too small.
    """
    rows, cols = np.nonzero(grid.distance_mm <= context_mm)
    _, row_gradient, col_gradient = _sampled(grid, rows, cols)
    kept = _thin_out(rows, cols, np.hypot(row_gradient, col_gradient), most)
    if len(kept) < FEWEST_POINTS:
        raise TargetError(
            f"target: only {len(kept)} points within {context_mm:g} mm of it can be tracked, "
            f"at least {FEWEST_POINTS} are needed; use finer pixels or a larger image"
        )
    return np.stack([rows[kept], cols[kept]], axis=1)


def make_template(
    grid: Grid, points_px: NDArray[np.intp], free: DeformationModes, context_mm: float, stiffness: float = 1.0
) -> Template:
    """Return the template of one resolution.

    Parameters
    ----------
    grid : Grid
        The reference at this resolution.
    points_px : ndarray of int, shape (N, 2)
        The grid pixels that count, as `chosen_points` gives them.
    free : DeformationModes
    context_mm : float
        How far around the target the image counts; its weight falls off like a Gaussian.
    stiffness : float, optional
        So many times less deformation is expected than by `free`.

    Raises
    ------
    TargetError
        When the reference is constant around the target.
    """
    rows, cols = points_px[:, 0], points_px[:, 1]
    value, row_gradient, col_gradient = _sampled(grid, rows, cols)
    scale = grid.scale
    template = value.astype(np.float64)
    reach = grid.distance_mm[rows, cols].astype(np.float64) / context_mm
    around = int(np.count_nonzero(grid.distance_mm <= context_mm))
    weight = _weight(template, reach, len(points_px) / around * scale.prod())

    modes = free.at(grid.places_mm(points_px))
    photometric = _photometric(template, modes[1:] / free.sd_mm, weight)
    slope = [row_gradient * scale[0] * weight, col_gradient * scale[1] * weight]
    steepest = np.vstack([modes * slope[0], modes * slope[1]])
    steepest -= (steepest @ photometric[:2].T) @ photometric[:2]
    information = steepest @ (steepest - (steepest @ photometric.T) @ photometric).T
    down, right = 0, len(modes)
    prior = np.full(len(steepest), stiffness**2)
    prior[[down, right]] = 1.0
    covariance = np.linalg.inv(information + np.diag(prior))[np.ix_([down, right], [down, right])]
    prior[right] = (TRANSLATION_SD_MM / SIDEWAYS_MM) ** 2
    return Template(
        factor=grid.factor,
        share=grid.share,
        values=_single(template),
        in_target=_in_target(grid.distance_mm[rows, cols], 1.05 / scale.min()),
        error_mm=TRANSLATION_SD_MM * float(np.sqrt(np.linalg.eigvalsh(covariance)[-1])),
        points=_single(np.vstack([points_px.T, weight])),
        modes=_single(modes),
        steepest=_single(steepest),
        prior=_single(prior),
        inverse_hessian=_single(np.asarray(np.linalg.inv(information + np.diag(prior)), dtype=np.float64)),
        photometric=_single(photometric),
        norm=float(photometric[1] @ (weight * template)),
        row_scale=float(scale[0]),
        col_scale=float(scale[1]),
    )


def _sampled(grid: Grid, rows: NDArray[np.intp], cols: NDArray[np.intp]) -> tuple[NDArray[np.float32], ...]:
    """Return values of the grid's image at some of its pixels, and their change per pixel along rows and columns."""
    row_px, col_px = (rows + RIM).astype(np.float32), (cols + RIM).astype(np.float32)
    value, row_gradient, col_gradient = (np.empty(len(rows), np.float32) for _ in range(3))
    sample_with_gradient(grid.image, row_px, col_px, value, row_gradient, col_gradient)
    return value, row_gradient, col_gradient


def _single(array: Array) -> NDArray[np.float32]:
    return np.ascontiguousarray(array, dtype=np.float32)


def _weight(template: Array, reach: Array, density_mm2: float) -> Array:
    """Return the weight of each point: 1 over the standard deviation of what it tells about the displacement.

    It falls off like a Gaussian with `reach`, the distance from the target as a share of the context.
    Neighbouring points tell the same: `density_mm2`, points per mm^2, says how many share one independent value.
    """
    variance = float(template.var())
    if not variance > 1e-10 * max(float(np.square(template).mean()), 1e-30):
        raise TargetError("target: the reference is constant around it; choose a reference on which it can be seen")
    alike = max(1.0, CORRELATED_AREA_MM2 * density_mm2)
    return np.asarray(np.exp(-np.square(reach)) / np.sqrt(DIFFERENCE_SHARE * variance * alike))


def _in_target(distance_mm: NDArray[np.float32], pixel_mm: float) -> NDArray[np.bool_]:
    """Return which points lie in the target or next to it, or nearest to it where it has too few."""
    return np.asarray(distance_mm <= max(pixel_mm, float(np.sort(distance_mm)[FEWEST_POINTS - 1])), dtype=np.bool_)


def _photometric(template: Array, smooth: Array, weight: Array) -> Array:
    """Return weighted orthogonal directions that tell nothing about motion.

    Constant and template are of unit length and are ignored altogether: offset and gain. What the square of the
    template adds to them is a curve of brightness, by which bright, middling and dark tissue change differently, and
    a smooth additive field is a Gaussian process like the deformation; these directions are shortened by how much of
    them is expected to be a change of brightness and not noise.
    """
    spread = float(template.std())
    curve = np.square((template - template.mean()) / spread)
    basis, triangle = np.linalg.qr((np.vstack([np.ones_like(template), template, curve]) * weight).T)
    # The second direction points the way the template does, so that the gain of a like frame is positive.
    basis = (basis * np.where(np.diag(triangle) < 0.0, -1.0, 1.0)).T
    field = smooth * (ILLUMINATION_SHARE * spread * weight)
    field -= (field @ basis.T) @ basis
    _, strength, directions = np.linalg.svd(field, full_matrices=False)
    bent = CURVE_SHARE * spread * abs(triangle[2, 2])
    return np.vstack([basis[:2], basis[2] * _expected(bent), directions * _expected(strength)[:, None]])


def _expected(strength: Array | float) -> Array:
    """Return the length of a direction whose change is so many times the noise: 1 when it is all change."""
    return np.asarray(strength / np.sqrt(1.0 + np.square(strength)), dtype=np.float64)


def _thin_out(
    rows: NDArray[np.intp], cols: NDArray[np.intp], strength: NDArray[np.float32], most: int
) -> NDArray[np.intp]:
    """Return indices of at most `most` points, the strongest of every cell, so that no part goes unseen."""
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
