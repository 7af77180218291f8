"""Build the tracking model of a region: deformation modes, templates and the rigid search."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from gatekeeper.config import TrackerConfig
from gatekeeper.core.errors import TargetError
from gatekeeper.tracking.deformation import DeformationModes, deformation_modes
from gatekeeper.tracking.grid import Grid, make_grid, select_points
from gatekeeper.tracking.motion_history import NO_PREVIEW
from gatekeeper.tracking.motion_prior import MotionPrior, first_motion_prior
from gatekeeper.tracking.region import Region
from gatekeeper.tracking.rigid_search import Search, make_search
from gatekeeper.tracking.template import Template, make_template

RESOLUTION_MM = 1.3
"""Lower limit of the smoothing of images along each axis: standard deviation."""

COARSE_FACTOR = 2
"""Side of the pixel blocks of the coarse fit, and lower limit for the search."""

MOST_ERROR_MM = 10.0
"""Upper limit of the expected error of the target's centre on the reference: standard deviation."""

BOX_MM = 12.0
"""Extent of the search box around the target, at most as much as the context."""

STIFF_WIDER_MM = 25.0
"""Additional context of the stiff model, which is used on frames that are mostly noise."""
STIFF_FACTOR = 8.0
"""Ratio by which the stiff model expects less deformation: less accurate on good frames, more robust to noise."""

VARIANCE_SHARE = 0.985
MOST_MODES = 14
MOST_POINTS, MOST_COARSE_POINTS = 1000, 300
"""Limits of the cost: modes per axis, and points of a fine and of a coarse template."""

LARGE_MM = 35.0
"""Half of a target's longer side above which it is large, such as an organ, in mm: its deformation has a second part as
long as its region, and as many modes as its region has squares of the correlation length."""
LARGE_CONTEXT = 0.5
"""Share of the context that is used around a large target, whose own edge and inside determine its position. What is
next to an organ stands still or slides along it."""
LARGE_STIFFNESS = 4.0
"""Ratio by which less deformation of a large target is expected than of a small one of the same strain: what differs
between two states of breathing, such as vessels that leave the plane, is more in it, and correlated over more of it."""
WALL_MM, WALL_WIDTH_MM = 24.0, 8.0
"""Distance at which the sides of a large target that slide along walls count as they lie on its outline, and the
distance on either side of the outline over which this fades, in mm. On a sagittal image these are front and back."""
MOST_LARGE_POINTS, MOST_LARGE_COARSE_POINTS, MOST_LARGE_MODES = 1500, 600, 24
"""Upper limits of the cost of a large target."""


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """The region at one resolution.

    Attributes
    ----------
    grid : Grid
        The reference at this resolution.
    points_px : ndarray of int, shape (N, 2)
        Grid pixels of the templates' points.
    context_mm, stiffness : float
        See `make_template`.
    translation_mm : tuple of float
        See `make_template`.
    templates : tuple of Template
        The template of the reference alone, or one for each breathing state.
    bias_correction : ndarray of float32, shape (h, w), or None
        Correction factors on the grid for a static bias field, such as banding; None without correction.
    """

    grid: Grid
    points_px: NDArray[np.intp]
    context_mm: float
    stiffness: float
    translation_mm: tuple[float, float]
    templates: tuple[Template, ...]
    bias_correction: NDArray[np.float32] | None = None

    def template(self, image: NDArray[np.float32], deformation: DeformationModes) -> Template:
        """Return the template of an image on the same grid."""
        grid = replace(self.grid, image=image)
        return make_template(grid, self.points_px, deformation, self.context_mm, self.stiffness, self.translation_mm)


@dataclass(frozen=True, slots=True, eq=False)
class StiffModel:
    """The region at two resolutions, with more context and less deformation, for frames that are mostly noise."""

    fine: Scale
    coarse: Scale


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Everything that is computed from a region before the first frame.

    Attributes
    ----------
    region : Region
        The target on the reference.
    config : TrackerConfig
        The settings.
    deformation : DeformationModes
        Deformation of the anatomy around the target.
    contour_modes : ndarray of float64, shape (K, N)
        Displacement in mm of the outline's points per unit of each parameter.
    fine, coarse : Scale
        The region at two resolutions; the coarse one has one template.
    stiff : StiffModel or None
        Model for frames that are mostly noise; None with a bias correction, and for a large target, which has points
        enough.
    motion_prior : MotionPrior
        Distribution of the target's displacement.
    preview_mm : ndarray of float64, shape (T, 2)
        Displacements on the preview, see `MotionHistory`.
    states_mm : tuple of float
        Displacement of the breathing state of each fine template along the leading axis, in mm, ascending.
    """

    region: Region
    config: TrackerConfig
    deformation: DeformationModes
    contour_modes: NDArray[np.float64]
    fine: Scale
    coarse: Scale
    motion_prior: MotionPrior
    stiff: StiffModel | None = None
    preview_mm: NDArray[np.float64] = field(default_factory=lambda: NO_PREVIEW)
    states_mm: tuple[float, ...] = (0.0,)

    @property
    def count(self) -> int:
        """Number of parameters of a displacement."""
        return 2 * self.deformation.count

    @property
    def is_large(self) -> bool:
        """Whether the target is large, such as an organ."""
        return self.deformation.wide is not None

    @property
    def search_mm(self) -> tuple[float, float]:
        """Search range to either side of the reference position along rows and columns, in mm."""
        rows, cols = self.region.axes
        return self.config.range_mm(rows), self.config.range_mm(cols)

    def search(self) -> Search:
        """Return a rigid search for the target's box over the full search range, with its own buffers."""
        region = self.region
        box_px, weight = min(BOX_MM, self.config.context_mm) / np.asarray(region.spacing_mm), None
        if self.is_large:
            box_px = self.fine.context_mm / np.asarray(region.spacing_mm)
            weight = np.exp(-np.square(_distance_mm(region) / self.fine.context_mm), dtype=np.float32)
        return make_search(
            region.image,
            region.contour_px.min(axis=0) - box_px,
            region.contour_px.max(axis=0) + box_px,
            region.spacing_mm,
            self.coarse.grid.factor,
            self.search_mm,
            weight,
        )


