"""Learning: from a preview without labels, all that makes the following frames easier to track.

In turn: whether the anatomy may be taken as stiff, whether something stands still in the images that should be evened
out, the path along which breathing moves the target, and a bank of templates over the breathing states. What the
preview does not prove is left as it was.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.model import Model, make_model
from gatekeeper.tracking.motion_prior import learn_motion_prior
from gatekeeper.tracking.preview.bias_field import with_bias_field
from gatekeeper.tracking.preview.motion_compensated import motion_compensated
from gatekeeper.tracking.preview.report import FEWEST_FRAMES, PreviewReport, preview_report
from gatekeeper.tracking.preview.stiffness import STIFFER, is_stiff, stiffened
from gatekeeper.tracking.preview.template_bank import (
    REFERENCE_SHARE,
    REFERENCE_SHARE_OF_STIFF,
    matched,
    with_template_bank,
)
from gatekeeper.tracking.preview.trajectory import Trajectory, trajectory
from gatekeeper.tracking.template_tracker import TemplateTracker

Frames = Sequence[NDArray[np.float32] | None]


def learn(first: Model, frames: Frames) -> tuple[Model, PreviewReport]:
    """Return what a preview teaches, and the report on it.

    Parameters
    ----------
    first : Model
        What the reference alone gives.
    frames : sequence of ndarray of float32, shape (H, W), or None
        Canonical frames in their order; None for one that shows nothing.
    """
    model, seen = first, _seen_by_itself(first, frames)
    if not _enough(seen):
        return first, preview_report(seen, first, None, first)
    for share in STIFFER:
        stiff = make_model(first.region, stiffened(first.config, share))
        stiffly = _seen_by_itself(stiff, frames)
        if not (_enough(stiffly) and is_stiff(seen, stiffly)):
            break
        model, seen = stiff, stiffly
    moved = motion_compensated(model, seen, frames)
    evened = with_bias_field(model, moved)
    if evened is not None and _enough(evenly := trajectory(TemplateTracker(evened), frames)):
        model, seen = evened, evenly
        moved = motion_compensated(model, seen, frames)
    moved = replace(moved, values=matched(moved.values, moved.reference))
    share = REFERENCE_SHARE if model.config == first.config else REFERENCE_SHARE_OF_STIFF
    model = replace(with_template_bank(model, moved, share), path=learn_motion_prior(seen.moves_mm[seen.found]))
    return model, preview_report(trajectory(TemplateTracker(model), frames), model, moved, first)


def _seen_by_itself(model: Model, frames: Frames) -> Trajectory:
    """Return what a model sees without the steady model's say, which would hide how it differs from another."""
    return trajectory(TemplateTracker(replace(model, steady=None)), frames)


def _enough(seen: Trajectory) -> bool:
    """Return whether the target was found on so many frames that something can be learned from them."""
    return int(seen.found.sum()) >= FEWEST_FRAMES
