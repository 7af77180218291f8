"""A preview shows whether a stiff model only loses noise or is wrong where the anatomy deforms."""

import numpy as np
import pytest

from gatekeeper.config import TrackerConfig
from gatekeeper.tracking.preview.stiffness import FEWEST_PAIRS, LEAST_MOTION_MM, is_stiff, stiffened
from gatekeeper.tracking.preview.trajectory import Trajectory
from gatekeeper.tracking.typical_fit import NOISY

FRAMES = 240
BREATH_MM = np.stack([8.0 - 8.0 * np.cos(np.arange(FRAMES) / 4.0), 2.0 * np.sin(np.arange(FRAMES) / 4.0)], axis=1)
ALL = np.ones(FRAMES, dtype=np.bool_)


def noise_mm(sd_mm, seed=0):
    return np.random.default_rng(seed).normal(scale=sd_mm, size=(FRAMES, 2))


def seen(centers_mm, found=ALL, unexplained=0.1):
    """Return what a template_tracker saw; its parameters do not matter."""
    count = len(centers_mm)
    sure = np.where(found, 1.0, 0.0)
    return Trajectory(np.zeros((count, 2)), centers_mm, sure, np.full(count, unexplained))


def verdict(difference_mm, found=ALL, flexible_mm=BREATH_MM, unexplained=0.1):
    return is_stiff(seen(flexible_mm, found, unexplained), seen(flexible_mm + difference_mm, found))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sd_mm", [0.01, 0.3, 5.0])
def test_a_difference_of_white_normal_noise_is_what_the_stiff_model_saves(sd_mm, seed):
    assert verdict(noise_mm(sd_mm, seed))


def test_where_the_target_moves_does_not_matter():
    assert verdict(noise_mm(0.2), flexible_mm=noise_mm(20.0, 1).cumsum(axis=0))


@pytest.mark.parametrize(("share", "moves_enough"), [(0.9, True), (0.2, False)])
def test_from_a_preview_with_little_motion_nothing_is_concluded(share, moves_enough):
    motion_mm = share * BREATH_MM
    assert (np.ptp(np.percentile(motion_mm[:, 0], (5.0, 95.0))) >= LEAST_MOTION_MM) == moves_enough
    assert verdict(noise_mm(0.2), flexible_mm=motion_mm) == moves_enough
    once_mm = 0.2 * BREATH_MM
    once_mm[7] += 20.0
    assert not verdict(noise_mm(0.2), flexible_mm=once_mm)


def test_an_offset_between_the_models_does_not_matter():
    assert verdict(noise_mm(0.2) + np.array([3.0, -1.0]))


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_difference_that_follows_the_breath_is_an_error_of_the_stiff_model(share):
    assert not verdict(share * BREATH_MM + noise_mm(0.2))


def test_a_little_that_follows_the_breath_may_be_the_flexible_models_error():
    assert verdict(0.03 * BREATH_MM + noise_mm(0.2))


def test_a_difference_that_is_large_now_and_then_is_an_error_of_the_stiff_model():
    difference_mm = noise_mm(0.1)
    difference_mm[::15] += np.where(np.arange(len(difference_mm[::15])) % 2, 2.0, -2.0)[:, None]
    assert not verdict(difference_mm)


def test_unless_the_frames_are_so_noisy_that_the_flexible_model_stumbles():
    difference_mm = noise_mm(0.1)
    difference_mm[::15] += np.where(np.arange(len(difference_mm[::15])) % 2, 2.0, -2.0)[:, None]
    assert verdict(difference_mm, unexplained=NOISY)
    assert not verdict(difference_mm, unexplained=0.99 * NOISY)
    assert not verdict(0.5 * BREATH_MM + noise_mm(0.2), unexplained=NOISY)


def test_nor_does_a_while_count_in_which_the_flexible_model_was_lost_in_noise():
    difference_mm = noise_mm(0.3)
    difference_mm[50:60] += 30.0
    assert verdict(difference_mm, unexplained=NOISY)
    assert not verdict(difference_mm, unexplained=0.99 * NOISY)


@pytest.mark.parametrize("unexplained", [NOISY, 2.0])
@pytest.mark.parametrize("sd_mm", [0.1, 0.5])
def test_in_noise_what_follows_the_breath_is_still_an_error_of_the_stiff_model(sd_mm, unexplained):
    assert verdict(0.05 * sd_mm * BREATH_MM + noise_mm(sd_mm), unexplained=unexplained)
    assert not verdict(sd_mm * BREATH_MM + noise_mm(sd_mm), unexplained=unexplained)


def test_nothing_is_concluded_from_too_few_pairs():
    difference_mm = noise_mm(0.2)
    few, enough = ALL.copy(), ALL.copy()
    few[FEWEST_PAIRS:] = False
    enough[FEWEST_PAIRS + 1 :] = False
    assert verdict(difference_mm, enough)
    assert not verdict(difference_mm, few)


def test_sure_frames_without_sure_neighbours_are_no_pairs():
    assert not verdict(noise_mm(0.2), np.arange(FRAMES) % 2 == 0)


def test_frames_on_which_either_is_unsure_do_not_count():
    difference_mm, sure = noise_mm(0.2), np.arange(FRAMES) % 4 > 0
    difference_mm[~sure] = (500.0, np.nan)
    assert verdict(difference_mm, sure)


def test_frames_recorded_twice_change_nothing():
    thrice_mm = (np.repeat(mm, 3, axis=0) for mm in (BREATH_MM, BREATH_MM + noise_mm(0.2)))
    assert is_stiff(*(seen(mm, np.ones(3 * FRAMES, np.bool_)) for mm in thrice_mm))


def test_one_frame_recorded_all_the_time_teaches_nothing():
    assert not verdict(np.full((FRAMES, 2), 0.3), flexible_mm=np.zeros((FRAMES, 2)))


def test_a_stiff_model_deforms_half_as_much_and_looks_ten_millimetres_further():
    config = TrackerConfig(search_si_mm=44.0, context_mm=17.0, deformation_mm=4.0)
    stiff = stiffened(config, 0.5)
    assert (stiff.deformation_mm, stiff.context_mm) == (2.0, 27.0)
    assert stiff.model_copy(update={"deformation_mm": 4.0, "context_mm": 17.0}) == config


def test_a_stiff_model_looks_no_further_than_a_setting_may():
    assert TrackerConfig(**stiffened(TrackerConfig(context_mm=45.0), 0.5).model_dump()).context_mm == 50.0
