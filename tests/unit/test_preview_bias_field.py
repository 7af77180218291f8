"""What stands still in the images while the anatomy moves is found, and nothing else."""

import numpy as np
import pytest

from gatekeeper.tracking.grid import RIM
from gatekeeper.tracking.preview import bias_field
from gatekeeper.tracking.preview.bias_field import BRIGHTEST, DARKEST, with_bias_field
from gatekeeper.tracking.preview.motion_compensated import motion_compensated
from gatekeeper.tracking.template_fit import TemplateFit
from tests.support.previews import SCENE, breath_mm, breathing_frames, known, model_of

MOVES_MM = breath_mm(60)
FRAMES = breathing_frames(MOVES_MM, noise=20.0)


def bands(depth, phase=0.0):
    """Return a field (H, W) of stripes 29 mm apart."""
    row = np.arange(SCENE.shape[0]) * SCENE.spacing_mm[0]
    return np.broadcast_to(1.0 + depth * np.sin(2.0 * np.pi * row / 29.0 + phase)[:, None], SCENE.shape)


def learned(frames, field_on_reference=1.0, moves_mm=MOVES_MM):
    """Return the model of a reference and of frames on which the motion is known; None when nothing stands still."""
    model = model_of(image=SCENE.image() * field_on_reference)
    return with_bias_field(model, motion_compensated(model, known(model, moves_mm), np.asarray(frames, np.float32)))


def test_stripes_that_stand_still_are_found_as_they_are():
    field = bands(0.25)
    model = learned(FRAMES * field, field)
    visited = np.unique(np.concatenate([model.fine.points_px, model.fine.points_px + np.array([7, -1])]), axis=0)
    found = (model.fine.bias_correction * field)[tuple(visited.T)]
    before = field[tuple(visited.T)]
    assert found.std() / found.mean() < 0.35 * before.std() / before.mean()


def test_the_reference_is_evened_out_with_the_frames():
    field = bands(0.25)
    model = learned(FRAMES * field, field)
    plain = model_of(image=SCENE.image() * field)
    image = model.fine.grid.image[RIM:-RIM, RIM:-RIM]
    np.testing.assert_allclose(image, plain.fine.grid.image[RIM:-RIM, RIM:-RIM] * model.fine.bias_correction, rtol=1e-6)
    assert not np.array_equal(model.fine.templates[0].steepest, plain.fine.templates[0].steepest)


def test_both_resolutions_are_evened_out_by_the_same_field():
    field = bands(0.25)
    model = learned(FRAMES * field, field)
    rows, cols = model.coarse.grid.distance_mm.shape
    assert model.coarse.bias_correction.shape == (rows, cols)
    assert model.fine.bias_correction.shape == model.fine.grid.distance_mm.shape
    for scale in (model.fine, model.coarse):
        assert scale.bias_correction.dtype == np.float32
        assert scale.bias_correction.flags.c_contiguous
    joined = model.fine.bias_correction[: 2 * rows, : 2 * cols].reshape(rows, 2, cols, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(model.coarse.bias_correction, joined, rtol=1e-6)


def test_what_sees_further_than_the_field_is_known_goes():
    field = bands(0.25)
    assert model_of().stiff is not None
    assert learned(FRAMES * field, field).stiff is None


def test_nothing_is_found_where_nothing_stands_still():
    assert learned(FRAMES) is None


@pytest.mark.parametrize("seed", range(3))
def test_frames_of_changing_brightness_show_nothing_that_stands_still(seed):
    gain = np.random.default_rng(seed).uniform(0.7, 1.3, len(FRAMES))[:, None, None]
    assert learned(FRAMES * gain) is None


def test_stripes_that_wander_are_refused():
    phases = np.random.default_rng(2).uniform(0.0, 2.0 * np.pi, len(FRAMES))
    assert learned(FRAMES * np.stack([bands(0.25, phase) for phase in phases])) is None


def test_stripes_that_move_with_the_anatomy_are_the_anatomy():
    frames = np.stack(
        [
            frame * bands(0.25, -2.0 * np.pi * down_mm / 29.0)
            for frame, (down_mm, _) in zip(FRAMES, MOVES_MM, strict=True)
        ]
    )
    assert learned(frames, bands(0.25)) is None


def test_without_motion_a_field_cannot_be_told_from_the_anatomy():
    frames = breathing_frames(np.zeros((60, 2)), noise=20.0) * bands(0.25)
    assert learned(frames, bands(0.25), np.zeros((60, 2))) is None


def test_the_brightness_of_frames_does_not_matter():
    field, gain = bands(0.25), np.random.default_rng(1).uniform(0.8, 1.2, len(FRAMES))[:, None, None]
    plain, alike = (
        learned(FRAMES * field, field).fine.bias_correction,
        learned(FRAMES * field * gain, field).fine.bias_correction,
    )
    np.testing.assert_allclose(alike, plain, rtol=0.05)


def test_a_field_never_leaves_its_limits(monkeypatch):
    """Nor would one that is believed in spite of what it leaves unexplained."""
    monkeypatch.setattr(bias_field, "MOST_LEFT", np.inf)
    field = np.where(bands(1.0) > 1.0, 8.0, 0.25)
    model = learned(FRAMES * field, field)
    for scale in (model.fine, model.coarse):
        assert scale.bias_correction.min() >= np.float32(1.0 / BRIGHTEST)
        assert scale.bias_correction.max() <= np.float32(1.0 / DARKEST)
    ends = (1.0 / BRIGHTEST, 1.0 / DARKEST)
    assert np.isclose([model.fine.bias_correction.min(), model.fine.bias_correction.max()], ends, rtol=1e-6).any()


def test_far_from_the_target_nothing_is_evened_out():
    model = learned(FRAMES * bands(0.25), bands(0.25))
    corners = model.fine.bias_correction[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(corners, 1.0, atol=1e-3)


def test_no_frame_has_a_share_in_the_field_that_predicts_it(monkeypatch):
    learned_from, predicted = [], []
    estimate, squares = bias_field._Samples.estimate, bias_field._Samples.squares

    def noted_estimate(self, which):
        learned_from.append(set(which.tolist()))
        return estimate(self, which)

    def noted_squares(self, which, field, tissue):
        if field is not None:
            predicted.extend(which.tolist())
            assert not learned_from[-1] & set(which.tolist())
        return squares(self, which, field, tissue)

    monkeypatch.setattr(bias_field._Samples, "estimate", noted_estimate)
    monkeypatch.setattr(bias_field._Samples, "squares", noted_squares)
    learned(FRAMES)
    assert sorted(predicted) == list(range(len(FRAMES)))


def test_a_level_that_evens_out_fits_a_banded_frame_as_another_fits_the_plain_one():
    field, model = bands(0.25), model_of()
    (template,) = model.fine.templates
    plain = TemplateFit(template, SCENE.shape)
    even = TemplateFit(template, SCENE.shape, (1.0 / field).astype(np.float32))
    frame = SCENE.image((5.0, -2.0))
    found, alike = np.zeros((2, model.count), np.float32)
    assert plain.fit(frame, found, 20)
    assert even.fit((frame * field).astype(np.float32), alike, 20)
    np.testing.assert_allclose(alike, found, atol=0.05)
    assert even.correlation == pytest.approx(plain.correlation, abs=0.01)