def make_model(region: Region, config: TrackerConfig) -> Model:
    """Return the model of the reference alone, without a preview.

    Parameters
    ----------
    region : Region
        The target on the reference.
    config : TrackerConfig
        The settings.

    Returns
    -------
    Model
        With one template per resolution.

    Raises
    ------
    TargetError
        When the image around the target does not determine its position.
    """
    contour_mm = region.contour_mm
    deformation = _deformation(contour_mm, config)
    large = deformation.wide is not None
    context_mm = (LARGE_CONTEXT if large else 1.0) * config.context_mm
    most = (MOST_LARGE_POINTS, MOST_LARGE_COARSE_POINTS) if large else (MOST_POINTS, MOST_COARSE_POINTS)
    share = min(0.5 * (RESOLUTION_MM / max(region.spacing_mm)) ** 2, 0.25)
    contour_modes = np.ascontiguousarray(deformation.at(contour_mm))
    distance_mm = _distance_mm(region) if large else region.distance_mm
    fine_grid, coarse_grid = (
        make_grid(region.image, distance_mm, region.spacing_mm, *factor_and_share)
        for factor_and_share in ((1, share), (COARSE_FACTOR, 0.0))
    )
    motion_prior = first_motion_prior(region.axes)
    translation_mm = motion_prior.translation_mm
    stiffness = LARGE_STIFFNESS if large else 1.0
    fine = _scale(fine_grid, deformation, context_mm, most[0], translation_mm, stiffness)
    error_mm = fine.templates[0].error_mm
    if not error_mm <= MOST_ERROR_MM:
        raise TargetError(
            f"target: the expected error of its position on the reference is {error_mm:.0f} mm; the limit is "
            f"{MOST_ERROR_MM:g} mm; choose a reference with more contrast around the target"
        )
    stiff = None
    if not large:
        wide_mm = config.context_mm + STIFF_WIDER_MM
        stiff = StiffModel(
            _scale(fine_grid, deformation, wide_mm, most[0], translation_mm, STIFF_FACTOR),
            _scale(coarse_grid, deformation, wide_mm, most[1], translation_mm, STIFF_FACTOR),
        )
    return Model(
        region=region,
        config=config,
        deformation=deformation,
        contour_modes=contour_modes,
        fine=fine,
        coarse=_scale(coarse_grid, deformation, context_mm, most[1], translation_mm, stiffness),
        motion_prior=motion_prior,
        stiff=stiff,
    )


def _deformation(contour_mm: NDArray[np.float64], config: TrackerConfig) -> DeformationModes:
    """Return the deformation of the target and its context; of a large target with a wide part."""
    low_mm, high_mm = contour_mm.min(axis=0) - config.context_mm, contour_mm.max(axis=0) + config.context_mm
    length_mm, sd_mm = config.deformation_length_mm, config.deformation_mm
    half_mm = 0.5 * float((high_mm - low_mm).max())
    if half_mm - config.context_mm <= LARGE_MM:
        return deformation_modes(low_mm, high_mm, length_mm, sd_mm, VARIANCE_SHARE, MOST_MODES).centred(contour_mm)
    # As many modes as independent parts, and a wide part of the same strain.
    most = min(max(round(float(np.prod(high_mm - low_mm)) / length_mm**2), MOST_MODES), MOST_LARGE_MODES)
    wide = deformation_modes(low_mm, high_mm, half_mm, sd_mm * half_mm / length_mm, VARIANCE_SHARE, MOST_MODES)
    smooth = deformation_modes(low_mm, high_mm, length_mm, sd_mm, VARIANCE_SHARE, most)
    return replace(smooth, wide=wide).centred(contour_mm)


def _distance_mm(region: Region) -> NDArray[np.float32]:
    """Return the distance (h, w) of each pixel from a large target, in mm, where the sides along walls lie outside."""
    outside = region.distance_mm > 0.0
    inner_mm = distance_transform_edt(~outside, sampling=region.spacing_mm)
    signed_mm = region.distance_mm - inner_mm
    width_px = WALL_WIDTH_MM / np.asarray(region.spacing_mm)
    down, right = np.gradient(gaussian_filter(signed_mm, width_px), *region.spacing_mm)
    walls = first_motion_prior(region.axes).wall
    facing = (walls[0] * np.square(down) + walls[1] * np.square(right)) / np.maximum(
        np.square(down) + np.square(right), 1e-12
    )
    wall_mm = WALL_MM * facing * np.exp(-np.square(signed_mm / WALL_WIDTH_MM))
    return np.ascontiguousarray(np.maximum(region.distance_mm, wall_mm), dtype=np.float32)


def _scale(
    grid: Grid,
    deformation: DeformationModes,
    context_mm: float,
    most: int,
    translation_mm: tuple[float, float],
    stiffness: float = 1.0,
) -> Scale:
    points_px = select_points(grid, context_mm, most)
    template = make_template(grid, points_px, deformation, context_mm, stiffness, translation_mm)
    return Scale(grid, points_px, context_mm, stiffness, translation_mm, (template,))
