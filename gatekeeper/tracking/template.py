"""Build templates of the target's surroundings on the reference image, ready to be fitted to frames."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import TargetError
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM, DeformationModes
from gatekeeper.tracking.grid import FEWEST_POINTS, Grid

CORRELATED_AREA_MM2 = 100.0
"""Area over which differences between frames (flow, blur, through-plane change) are correlated, in mm^2."""

DIFFERENCE_SHARE = 0.1
"""Variance of those differences, over the variance of the template."""

ILLUMINATION_SHARE = 0.5
"""Standard deviation of smooth changes of illumination (coils, banding, contrast agent), over that of the template."""

CURVE_SHARE = 0.3
"""Standard deviation of a quadratic change of brightness, as when contrast agent brightens the liver but not vessels
or lesion: at one standard deviation of the template from its mean, over that standard deviation."""

WIDE_STIFFNESS = 0.5
"""Stiffness of the wide part of a deformation, over that of the rest: what else differs between frames, such as other
vessels in the plane, looks like deformation over a few centimetres, and hardly like a turn or stretch of all."""

HELD = 1e6
"""Prior precision of a translation that is held where it is, in units of its usual one."""

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
    information : ndarray of float64, shape (2 K, 2 K)
        What the image says about the parameters: `inverse_hessian` without the prior, inverted.
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
    information: Array

    def stiffer(self, ratio: float) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
        """Return `prior`, `inverse_hessian` and `error_mm` with less deformation expected by a ratio.

        The translation is as free as before.
        """
        prior = self.prior * np.float32(ratio**2)
        translation = [0, len(self.modes)]
        prior[translation] = 1.0
        error_mm = _error_mm(self.information, prior)
        prior[translation] = self.prior[translation]
        return prior, _single(_inverse(self.information, prior)), error_mm

    def held(self) -> "Template":
        """Return a template whose fits deform it, but do not translate it."""
        prior = self.prior.copy()
        prior[[0, len(self.modes)]] = HELD
        return replace(self, prior=prior, inverse_hessian=_single(_inverse(self.information, prior)))

    @property
    def least_determined(self) -> tuple[float, float]:
        """Unit vector (row, col) of the translation that the image determines least."""
        prior = self.prior.copy()
        prior[[0, len(self.modes)]] = 1.0
        down, right = np.linalg.eigh(_covariance(self.information, prior))[1][:, -1].tolist()
        return down, right


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
        Ratio by which the expected deformation is less than that of `deformation`; of its wide part see
        `WIDE_STIFFNESS`.
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
    value, row_gradient, col_gradient = grid.sample(rows, cols)
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
    if deformation.wide is not None:
        for translation in (down, right):
            prior[translation : translation + deformation.wide_count] *= WIDE_STIFFNESS**2
    prior[[down, right]] = 1.0
    error_mm = _error_mm(information, prior)
    prior[[down, right]] = np.square(TRANSLATION_SD_MM / np.asarray(translation_mm))
    return Template(
        factor=grid.factor,
        share=grid.share,
        values=_single(template),
        in_target=_in_target(grid.distance_mm[rows, cols], 1.05 / scale.min()),
        error_mm=error_mm,
        points=_single(np.vstack([points_px.T, weight])),
        modes=_single(modes),
        steepest=_single(steepest),
        prior=_single(prior),
        inverse_hessian=_single(_inverse(information, prior)),
        photometric=_single(photometric),
        norm=float(photometric[1] @ (weight * template)),
        row_scale=float(scale[0]),
        col_scale=float(scale[1]),
        information=information,
    )


def _inverse(information: Array, prior: NDArray[np.floating]) -> Array:
    return np.asarray(np.linalg.inv(information + np.diag(prior)), dtype=np.float64)


def _error_mm(information: Array, prior: NDArray[np.floating]) -> float:
    """Return the posterior standard deviation of the translation along its least determined direction, in mm."""
    return TRANSLATION_SD_MM * float(np.sqrt(np.linalg.eigvalsh(_covariance(information, prior))[-1]))


def _covariance(information: Array, prior: NDArray[np.floating]) -> Array:
    """Return the posterior covariance (2, 2) of the translation, in its prior standard deviations."""
    translation = [0, len(prior) // 2]
    return _inverse(information, prior)[np.ix_(translation, translation)]


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
