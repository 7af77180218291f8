"""A template for each breathing state, half of it the reference."""

from dataclasses import fields, replace

import numpy as np
import pytest

from gatekeeper.tracking import model as models
from gatekeeper.tracking.grid import RIM
from gatekeeper.tracking.preview.motion_compensated import motion_compensated
from gatekeeper.tracking.preview.template_bank import REFERENCE_SHARE, STATES, match_brightness, with_template_bank
from tests.support.previews import SCENE, breath_mm, breathing_frames, known, model_of, reference_of, still

MODEL = model_of()
REFERENCE = reference_of(MODEL)
EVENLY_MM = np.linspace(0.0, 30.0, 31)
NOISE = 40.0


@pytest.fixture
def images(monkeypatch):
    """The images (H, W) of which templates are made."""
    seen, make_template = [], models.make_template

    def spy(grid, *rest):
        seen.append(grid.image[RIM:-RIM, RIM:-RIM].astype(np.float64))
        return make_template(grid, *rest)

    monkeypatch.setattr(models, "make_template", spy)
    return seen


def banked(model, frames):
    """Return the model with a bank in which the reference has half of the weight."""
    return with_template_bank(model, frames, REFERENCE_SHARE)


def noisy(count, seed=0):
    return REFERENCE + np.random.default_rng(seed).normal(scale=NOISE, size=(count, *REFERENCE.shape))


def test_gain_and_offset_are_undone_exactly():
    gain, offset = np.array([0.2, 1.0, 3.0])[:, None, None], np.array([-50.0, 0.0, 700.0])[:, None, None]
    np.testing.assert_allclose(
        match_brightness(gain * REFERENCE + offset, REFERENCE), np.stack([REFERENCE] * 3), rtol=1e-12
    )


def test_a_constant_image_is_matched_to_the_mean():
    np.testing.assert_allclose(match_brightness(np.full((1, *REFERENCE.shape), 7.0), REFERENCE)[0], REFERENCE.mean())


def test_what_is_new_in_an_image_has_no_share_in_the_gain():
    """Of all gains and offsets, those that were found leave the least difference."""
    image = noisy(1)
    found = match_brightness(image, REFERENCE)
    least = np.square(found - REFERENCE).sum()
    for gain, offset in ((0.98, 0.0), (1.02, 0.0), (1.0, -3.0), (1.0, 3.0)):
        assert np.square(gain * found + offset - REFERENCE).sum() > least


def test_frames_like_the_reference_give_its_template_for_every_state():
    learned = banked(MODEL, still(MODEL, np.stack([REFERENCE] * 31), EVENLY_MM))
    (template,) = MODEL.fine.templates
    assert len(learned.fine.templates) == STATES
    for again in learned.fine.templates:
        for field in fields(template):
            old, new = getattr(template, field.name), getattr(again, field.name)
            np.testing.assert_allclose(new, old, rtol=1e-4, atol=1e-4 * np.abs(old).max())


def test_a_scene_that_moves_without_noise_gives_the_template_of_the_reference():
    moves_mm = breath_mm(31)
    learned = banked(MODEL, motion_compensated(MODEL, known(MODEL, moves_mm), breathing_frames(moves_mm)))
    (template,) = MODEL.fine.templates
    for again in learned.fine.templates:
        assert again.norm == pytest.approx(template.norm, rel=0.01)
        np.testing.assert_allclose(again.steepest, template.steepest, atol=0.03 * np.abs(template.steepest).max())


def test_half_of_a_template_is_the_reference_whatever_the_frames_show(images):
    other = REFERENCE[::-1]
    banked(MODEL, still(MODEL, np.stack([other] * 31), EVENLY_MM))
    for image in images:
        np.testing.assert_allclose(image, 0.5 * REFERENCE + 0.5 * other, rtol=1e-6)


def test_noise_of_the_frames_is_averaged_down(images):
    banked(MODEL, still(MODEL, noisy(300), np.linspace(0.0, 30.0, 300)))
    assert all((image - REFERENCE).std() < 0.1 * NOISE for image in images)


