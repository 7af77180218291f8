"""How a follower starts on a frame, and what makes it doubt the end it comes to."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.tracking import follower as module
from gatekeeper.tracking import structures
from gatekeeper.tracking.follower import JUMP_AP_MM, JUMP_SI_MM, MOST_ASTRAY, MOST_JUMP, NOISY
from gatekeeper.tracking.freeform import TRANSLATION_SD_MM
from gatekeeper.tracking.search import Search
from gatekeeper.tracking.tracker import Tracker
from replay.phantom import PhantomConfig, make_phantom
from replay.phantom.config import AcquisitionConfig, BreathingConfig, DeepBreath
from tests.scenes import Scene

SCENE = Scene((176, 140))
NOISE = np.random.default_rng(4).normal(0.0, 150.0, SCENE.shape).astype(np.float32)


def a_follower():
    return SCENE.tracker().follower


@pytest.fixture
def doubts(monkeypatch):
    """Collect what each fit is judged by: error_mm, bent, likeness, core, inside."""
    seen = []
    real = module.confidence

    def spy(*doubt):
        seen.append(doubt)
        return real(*doubt)

    monkeypatch.setattr(module, "confidence", spy)
    return seen


def coarse_fits(follower):
    """Return the list to which every coarse fit from now on adds where it starts, as parameters of the translation."""
    starts = []

    def spied(real):
        def spy(frame, params, iterations):
            starts.append((float(params[0]), float(params[len(params) // 2])))
            return real(frame, params, iterations)

        return spy

    for level in (follower.coarse, follower.steady_coarse):
        level.fit = spied(level.fit)
    return starts


# --- what the frame does not explain --------------------------------------------------------------------------


def test_a_frame_that_is_the_reference_is_explained_wholly():
    follower = a_follower()
    follower.follow(SCENE.image())
    assert follower.unexplained == pytest.approx(0.0, abs=1e-6)


def test_unexplained_is_the_variance_left_over_that_explained():
    follower = a_follower()
    left = []
    for share in (0.5, 1.0, 2.0, 4.0):
        assert follower.follow(SCENE.image((5.0, -1.0)) + np.float32(share) * NOISE) > 0.0
        assert follower.unexplained == pytest.approx(1.0 / follower.fine[0].correlation ** 2 - 1.0)
        left.append(follower.unexplained)
    assert left == sorted(left)
    # Four times the standard deviation is sixteen times the variance, as long as the fit does not follow the noise.
    assert 2.0 < left[1] / left[0] < 5.0


@pytest.mark.parametrize("frame", [None, np.full(SCENE.shape, np.nan, np.float32)], ids=["nothing", "NaN"])
def test_where_nothing_is_found_all_is_unexplained_whatever_the_frame_before_was(frame):
    follower = a_follower()
    follower.follow(SCENE.image())
    assert follower.follow(frame) == 0.0
    assert follower.unexplained == math.inf


def test_the_expected_error_grows_with_the_root_of_what_is_unexplained(doubts):
    follower = a_follower()
    for share in (0.0, 0.5, 2.0):
        follower.follow(SCENE.image() + np.float32(share) * NOISE)
        error_mm = doubts[-1][0]
        assert error_mm == pytest.approx(follower.fine[0].template.error_mm * math.sqrt(follower.unexplained), abs=1e-9)


# --- how far is not how bent ----------------------------------------------------------------------------------


@pytest.mark.parametrize("moved_mm", [(45.0, -8.0), (-40.0, 10.0), (55.0, 0.0)])
def test_a_far_target_that_is_not_deformed_is_a_surprise_once_and_then_as_sure_as_one_at_rest(moved_mm, doubts):
    tracker, frame = SCENE.tracker(), SCENE.image(moved_mm)
    at_rest, jumped, far = (tracker.track(image).confidence for image in (SCENE.image(), frame, frame))
    assert 0.8 < jumped < far - 0.03
    assert at_rest - far < 0.05
    assert doubts[-1][1] < 0.2


def test_a_target_that_is_deformed_is_bent_and_the_more_the_less_sure(doubts):
    about_mm = 88.0 * 1.8
    sure = [a_follower().follow(SCENE.image((5.0, 0.0), stretch, about_mm)) for stretch in (0.0, 0.1, 0.2)]
    bent = [doubt[1] for doubt in doubts]
    assert bent == sorted(bent)
    assert bent[0] < 0.1
    assert bent[-1] > 0.4
    assert sure == sorted(sure, reverse=True)


def test_bent_is_the_penalty_without_the_translation(doubts):
    follower = a_follower()
    follower.follow(SCENE.image((35.0, -6.0), 0.1, 88.0 * 1.8))
    params = follower.params.astype(float)
    params[[0, len(params) // 2]] = 0.0
    assert doubts[-1][1] == pytest.approx(np.sqrt(np.mean(params**2)), rel=1e-3)
    assert doubts[-1][1] > 0.1


# --- jumps ----------------------------------------------------------------------------------------------------


def surprise(follower, down_mm, right_mm=0.0):
    params = np.zeros_like(follower.params)
    params[[0, len(params) // 2]] = np.array((down_mm, right_mm)) / TRANSLATION_SD_MM
    return follower._surprise(params)


def test_a_jump_surprises_as_a_normally_distributed_one_would_up_to_a_limit():
    follower = a_follower()
    assert surprise(follower, 0.0) == 0.0
    for jump_mm in (-15.0, 2.0, 20.0):
        assert surprise(follower, jump_mm) == pytest.approx((jump_mm / JUMP_SI_MM) ** 2, rel=1e-5)
    assert surprise(follower, 55.0) == surprise(follower, -40.0) == MOST_JUMP
    assert (25.0 / JUMP_SI_MM) ** 2 > MOST_JUMP > (20.0 / JUMP_SI_MM) ** 2


def test_a_jump_along_ap_surprises_more_and_one_after_lost_frames_less():
    follower = a_follower()
    path = follower.model.path
    assert surprise(follower, 0.0, 3.0) == pytest.approx((3.0 / JUMP_AP_MM) ** 2 + path.surprise(0.0, 3.0), rel=1e-5)
    assert surprise(follower, 0.0, 3.0) > 3.0 * surprise(follower, 3.0, 0.0)
    assert path.surprise(0.0, 25.0) > MOST_ASTRAY
    assert surprise(follower, 0.0, 25.0) == MOST_JUMP + MOST_ASTRAY
    for _ in range(4):
        follower.follow(None)
    assert surprise(follower, 20.0) == pytest.approx((20.0 / JUMP_SI_MM) ** 2 / 5.0, rel=1e-5)


def test_a_jump_starts_where_the_target_was_last_seen_for_sure():
    follower = a_follower()
    assert follower.follow(SCENE.image((20.0, -1.0))) > 0.9
    assert surprise(follower, 20.0, -1.0) < 0.2
    assert surprise(follower, 0.0) == pytest.approx((20.0 / JUMP_SI_MM) ** 2 + (1.0 / JUMP_AP_MM) ** 2, rel=0.1)


def test_a_far_place_that_is_seen_again_and_again_surprises_less_and_less(monkeypatch):
    follower, image = a_follower(), SCENE.image((40.0, 0.0))
    monkeypatch.setattr(module, "SURE", 2.0)
    for limit in (MOST_JUMP, MOST_JUMP, MOST_JUMP / 2.0, MOST_JUMP / 3.0):
        assert surprise(follower, 40.0) == pytest.approx(limit, rel=0.05)
        assert 0.0 < follower.follow(image) < 2.0
    assert surprise(follower, -55.0) == MOST_JUMP
    follower.follow(SCENE.image())
    assert surprise(follower, 40.0) == pytest.approx((40.0 / JUMP_SI_MM) ** 2 / 6.0, rel=0.05)


def test_frames_of_nothing_are_no_sight_of_the_place(monkeypatch):
    follower, image = a_follower(), SCENE.image((40.0, 0.0))
    monkeypatch.setattr(module, "SURE", 2.0)
    for frame in (image, image, None):
        follower.follow(frame)
    assert surprise(follower, 40.0) == pytest.approx((40.0 / JUMP_SI_MM) ** 2 / 4.0, rel=0.05)


def test_only_frames_without_a_sure_position_count_as_sightings(monkeypatch):
    follower = a_follower()
    for _ in range(5):
        assert follower.follow(SCENE.image()) > 0.9
    monkeypatch.setattr(module, "SURE", 2.0)
    follower.follow(SCENE.image((20.0, 0.0)))
    assert surprise(follower, 20.0) == pytest.approx((20.0 / JUMP_SI_MM) ** 2 / 2.0, rel=0.05)


def test_a_deep_breath_is_found_sooner_than_if_jumps_counted_without_limit(monkeypatch):
    """On this one the search has a better match elsewhere, of which the tracker is not sure: lost frames help, too."""
    breath = DeepBreath(start_s=2.0, duration_s=2.0)
    phantom = make_phantom(
        PhantomConfig(
            seed=4,
            acquisition=AcquisitionConfig(matrix=(112, 96), duration_s=4.0, frame_rate_hz=4.0),
            breathing=BreathingConfig(
                amplitude_mm=3.0,
                amplitude_variation=0.0,
                drift_mm_per_min=0.0,
                through_plane_ratio=0.05,
                deep_breaths=(breath,),
            ),
        )
    )

    def frames_astray():
        recording = phantom.recording
        tracker = Tracker(recording.frames[0], recording.first_mask, recording.spacing_mm)
        tracks = [tracker.track(frame) for frame in recording.frames]
        found_mm = np.array([track.center_mm for track in tracks])
        astray = np.linalg.norm(found_mm - found_mm[0] - phantom.displacement_mm, axis=1) > 5.0
        assert not any(track.confidence >= 0.5 for track, is_so in zip(tracks, astray, strict=True) if is_so)
        return int(astray.sum())

    assert np.ptp(phantom.displacement_mm[:, 0]) > 40.0
    limited = frames_astray()
    monkeypatch.setattr(module, "MOST_JUMP", math.inf)
    assert limited <= 1
    assert frames_astray() >= 4


# --- rivals ---------------------------------------------------------------------------------------------------


def test_a_good_fit_that_the_search_confirms_needs_no_rival():
    follower = a_follower()
    starts = coarse_fits(follower)
    for moved_mm in ((0.0, 0.0), (2.0, 0.0), (4.0, -1.0)):
        follower.follow(SCENE.image(moved_mm))
    assert len(starts) == 3


def test_where_the_search_disagrees_its_candidates_are_fitted_and_the_better_one_is_taken():
    follower = a_follower()
    starts = coarse_fits(follower)
    assert follower.follow(SCENE.image((40.0, -2.0))) > 0.8
    assert len(starts) > 1
    assert follower.params[0] * TRANSLATION_SD_MM == pytest.approx(40.0, abs=0.5)


def test_a_good_fit_has_rivals_where_the_best_match_is_elsewhere(monkeypatch):
    follower = a_follower()
    starts = coarse_fits(follower)
    real = Search.displacement_mm
    monkeypatch.setattr(Search, "displacement_mm", lambda self, which: (36.0, 0.0) if which == 0 else real(self, which))
    assert follower.follow(SCENE.image((2.0, 0.0))) > 0.9
    assert len(starts) > 1
    assert starts[1][0] * TRANSLATION_SD_MM == pytest.approx(36.0)
    # The rival is fitted; what it finds is worse.
    assert follower.params[0] * TRANSLATION_SD_MM == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize("noise", [2.5, 4.0])
def test_a_poor_fit_has_rivals_even_where_the_search_agrees(noise):
    follower = a_follower()
    starts = coarse_fits(follower)
    follower.follow(SCENE.image() + np.float32(noise) * NOISE)
    assert len(starts) > 1


def test_a_poor_fit_near_the_best_match_does_not_keep_it_from_being_fitted(monkeypatch):
    """Half a structure away a fit may end between two places; from the match it gets there."""
    follower = a_follower()
    starts = coarse_fits(follower)
    monkeypatch.setattr(Search, "displacement_mm", lambda self, which: (3.0 + which, -1.0))
    follower.follow(SCENE.image() + np.float32(4.0) * NOISE)
    assert [round(row * TRANSLATION_SD_MM, 3) for row, _ in starts] == [0.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_frames_in_any_order_are_followed_as_well(seed):
    """From one frame to the next the target goes anywhere within the breath, as at a frame every second or two."""
    acquisition = AcquisitionConfig(matrix=(112, 96), duration_s=30.0, frame_rate_hz=4.0)
    phantom = make_phantom(PhantomConfig(seed=seed, acquisition=acquisition))
    recording = phantom.recording
    order = np.r_[0, 1 + np.random.default_rng(2).permutation(len(recording.frames) - 1)]
    tracker = Tracker(recording.frames[0], recording.first_mask, recording.spacing_mm)
    found_mm = np.array([tracker.track(frame).center_mm for frame in recording.frames[order]])
    away_mm = found_mm - found_mm[0] - phantom.displacement_mm[order]
    assert np.linalg.norm(away_mm, axis=1).max() < 2.0


def test_a_match_is_near_within_one_pixel_of_the_search():
    follower = a_follower()
    follower.follow(SCENE.image())
    row_mm, col_mm = follower.search.pixel_mm
    assert follower._is_near(0.9 * row_mm, -0.9 * col_mm)
    assert not follower._is_near(1.1 * row_mm, 0.0)
    assert not follower._is_near(0.0, 1.1 * col_mm)
    assert not follower._is_near(math.nan, 0.0)


# --- noise ----------------------------------------------------------------------------------------------------


def test_what_is_usual_follows_what_frames_leave_unexplained_and_no_frame_counts_too_much():
    follower, usual = a_follower(), NOISY
    for share in (0.0, 0.0, 3.0, 30.0):
        follower.follow(SCENE.image() + np.float32(share) * NOISE)
        usual += (min(follower.unexplained, 1.0) - usual) / module.USUAL_FRAMES
        assert follower.usual == pytest.approx(usual)
    assert follower.unexplained > 1.0
    follower.follow(None)
    assert follower.usual == pytest.approx(usual)


def test_only_where_noise_is_usual_do_fits_start_from_the_steady_model():
    follower = a_follower()
    seen, real = [], follower.steady_coarse.fit
    follower.steady_coarse.fit = lambda *rest: seen.append(0) or real(*rest)
    follower.follow(SCENE.image())
    assert len(seen) == 1  # what is usual is not known yet
    follower.follow(SCENE.image())
    assert len(seen) == 1
    follower.usual = NOISY
    follower.follow(SCENE.image())
    assert len(seen) == 2


def test_a_frame_of_which_the_fine_fit_is_not_sure_is_fitted_by_the_steady_model_which_tells_where_but_not_how_sure():
    follower, other = a_follower(), a_follower()
    frame = SCENE.image((6.0, -2.0)) + np.float32(3.0) * NOISE
    sure = follower.follow(frame)
    assert 0.0 < sure < module.SURE
    fitted, real = [], other.steady.fit
    other.steady.fit = lambda *rest: fitted.append(0) or (real(*rest) and False)
    assert other.follow(frame) == sure
    assert fitted
    assert np.abs(follower.params - other.params).max() > 1e-3
    assert follower.unexplained == other.unexplained
    for tracked in (follower, other):
        tracked.follow(SCENE.image())
    assert len(fitted) == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_under_heavy_noise_the_steady_model_is_the_better_one_from_the_first_frame_on(seed, monkeypatch):
    acquisition = AcquisitionConfig(matrix=(112, 96), duration_s=20.0, frame_rate_hz=4.0, snr=5.0)
    phantom = make_phantom(PhantomConfig(seed=seed, acquisition=acquisition))
    recording = phantom.recording

    def error_mm():
        tracker = Tracker(recording.frames[0], recording.first_mask, recording.spacing_mm)
        found_mm = np.array([tracker.track(frame).center_mm for frame in recording.frames])
        return np.linalg.norm(found_mm - found_mm[0] - phantom.displacement_mm, axis=1).mean()

    steadily = error_mm()
    make_model = structures.make_model
    monkeypatch.setattr(structures, "make_model", lambda *rest: replace(make_model(*rest), steady=None))
    assert steadily < 0.8 * error_mm()
