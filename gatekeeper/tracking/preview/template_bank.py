"""Build a bank of templates, one for each breathing state, from the reference and the preview's frames.

The frames are moved onto the reference by the displacement found on them, matched to its brightness, and averaged,
so that noise and flow average out. The reference keeps its weight in each template, so that no template can drift away
from the outlined target.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.grid import RIM
from gatekeeper.tracking.model import Model, Scale
from gatekeeper.tracking.preview.motion_compensated import MotionCompensated
from gatekeeper.tracking.template import Template

STATES = 3
"""Number of templates."""
WIDTH = 0.75
"""Standard deviation of a state's weights, over the range of motion per state."""
REFERENCE_SHARE = 0.5
"""Weight of the reference in each template."""
REFERENCE_SHARE_OF_STIFF = 0.1
"""Weight of the reference for stiff anatomy, where differences between frames, and from the reference, are noise."""

Array = NDArray[np.float64]


def with_template_bank(model: Model, frames: MotionCompensated, share: float) -> Model:
    """Return the model with a template for each breathing state.

    The stiff model has one template for all states.

    Parameters
    ----------
    model : Model
        The model with a single template.
    frames : MotionCompensated
        Frames of the preview, moved onto the reference and matched to its brightness.
    share : float
        Weight of the reference in each template, 0-1.

    Returns
    -------
    Model
        With `STATES` templates, at equally populated quantiles of the displacement along the leading axis.
    """
    states_mm = frames.states_mm
    centres_mm = np.quantile(states_mm, (np.arange(STATES) + 0.5) / STATES)
    width_mm = WIDTH * max(float(np.ptp(states_mm)), 1.0) / STATES

    def template(scale: Scale, weights: Array | None) -> Template:
        average = np.average(frames.values, axis=0, weights=weights)
        return _template(model, scale, frames, share * frames.reference + (1.0 - share) * average)

    near = [np.exp(-0.5 * np.square((states_mm - centre_mm) / width_mm)) for centre_mm in centres_mm]
    fine = replace(model.fine, templates=tuple(template(model.fine, weights) for weights in near))
    stiff = model.stiff
    if stiff is not None:
        stiff = replace(stiff, fine=replace(stiff.fine, templates=(template(stiff.fine, None),)))
    return replace(model, fine=fine, stiff=stiff, states_mm=tuple(map(float, centres_mm)))


def match_brightness(values: Array, reference: Array) -> Array:
    """Return images (T, h, w) with gain and offset fitted to the reference (h, w) by least squares."""
    centred = values - values.mean(axis=(1, 2), keepdims=True)
    goal = reference - reference.mean()
    gain = (centred * goal).sum(axis=(1, 2)) / np.maximum(np.square(centred).sum(axis=(1, 2)), 1e-30)
    return np.asarray(centred * gain[:, None, None] + reference.mean(), dtype=np.float64)


def _template(model: Model, scale: Scale, frames: MotionCompensated, image: Array) -> Template:
    """Return the template of the reference with an image (h, w) in place of its box."""
    full = scale.grid.image.copy()
    row, col = frames.corner_px
    rows, cols = image.shape
    full[RIM + row : RIM + row + rows, RIM + col : RIM + col + cols] = image
    return scale.template(full, model.deformation)
