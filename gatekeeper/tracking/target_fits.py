"""Build the fits of all templates of a target."""

import math
from typing import NamedTuple

from gatekeeper.tracking.model import Model
from gatekeeper.tracking.template_fit import SLACK, SLANT, TemplateFit

REJECT = 6.0
"""Residual from which on a point of a large target has no effect, in robust standard deviations."""
EXPECTED = 4.0
"""Ratio by which more deformation of a large target is expected than its stiff templates say, when fits are judged."""
RATIOS = 0.5, 1.0, 2.0, 4.0
"""Ratios by which fits of a large target may be stiffer than its templates, by what the image leaves unexplained."""
WIDE_SPREADS = 1.5
"""Margin that is read around a large target for the wide part of its deformation, in its standard deviations."""


class TargetFits(NamedTuple):
    """Fits of the templates of one target.

    Attributes
    ----------
    fine : tuple of TemplateFit
        One for each state of breathing.
    coarse : TemplateFit
        At half the resolution.
    stiff : TemplateFit or None
        Of the stiff model; None without one.
    stiff_coarse : TemplateFit
        Of the stiff model at half the resolution; `coarse` without one.
    """

    fine: tuple[TemplateFit, ...]
    coarse: TemplateFit
    stiff: TemplateFit | None
    stiff_coarse: TemplateFit


def make_target_fits(model: Model) -> TargetFits:
    """Return the fits of the templates of one target, with their buffers.

    Parameters
    ----------
    model : Model
        Model of the target.

    Returns
    -------
    TargetFits
        Each template in buffers of its own.
    """
    shape, wide = model.region.image.shape, model.deformation.wide
    ratios: tuple[float, ...] = (1.0,)
    slack, reject, expected = SLACK, 0.0, 1.0
    if wide is not None:
        slack, reject = SLACK + math.ceil(WIDE_SPREADS * wide.sd_mm / min(model.region.spacing_mm)), REJECT
        expected, ratios = EXPECTED, RATIOS
    fine, (coarse,) = (
        tuple(
            TemplateFit(
                template,
                shape,
                scale.bias_correction,
                slack=slack,
                reject=reject,
                slant=SLANT,
                expected=expected,
                ratios=ratios,
            )
            for template in templates
        )
        for scale, templates in ((model.fine, model.fine.templates), (model.coarse, model.coarse.templates[:1]))
    )
    if model.stiff is None:
        return TargetFits(fine, coarse, None, coarse)
    stiff, stiff_coarse = (
        TemplateFit(scale.templates[0], shape, stiffness=scale.stiffness)
        for scale in (model.stiff.fine, model.stiff.coarse)
    )
    return TargetFits(fine, coarse, stiff, stiff_coarse)
