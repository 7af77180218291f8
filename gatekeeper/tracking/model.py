"""Model: all that is made of a region once, before frames come: displacement modes, templates and the rigid search."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import TrackerConfig
from gatekeeper.errors import TargetError
from gatekeeper.tracking.freeform import FreeForm, free_form
from gatekeeper.tracking.reference import Template, make_template
from gatekeeper.tracking.region import Region
from gatekeeper.tracking.search import Search, make_search

WORKING_MM = 1.9
"""Pixels are joined until they are about this large; cine-MR resolves no less."""
RESOLUTION_MM = 1.3
"""Images are smoothed to at least this standard deviation along each axis."""
FEWEST_GRID_PX = 16
"""But pixels are not joined further than to this many along the shorter side of the image."""

MOST_ERROR_MM = 10.0
"""A reference on which the target's centre is determined no better than this, as standard deviation, is useless."""

BOX_MM = 12.0
"""The search box reaches this far around the target."""

VARIANCE_SHARE = 0.985
MOST_MODES = 14
MOST_POINTS = 1200
"""Limits of the cost: modes per axis, and points of a template."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A region in the form in which frames are fitted.

    Attributes
    ----------
    region : Region
    config : TrackerConfig
    free : FreeForm
        How the anatomy around the target may move.
    contour_modes : ndarray of float64, shape (K, N)
        Displacement in mm of the outline's points per unit of each parameter.
    fine, coarse : Template
        The reference at two resolutions.
    search : Search
        The rigid search over the whole range; it holds buffers, so a model serves one follower.
    """

    region: Region
    config: TrackerConfig
    free: FreeForm
    contour_modes: NDArray[np.float64]
    fine: Template
    coarse: Template
    search: Search


def make_model(region: Region, config: TrackerConfig) -> Model:
    """Return the model of a region.

    Raises
    ------
    TargetError
        When the image around the target does not determine where it is.
    """
    spacing = np.asarray(region.spacing_mm)
    contour_mm = region.contour_mm
    low_mm, high_mm = contour_mm.min(axis=0), contour_mm.max(axis=0)
    free = free_form(
        low_mm - config.context_mm,
        high_mm + config.context_mm,
        config.deformation_length_mm,
        config.deformation_mm,
        VARIANCE_SHARE,
        MOST_MODES,
    )
    shape = region.image.shape
    factor = max(1, min(round(WORKING_MM / max(spacing)), min(shape) // FEWEST_GRID_PX))
    share = min(0.5 * (RESOLUTION_MM / (factor * max(spacing))) ** 2, 0.25)
    fine, coarse = (
        make_template(
            region.image, region.distance_mm, region.spacing_mm, free, side, blur, config.context_mm, MOST_POINTS
        )
        for side, blur in ((factor, share), (2 * factor, 0.0))
    )
    contour_modes = np.ascontiguousarray(free.at(contour_mm))
    error_mm = fine.error_mm(contour_modes.mean(axis=1))
    if not error_mm <= MOST_ERROR_MM:
        raise TargetError(
            f"target: its position on the reference is certain to {error_mm:.0f} mm only, {MOST_ERROR_MM:g} mm are "
            "needed; choose a reference with more to be seen around it"
        )
    box_px = BOX_MM / spacing
    search = make_search(
        region.image,
        region.contour_px.min(axis=0) - box_px,
        region.contour_px.max(axis=0) + box_px,
        region.spacing_mm,
        2 * factor,
        (config.search_si_mm, config.search_ap_mm),
    )
    return Model(region, config, free, contour_modes, fine, coarse, search)
