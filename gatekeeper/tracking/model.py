"""Model: all that is made of a region once, before frames come: displacement modes, templates and the rigid search."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import TrackerConfig
from gatekeeper.core.errors import TargetError
from gatekeeper.tracking.deformation import DeformationModes, deformation_modes
from gatekeeper.tracking.motion_prior import UNKNOWN, MotionPrior
from gatekeeper.tracking.region import Region
from gatekeeper.tracking.rigid_search import Search, make_search
from gatekeeper.tracking.template import Grid, Template, chosen_points, make_grid, make_template

RESOLUTION_MM = 1.3
"""Images are smoothed to at least this standard deviation along each axis."""

COARSE_FACTOR = 2
"""Side of the blocks of pixels that are joined for the coarse fit, and at least for the search."""

MOST_ERROR_MM = 10.0
"""A reference on which the target's centre is determined no better than this, as standard deviation, is useless."""

BOX_MM = 12.0
"""The search box reaches this far around the target."""

STEADY_WIDER_MM = 25.0
"""On frames that are mostly noise a steadier model counts, which sees so much more around the target ..."""
STEADY_STIFFNESS = 8.0
"""... and expects so many times less deformation: less exact where there is none, and not led astray so far."""

VARIANCE_SHARE = 0.985
MOST_MODES = 14
MOST_POINTS, MOST_COARSE_POINTS = 1000, 300
"""Limits of the cost: modes per axis, and points of a fine and of a coarse template."""


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """The region at one resolution.

    Attributes
    ----------
    grid : Grid
        The reference.
    points_px : ndarray of int, shape (N, 2)
        The grid pixels that count.
    context_mm, stiffness : float
        See `make_template`.
    templates : tuple of Template
        The reference alone, or one for each breathing state.
    evening : ndarray of float32, shape (h, w), or None
        Factors on the grid that even out what stands still in the images, such as banding; None for none.
    """

    grid: Grid
    points_px: NDArray[np.intp]
    context_mm: float
    stiffness: float
    templates: tuple[Template, ...]
    evening: NDArray[np.float32] | None = None

    def template(self, image: NDArray[np.float32], free: DeformationModes) -> Template:
        """Return the template of an image on the same grid."""
        grid = replace(self.grid, image=image)
        return make_template(grid, self.points_px, free, self.context_mm, self.stiffness)


@dataclass(frozen=True, slots=True, eq=False)
class Steady:
    """The region at two resolutions, for frames that are mostly noise."""

    fine: Scale
    coarse: Scale


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A region in the form in which frames are fitted.

    Attributes
    ----------
    region : Region
    config : TrackerConfig
    free : DeformationModes
        How the anatomy around the target may move.
    contour_modes : ndarray of float64, shape (K, N)
        Displacement in mm of the outline's points per unit of each parameter.
    fine, coarse : Scale
        The region at two resolutions; the coarse one has one template.
    steady : Steady or None
        The same for frames that are mostly noise; None where a preview has shown what is to be evened out.
    states_mm : tuple of float
        The displacement along SI for which each fine template stands, in mm, ascending.
    path : MotionPrior
        The way along which breathing moves the target.
    """

    region: Region
    config: TrackerConfig
    free: DeformationModes
    contour_modes: NDArray[np.float64]
    fine: Scale
    coarse: Scale
    steady: Steady | None = None
    states_mm: tuple[float, ...] = (0.0,)
    path: MotionPrior = UNKNOWN

    @property
    def count(self) -> int:
        """How many parameters a displacement has."""
        return 2 * self.free.count

    def search(self) -> Search:
        """Return a rigid search of the target's box over the whole range, with buffers of its own."""
        region, config = self.region, self.config
        box_px = BOX_MM / np.asarray(region.spacing_mm)
        return make_search(
            region.image,
            region.contour_px.min(axis=0) - box_px,
            region.contour_px.max(axis=0) + box_px,
            region.spacing_mm,
            self.coarse.grid.factor,
            (config.search_si_mm, config.search_ap_mm),
        )


def make_model(region: Region, config: TrackerConfig) -> Model:
    """Return the model that the reference alone gives.

    Raises
    ------
    TargetError
        When the image around the target does not determine where it is.
    """
    contour_mm = region.contour_mm
    free = deformation_modes(
        contour_mm.min(axis=0) - config.context_mm,
        contour_mm.max(axis=0) + config.context_mm,
        config.deformation_length_mm,
        config.deformation_mm,
        VARIANCE_SHARE,
        MOST_MODES,
    ).centred(contour_mm)
    share = min(0.5 * (RESOLUTION_MM / max(region.spacing_mm)) ** 2, 0.25)
    contour_modes = np.ascontiguousarray(free.at(contour_mm))
    fine_grid, coarse_grid = (
        make_grid(region.image, region.distance_mm, region.spacing_mm, *factor_and_share)
        for factor_and_share in ((1, share), (COARSE_FACTOR, 0.0))
    )
    fine = _scale(fine_grid, free, config.context_mm)
    error_mm = fine.templates[0].error_mm
    if not error_mm <= MOST_ERROR_MM:
        raise TargetError(
            f"target: its position on the reference is certain to {error_mm:.0f} mm only, {MOST_ERROR_MM:g} mm are "
            "needed; choose a reference with more to be seen around it"
        )
    wide_mm = config.context_mm + STEADY_WIDER_MM
    return Model(
        region=region,
        config=config,
        free=free,
        contour_modes=contour_modes,
        fine=fine,
        coarse=_scale(coarse_grid, free, config.context_mm),
        steady=Steady(*(_scale(grid, free, wide_mm, STEADY_STIFFNESS) for grid in (fine_grid, coarse_grid))),
    )


def _scale(grid: Grid, free: DeformationModes, context_mm: float, stiffness: float = 1.0) -> Scale:
    points_px = chosen_points(grid, context_mm, MOST_POINTS if grid.factor == 1 else MOST_COARSE_POINTS)
    template = make_template(grid, points_px, free, context_mm, stiffness)
    return Scale(grid, points_px, context_mm, stiffness, (template,))
