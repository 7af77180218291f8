"""Bank: one template for each breathing state, of the reference and of the preview's frames in that state.

The frames are moved onto the reference by the displacement that was found on them, brought to its brightness, and
averaged, so that noise and flow cancel out. The reference keeps its weight in each template: what the target
is remains what was drawn on the reference, and no template can drift away from it.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.model import Model, Scale
from gatekeeper.tracking.preview.motion_compensated import MotionCompensated
from gatekeeper.tracking.template import RIM, Template

STATES = 3
"""How many templates there are."""
WIDTH = 0.75
"""Standard deviation of a state, as a share of the motion's range over the number of states."""
REFERENCE_SHARE = 0.5
"""Weight of the reference in each template."""
REFERENCE_SHARE_OF_STIFF = 0.1
"""The same where anatomy is stiff: what differs between frames is noise then, and the reference is noisy, too."""

Array = NDArray[np.float64]


def with_template_bank(model: Model, frames: MotionCompensated, share: float) -> Model:
    """Return the model with a template for each of `STATES` states, evenly populated by frames of matched gain.

    `share` is the weight of the reference in each template, 0-1. The steady model has one template of all states.
    """
    states_mm = frames.states_mm
    centres_mm = np.quantile(states_mm, (np.arange(STATES) + 0.5) / STATES)
    width_mm = WIDTH * max(float(np.ptp(states_mm)), 1.0) / STATES

    def template(scale: Scale, weights: Array | None) -> Template:
        average = np.average(frames.values, axis=0, weights=weights)
        return _template(model, scale, frames, share * frames.reference + (1.0 - share) * average)

    near = [np.exp(-0.5 * np.square((states_mm - centre_mm) / width_mm)) for centre_mm in centres_mm]
    fine = replace(model.fine, templates=tuple(template(model.fine, weights) for weights in near))
    steady = model.steady
    if steady is not None:
        steady = replace(steady, fine=replace(steady.fine, templates=(template(steady.fine, None),)))
    return replace(model, fine=fine, steady=steady, states_mm=tuple(map(float, centres_mm)))


def matched(values: Array, reference: Array) -> Array:
    """Return images (T, h, w) with the gain and offset at which each is the most like the reference."""
    centred = values - values.mean(axis=(1, 2), keepdims=True)
    goal = reference - reference.mean()
    gain = (centred * goal).sum(axis=(1, 2)) / np.maximum(np.square(centred).sum(axis=(1, 2)), 1e-30)
    return np.asarray(centred * gain[:, None, None] + reference.mean(), dtype=np.float64)


def _template(model: Model, scale: Scale, frames: MotionCompensated, image: Array) -> Template:
    """Return the template of an image (h, w) in the place of the reference."""
    whole = scale.grid.image.copy()
    row, col = frames.corner_px
    rows, cols = image.shape
    whole[RIM + row : RIM + row + rows, RIM + col : RIM + col + cols] = image
    return scale.template(whole, model.free)
