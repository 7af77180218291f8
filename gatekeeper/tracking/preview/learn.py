"""Learn a tracking model from a preview without labels.

In turn: the stiffness of the anatomy, a static bias field, the path along which breathing moves the target, and a bank
of templates over the breathing states. What the preview does not establish is left unchanged.
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
    match_brightness,
    with_template_bank,
)
from gatekeeper.tracking.preview.trajectory import Trajectory, track_frames
from gatekeeper.tracking.template_tracker import TemplateTracker

Frames = Sequence[NDArray[np.float32] | None]


def learn(first: Model, frames: Frames) -> tuple[Model, PreviewReport]:
    """Learn from a preview, and report on it.

    Parameters
    ----------
    first : Model
        Model of the reference alone.
    frames : sequence of ndarray of float32, shape (H, W), or None
        Frames at working resolution in the order of acquisition; None for one that cannot be used.

    Returns
    -------
    model : Model
        The learned model, or `first` when the target is found on fewer than `FEWEST_FRAMES` frames.
    report : PreviewReport
        How well the target can be tracked with it.
    """
    model, trajectory = first, _track_without_stiff_model(first, frames)
    if not _found_enough(trajectory):
        return first, preview_report(trajectory, first, None, first)
    for share in STIFFER:
        candidate = make_model(first.region, stiffened(first.config, share))
        stiff_trajectory = _track_without_stiff_model(candidate, frames)
        if not (_found_enough(stiff_trajectory) and is_stiff(trajectory, stiff_trajectory)):
            break
        model, trajectory = candidate, stiff_trajectory
    compensated = motion_compensated(model, trajectory, frames)
    corrected = with_bias_field(model, compensated)
    if corrected is not None:
        corrected_trajectory = track_frames(TemplateTracker(corrected), frames)
        if _found_enough(corrected_trajectory):
            model, trajectory = corrected, corrected_trajectory
            compensated = motion_compensated(model, trajectory, frames)
    moves_mm = trajectory.moves_mm[trajectory.found]
    motion_prior = learn_motion_prior(model.motion_prior, moves_mm)
    compensated = replace(
        compensated,
        values=match_brightness(compensated.values, compensated.reference),
        states_mm=moves_mm[:, motion_prior.leading],
    )
    share = REFERENCE_SHARE if model.config == first.config else REFERENCE_SHARE_OF_STIFF
    sure_mm = np.where(trajectory.sure[:, None], trajectory.moves_mm, np.nan)
    model = replace(with_template_bank(model, compensated, share), motion_prior=motion_prior, preview_mm=sure_mm)
    return model, preview_report(track_frames(TemplateTracker(model), frames), model, compensated, first)


def _track_without_stiff_model(model: Model, frames: Frames) -> Trajectory:
    """Return the trajectory of a model without its stiff model, which would hide differences between models."""
    return track_frames(TemplateTracker(replace(model, stiff=None)), frames)


def _found_enough(trajectory: Trajectory) -> bool:
    """Return True when the target was found on enough frames to learn from."""
    return int(trajectory.found.sum()) >= FEWEST_FRAMES