def test_noise_of_the_reference_is_halved(images):
    model = model_of(image=(SCENE.image() + np.random.default_rng(5).normal(scale=NOISE, size=SCENE.shape)))
    error = (reference_of(model) - REFERENCE).std()
    frames = still(model, np.stack([REFERENCE] * 31), EVENLY_MM)
    images.clear()
    banked(model, frames)
    assert images
    assert all((image - REFERENCE).std() == pytest.approx(0.5 * error, rel=0.01) for image in images)


def test_states_are_those_between_which_the_frames_are_divided_evenly():
    learned = banked(MODEL, still(MODEL, noisy(31), EVENLY_MM))
    assert learned.states_mm == pytest.approx((5.0, 15.0, 25.0))
    assert learned.states_mm == banked(MODEL, still(MODEL, noisy(31), EVENLY_MM[::-1])).states_mm


def test_each_template_is_of_the_frames_in_its_state(images):
    """Frames whose brightness is their state: the mean of a template tells which it was made of."""
    values = REFERENCE + 10.0 * (EVENLY_MM - 15.0)[:, None, None]
    banked(MODEL, still(MODEL, values, EVENLY_MM))
    states_mm = [15.0 + 2.0 * (image - REFERENCE).mean() / 10.0 for image in images[:STATES]]
    assert states_mm[1] == pytest.approx(15.0, abs=0.1)
    assert states_mm[0] == pytest.approx(5.0, abs=4.0)
    assert states_mm[2] == pytest.approx(25.0, abs=4.0)
    assert states_mm[0] < 10.0 < 20.0 < states_mm[2]


def test_frames_that_do_not_move_give_the_same_template_thrice():
    learned = banked(MODEL, still(MODEL, noisy(31), np.zeros(31)))
    assert learned.states_mm == (0.0, 0.0, 0.0)
    first, second, third = (template.steepest for template in learned.fine.templates)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, third)


def test_only_the_box_of_the_frames_is_replaced(images):
    frames = still(MODEL, np.zeros((31, *REFERENCE.shape)), EVENLY_MM)
    part = np.s_[10:60, 12:50]
    frames = replace(frames, corner_px=(10, 12), values=frames.values[:, *part], reference=REFERENCE[part])
    banked(MODEL, frames)
    for image in images:
        np.testing.assert_allclose(image[part], 0.5 * REFERENCE[part], rtol=1e-6)
        image[part] = REFERENCE[part]
        np.testing.assert_array_equal(image, REFERENCE)


def test_the_template_of_the_steady_model_is_of_all_frames_alike(images):
    values = REFERENCE + np.arange(31.0)[:, None, None] ** 2
    learned = banked(MODEL, still(MODEL, values, EVENLY_MM))
    np.testing.assert_allclose(images[STATES], REFERENCE + 0.5 * np.mean(np.arange(31.0) ** 2), rtol=1e-6)
    assert len(images) == STATES + 1
    assert learned.stiff.coarse is MODEL.stiff.coarse
    assert learned.stiff.fine.stiffness == MODEL.stiff.fine.stiffness
    assert banked(replace(MODEL, stiff=None), still(MODEL, values, EVENLY_MM)).stiff is None


def test_frames_are_registered_as_far_as_the_steady_model_sees():
    moves_mm = breath_mm(5)
    for model, scale in ((MODEL, MODEL.stiff.fine), (replace(MODEL, stiff=None), MODEL.fine)):
        frames = motion_compensated(model, known(model, moves_mm), breathing_frames(moves_mm))
        low, high = scale.points_px.min(axis=0) - RIM, scale.points_px.max(axis=0) + RIM
        corner = np.maximum(low, 0)
        assert frames.corner_px == tuple(corner)
        assert frames.reference.shape == tuple(np.minimum(high + 1, REFERENCE.shape) - corner)


def test_the_coarse_template_the_grid_and_the_old_model_stay():
    learned = banked(MODEL, still(MODEL, noisy(31), EVENLY_MM))
    assert learned.coarse is MODEL.coarse
    assert learned.fine.grid is MODEL.fine.grid
    assert MODEL.states_mm == (0.0,)
    np.testing.assert_array_equal(reference_of(MODEL), REFERENCE)
