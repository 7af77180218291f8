"""Build templates of the target's surroundings on the reference image, ready to be fitted to frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import TargetError
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM, DeformationModes
from kernels.interpolation import sample_with_gradient
from kernels.pyramid import block_mean, smooth

CORRELATED_AREA_MM2 = 100.0
"""Area over which differences between frames (flow, blur, through-plane change) are correlated, in mm^2."""

DIFFERENCE_SHARE = 0.1
"""Variance of those differences, over the variance of the template."""

ILLUMINATION_SHARE = 0.5
"""Standard deviation of smooth changes of illumination (coils, banding, contrast agent), over that of the template."""

CURVE_SHARE = 0.3
"""Standard deviation of a quadratic change of brightness, as when contrast agent brightens the liver but not vessels
or lesion: at one standard deviation of the template from its mean, over that standard deviation."""

CELL = 4
"""Smallest side of the cells over which points are distributed evenly, in grid pixels."""

RIM = 2
"""Width of the rim around the image that smoothing and gradient need, in grid pixels."""

FEWEST_POINTS = 12
"""Lower limit of the number of points of a template."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """The reference at one resolution, in the form that `kernels.deformation.fit` takes.

    Attributes
    ----------
    factor : int
        Side of the blocks of image pixels that are binned to one pixel of this grid.
    share : float
        Smoothing of images at this resolution, see `kernels.pyramid.smooth`; 0 for none.
    values : ndarray of float32, shape (N,)
        The reference at the points.
    in_target : ndarray of bool, shape (N,)
        True for points in the target and next to it, so that its outline is included.
    error_mm : float
        Expected error of the translation: posterior standard deviation along the least determined direction, with a
        wide prior along both axes, in mm.
    points, modes, steepest, prior, inverse_hessian, photometric : ndarray of float32
        See `kernels.deformation.fit`.
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
    _, row_gradient, col_gradient = _sampled(grid, rows, cols)
    kept = _thin_out(rows, cols, np.hypot(row_gradient, col_gradient), most)
    if len(kept) < FEWEST_POINTS:
        raise TargetError(
            f"target: {len(kept)} points within {context_mm:g} mm of it can be tracked; at least {FEWEST_POINTS} are "
            "needed; use finer pixels or a larger image"
        )
    return np.stack([rows[kept], cols[kept]], axis=1)


def make_template(
    grid: Grid,
    points_px: NDArray[np.intp],
    deformation: DeformationModes,
    context_mm: float,
    stiffness: float = 1.0,
    translation_mm: tuple[float, float] = (TRANSLATION_SD_MM, TRANSLATION_SD_MM),
) -> Template:
    """Return the template of the reference at one resolution.

    Parameters
    ----------
    grid : Grid
        The reference at this resolution.
    points_px : ndarray of int, shape (N, 2)
        Grid pixels of the template's points, see `select_points`.
    deformation : DeformationModes
        Modes of the deformation.
    context_mm : float
        Distance from the target at which the weight of a point has fallen to 1/e, in mm.
    stiffness : float, optional
        Ratio by which the expected deformation is less than that of `deformation`.
    translation_mm : tuple of float, optional
        Standard deviation of the translation along rows and columns, in mm; wide by default.

    Returns
    -------
    Template
        Ready to be fitted.

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

    points_mm = grid.positions_mm(points_px)
    modes = deformation.at(points_mm)
    photometric = _photometric(template, deformation.smooth_fields(points_mm), weight)
    slope = [row_gradient * scale[0] * weight, col_gradient * scale[1] * weight]
    steepest = np.vstack([modes * slope[0], modes * slope[1]])
    steepest -= (steepest @ photometric[:2].T) @ photometric[:2]
    information = steepest @ (steepest - (steepest @ photometric.T) @ photometric).T
    down, right = 0, len(modes)
    prior = np.full(len(steepest), stiffness**2)
    prior[[down, right]] = 1.0
    covariance = np.linalg.inv(information + np.diag(prior))[np.ix_([down, right], [down, right])]
    prior[[down, right]] = np.square(TRANSLATION_SD_MM / np.asarray(translation_mm))
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
    """Return values of the grid's image at some pixels, and their gradients per pixel along rows and columns."""
    row_px, col_px = (rows + RIM).astype(np.float32), (cols + RIM).astype(np.float32)
    value, row_gradient, col_gradient = (np.empty(len(rows), np.float32) for _ in range(3))
    sample_with_gradient(grid.image, row_px, col_px, value, row_gradient, col_gradient)
    return value, row_gradient, col_gradient


def _single(array: Array) -> NDArray[np.float32]:
    return np.ascontiguousarray(array, dtype=np.float32)


def _weight(template: Array, reach: Array, density_mm2: float) -> Array:
    """Return the weight of each point: 1 over the standard deviation of its residual.

    It decreases like a Gaussian with `reach`, the distance from the target over the context. As neighbouring residuals
    are correlated, the variance is multiplied by the number of points per correlated area, from `density_mm2`, the
    points per mm^2.
    """
    variance = float(template.var())
    if not variance > 1e-10 * max(float(np.square(template).mean()), 1e-30):
        raise TargetError("target: the reference is constant around it; choose a reference on which it is visible")
    correlated = max(1.0, CORRELATED_AREA_MM2 * density_mm2)
    return np.asarray(np.exp(-np.square(reach)) / np.sqrt(DIFFERENCE_SHARE * variance * correlated))


def _in_target(distance_mm: NDArray[np.float32], pixel_mm: float) -> NDArray[np.bool_]:
    """Return True for points in the target or next to it, or for the `FEWEST_POINTS` nearest ones."""
    return np.asarray(distance_mm <= max(pixel_mm, float(np.sort(distance_mm)[FEWEST_POINTS - 1])), dtype=np.bool_)


def _photometric(template: Array, smooth: Array, weight: Array) -> Array:
    """Return weighted orthogonal directions of brightness changes, which carry no information about motion.

    Constant (offset) and template (gain) have unit length and are projected out completely. The square of the template
    models different changes of bright and dark tissue, and a Gaussian process like that of the deformation models a
    smooth additive field; the length of these directions is the expected share of brightness change in them, against
    noise.
    """
    spread = float(template.std())
    curve = np.square((template - template.mean()) / spread)
    basis, triangle = np.linalg.qr((np.vstack([np.ones_like(template), template, curve]) * weight).T)
    # The second direction has the sign of the template, so that the gain is positive.
    basis = (basis * np.where(np.diag(triangle) < 0.0, -1.0, 1.0)).T
    field = smooth * (ILLUMINATION_SHARE * spread * weight)
    field -= (field @ basis.T) @ basis
    _, strength, directions = np.linalg.svd(field, full_matrices=False)
    bending = CURVE_SHARE * spread * abs(triangle[2, 2])
    return np.vstack([basis[:2], basis[2] * _expected(bending), directions * _expected(strength)[:, None]])


def _expected(strength: Array | float) -> Array:
    """Return the length of a direction from its signal-to-noise ratio: 1 without noise."""
    return np.asarray(strength / np.sqrt(1.0 + np.square(strength)), dtype=np.float64)


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
