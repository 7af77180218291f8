"""Where a follower starts on a frame, and who takes over where frames are mostly noise."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.tracking import template_tracker as module
from gatekeeper.tracking import tracker as structures
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.rigid_search import Search
from gatekeeper.tracking.template_tracker import NOISY
from gatekeeper.tracking.tracker import Tracker
from replay.phantom import PhantomConfig, make_phantom
from replay.phantom.config import AcquisitionConfig
from tests.support.phantoms import errors_mm
from tests.support.template_trackers import NOISE, SCENE, a_follower


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
    assert errors_mm(tracker, phantom, order).max() < 2.0


def test_a_match_is_near_within_one_pixel_of_the_search():
    follower = a_follower()
    follower.follow(SCENE.image())
    row_mm, col_mm = follower.search.pixel_mm
    assert follower._is_near(0.9 * row_mm, -0.9 * col_mm)
    assert not follower._is_near(1.1 * row_mm, 0.0)
    assert not follower._is_near(0.0, 1.1 * col_mm)
    assert not follower._is_near(math.nan, 0.0)


# --- noise ----------------------------------------------------------------------------------------------------


def test_what_is_usual_is_the_mean_of_what_the_first_frames_leave_unexplained_and_no_frame_counts_too_much():
    follower, seen = a_follower(), [NOISY]
    for share in (0.0, 0.0, 3.0, 30.0):
        follower.follow(SCENE.image() + np.float32(share) * NOISE)
        seen.append(min(follower.unexplained, 1.0))
        assert follower.usual == pytest.approx(np.mean(seen))
    assert follower.unexplained > 1.0
    follower.follow(None)
    assert follower.usual == pytest.approx(np.mean(seen))


def test_later_on_frames_that_are_not_sure_say_less_of_what_is_usual():
    """A target out of sight for seconds must not come to be taken for noise."""
    follower = a_follower()
    for _ in range(module.USUAL_FRAMES):
        follower.follow(SCENE.image())
    for share, frames in ((1.0, module.USUAL_FRAMES), (30.0, module.USUAL_UNSURE_FRAMES)):
        before = follower.usual
        sure = follower.follow(SCENE.image() + np.float32(share) * NOISE)
        assert (sure >= module.SURE) == (frames == module.USUAL_FRAMES)
        left = min(follower.unexplained, 1.0)
        assert follower.usual == pytest.approx(before + (left - before) / frames)


@pytest.mark.parametrize(
    ("usual", "left", "noise"),
    [
        (0.4, 0.3, 0.3),
        (0.4, 0.59, 0.59),
        (0.4, 1.2, 0.15),
        (0.29, 0.29, 0.0),
        (0.3, 0.3, 0.3),
        (0.79, 0.79, 0.79),
        (0.8, 0.8, 0.0),
    ],
)
def test_what_a_frame_leaves_unexplained_is_noise_as_far_as_that_is_usual(usual, left, noise):
    """Of noisy frames, and the less, the more unusual the frame is; none where the target drowns in noise."""
    follower = a_follower()
    follower.usual, follower.unexplained = usual, left
    assert follower._noise() == pytest.approx(noise)


@pytest.mark.parametrize(("usual", "share"), [(0.0, 0.0), (0.2, 0.0), (0.35, 0.5), (0.5, 1.0), (0.9, 1.0)])
def test_the_noisier_frames_usually_are_the_more_say_has_the_steady_model_where_the_target_is(usual, share):
    frame = SCENE.image((6.0, -2.0)) + NOISE
    ends = {}
    for name in ("both", "fine", "steady"):
        follower = ends[name] = a_follower()
        # From the same start: which model makes the coarse fit depends on what is usual, too.
        follower.steady_coarse, follower.usual = follower.coarse, usual
        if name == "fine":
            follower.steady = None
        if name == "steady":
            follower.usual = 1.0
        assert follower.follow(frame) >= module.SURE
    fine, steady, both = (ends[name].params for name in ("fine", "steady", "both"))
    assert np.abs(fine - steady).max() > 0.01
    np.testing.assert_allclose(both, fine + share * (steady - fine), atol=1e-5)


def test_with_the_say_goes_the_error_that_is_expected(monkeypatch):
    errors_mm, real = [], module.confidence
    monkeypatch.setattr(module, "confidence", lambda *doubts: errors_mm.append(doubts[0]) or real(*doubts))
    for usual in (0.0, 0.35, 1.0):
        follower = a_follower()
        follower.steady_coarse, follower.usual = follower.coarse, usual
        follower.follow(SCENE.image() + NOISE)
    steady_mm = follower.steady.error_mm
    assert errors_mm[2] == pytest.approx(steady_mm)
    assert errors_mm[1] == pytest.approx(0.5 * (errors_mm[0] + steady_mm))
    assert steady_mm < 0.7 * errors_mm[0]


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
    for tracked in (follower, other):
        tracked.steady_coarse, tracked.usual = tracked.coarse, 0.0
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
        tracked.usual = 0.0
        tracked.follow(SCENE.image())
    assert len(fitted) == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_under_heavy_noise_the_steady_model_is_the_better_one_from_the_first_frame_on(seed, monkeypatch):
    acquisition = AcquisitionConfig(matrix=(112, 96), duration_s=20.0, frame_rate_hz=4.0, snr=5.0)
    phantom = make_phantom(PhantomConfig(seed=seed, acquisition=acquisition))
    recording = phantom.recording

    def error_mm():
        tracker = Tracker(recording.frames[0], recording.first_mask, recording.spacing_mm)
        return errors_mm(tracker, phantom).mean()

    steadily = error_mm()
    make_model = structures.make_model
    monkeypatch.setattr(structures, "make_model", lambda *rest: replace(make_model(*rest), steady=None))
    assert steadily < 0.75 * error_mm()
