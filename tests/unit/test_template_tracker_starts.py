"""Where a template_tracker starts on a frame, and who takes over where frames are mostly noise."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.tracking import template_tracker as module
from gatekeeper.tracking import tracker as structures
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.rigid_search import Search
from gatekeeper.tracking.tracker import Tracker
from gatekeeper.tracking.typical_fit import NOISY, TYPICAL_FRAMES, TYPICAL_UNSURE_FRAMES, TypicalFit
from replay.phantom import PhantomConfig, make_phantom
from replay.phantom.config import AcquisitionConfig
from tests.support.matrices import mostly_slow
from tests.support.phantoms import errors_mm
from tests.support.template_trackers import NOISE, SCENE, a_template_tracker


def coarse_fits(template_tracker):
    """Return the list to which every coarse fit from now on adds where it starts, as parameters of the translation."""
    starts = []

    def spied(real):
        def spy(frame, params, iterations):
            starts.append((float(params[0]), float(params[len(params) // 2])))
            return real(frame, params, iterations)

        return spy

    for level in (template_tracker.coarse, template_tracker.stiff_coarse):
        level.fit = spied(level.fit)
    return starts


# --- rivals ---------------------------------------------------------------------------------------------------


def test_a_good_fit_that_the_search_confirms_needs_no_rival():
    template_tracker = a_template_tracker()
    starts = coarse_fits(template_tracker)
    for moved_mm in ((0.0, 0.0), (2.0, 0.0), (4.0, -1.0)):
        template_tracker.locate(SCENE.image(moved_mm))
    assert len(starts) == 3


def test_where_the_search_disagrees_its_candidates_are_fitted_and_the_better_one_is_taken():
    template_tracker = a_template_tracker()
    starts = coarse_fits(template_tracker)
    assert template_tracker.locate(SCENE.image((40.0, -2.0))) > 0.8
    assert len(starts) > 1
    assert template_tracker.params[0] * TRANSLATION_SD_MM == pytest.approx(40.0, abs=0.5)


def test_a_good_fit_has_rivals_where_the_best_match_is_elsewhere(monkeypatch):
    template_tracker = a_template_tracker()
    starts = coarse_fits(template_tracker)
    real = Search.displacement_mm
    monkeypatch.setattr(Search, "displacement_mm", lambda self, which: (36.0, 0.0) if which == 0 else real(self, which))
    assert template_tracker.locate(SCENE.image((2.0, 0.0))) > 0.9
    assert len(starts) > 1
    assert starts[1][0] * TRANSLATION_SD_MM == pytest.approx(36.0)
    # The rival is fitted; what it finds is worse.
    assert template_tracker.params[0] * TRANSLATION_SD_MM == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize("noise", [2.5, 4.0])
def test_a_poor_fit_has_rivals_even_where_the_search_agrees(noise):
    template_tracker = a_template_tracker()
    starts = coarse_fits(template_tracker)
    template_tracker.locate(SCENE.image() + np.float32(noise) * NOISE)
    assert len(starts) > 1


def test_a_poor_fit_near_the_best_match_does_not_keep_it_from_being_fitted(monkeypatch):
    """Half a structure away a fit may end between two places; from the match it gets there."""
    template_tracker = a_template_tracker()
    starts = coarse_fits(template_tracker)
    monkeypatch.setattr(Search, "displacement_mm", lambda self, which: (3.0 + which, -1.0))
    template_tracker.locate(SCENE.image() + np.float32(4.0) * NOISE)
    assert [round(row * TRANSLATION_SD_MM, 3) for row, _ in starts] == [0.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("seed", mostly_slow([2, 3, 4]))
def test_frames_in_any_order_are_followed_as_well(seed):
    """From one frame to the next the target goes anywhere within the breath, as at a frame every second or two."""
    acquisition = AcquisitionConfig(matrix=(112, 96), duration_s=30.0, frame_rate_hz=4.0)
    phantom = make_phantom(PhantomConfig(seed=seed, acquisition=acquisition))
    recording = phantom.recording
    order = np.r_[0, 1 + np.random.default_rng(2).permutation(len(recording.frames) - 1)]
    tracker = Tracker(recording.frames[0], recording.first_mask, recording.spacing_mm)
    assert errors_mm(tracker, phantom, order).max() < 2.0


def test_a_match_is_near_within_one_pixel_of_the_search():
    template_tracker = a_template_tracker()
    template_tracker.locate(SCENE.image())
    start, (row_mm, col_mm) = template_tracker._start, template_tracker.search.pixel_mm
    assert start._is_near(template_tracker.params, (0.9 * row_mm, -0.9 * col_mm))
    assert not start._is_near(template_tracker.params, (1.1 * row_mm, 0.0))
    assert not start._is_near(template_tracker.params, (0.0, 1.1 * col_mm))
    assert not start._is_near(template_tracker.params, (math.nan, 0.0))


# --- noise ----------------------------------------------------------------------------------------------------


def test_what_is_usual_is_the_mean_of_what_the_first_frames_leave_unexplained_and_no_frame_counts_too_much():
    template_tracker, seen = a_template_tracker(), [NOISY]
    for share in (0.0, 0.0, 3.0, 30.0):
        template_tracker.locate(SCENE.image() + np.float32(share) * NOISE)
        seen.append(min(template_tracker.unexplained, 1.0))
        assert template_tracker.typical.unexplained == pytest.approx(np.mean(seen))
    assert template_tracker.unexplained > 1.0
    template_tracker.locate(None)
    assert template_tracker.typical.unexplained == pytest.approx(np.mean(seen))


def test_later_on_frames_that_are_not_sure_say_less_of_what_is_usual():
    """A target out of sight for seconds must not come to be taken for noise."""
    template_tracker = a_template_tracker()
    for _ in range(TYPICAL_FRAMES):
        template_tracker.locate(SCENE.image())
    for share, frames in ((1.0, TYPICAL_FRAMES), (30.0, TYPICAL_UNSURE_FRAMES)):
        before = template_tracker.typical.unexplained
        sure = template_tracker.locate(SCENE.image() + np.float32(share) * NOISE)
        assert (sure >= module.CONFIDENT) == (frames == TYPICAL_FRAMES)
        left = min(template_tracker.unexplained, 1.0)
        assert template_tracker.typical.unexplained == pytest.approx(before + (left - before) / frames)


@pytest.mark.parametrize(
    ("typical", "left", "noise"),
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
def test_what_a_frame_leaves_unexplained_is_noise_as_far_as_that_is_usual(typical, left, noise):
    """Of noisy frames, and the less, the more unusual the frame is; none where the target drowns in noise."""
    fit = TypicalFit()
    fit.unexplained = typical
    assert fit.noise(left, has_stiff=True) == pytest.approx(noise)


@pytest.mark.parametrize(("typical", "share"), [(0.0, 0.0), (0.2, 0.0), (0.35, 0.5), (0.5, 1.0), (0.9, 1.0)])
def test_the_noisier_frames_usually_are_the_more_say_has_the_steady_model_where_the_target_is(typical, share):
    frame = SCENE.image((6.0, -2.0)) + NOISE
    ends = {}
    for name in ("both", "fine", "stiff"):
        template_tracker = ends[name] = a_template_tracker()
        # From the same start: which model makes the coarse fit depends on what is typical, too.
        template_tracker.stiff_coarse, template_tracker.typical.unexplained = template_tracker.coarse, typical
        if name == "fine":
            template_tracker.stiff = None
        if name == "stiff":
            template_tracker.typical.unexplained = 1.0
        assert template_tracker.locate(frame) >= module.CONFIDENT
    fine, stiff, both = (ends[name].params for name in ("fine", "stiff", "both"))
    assert np.abs(fine - stiff).max() > 0.01
    np.testing.assert_allclose(both, fine + share * (stiff - fine), atol=1e-5)


def test_with_the_say_goes_the_error_that_is_expected(monkeypatch):
    errors_mm, real = [], module.fit_doubt
    monkeypatch.setattr(module, "fit_doubt", lambda *doubts: errors_mm.append(doubts[0]) or real(*doubts))
    for typical in (0.0, 0.35, 1.0):
        template_tracker = a_template_tracker()
        template_tracker.stiff_coarse, template_tracker.typical.unexplained = template_tracker.coarse, typical
        template_tracker.locate(SCENE.image() + NOISE)
    steady_mm = template_tracker.stiff.error_mm()
    assert errors_mm[2] == pytest.approx(steady_mm)
    assert errors_mm[1] == pytest.approx(0.5 * (errors_mm[0] + steady_mm))
    assert steady_mm < 0.7 * errors_mm[0]


def test_only_where_noise_is_usual_do_fits_start_from_the_steady_model():
    template_tracker = a_template_tracker()
    seen, real = [], template_tracker.stiff_coarse.fit
    template_tracker.stiff_coarse.fit = lambda *rest: seen.append(0) or real(*rest)
    template_tracker.locate(SCENE.image())
    assert len(seen) == 1  # what is typical is not known yet
    template_tracker.locate(SCENE.image())
    assert len(seen) == 1
    template_tracker.typical.unexplained = NOISY
    template_tracker.locate(SCENE.image())
    assert len(seen) == 2


def test_a_frame_of_which_the_fine_fit_is_not_sure_is_fitted_by_the_steady_model_which_tells_where_but_not_how_sure():
    template_tracker, other = a_template_tracker(), a_template_tracker()
    for tracked in (template_tracker, other):
        tracked.stiff_coarse, tracked.typical.unexplained = tracked.coarse, 0.0
    frame = SCENE.image((6.0, -2.0)) + np.float32(3.0) * NOISE
    sure = template_tracker.locate(frame)
    assert 0.0 < sure < module.CONFIDENT
    fitted, real = [], other.stiff.fit
    other.stiff.fit = lambda *rest: fitted.append(0) or (real(*rest) and False)
    assert other.locate(frame) == sure
    assert fitted
    assert np.abs(template_tracker.params - other.params).max() > 1e-3
    assert template_tracker.unexplained == other.unexplained
    for tracked in (template_tracker, other):
        tracked.typical.unexplained = 0.0
        tracked.locate(SCENE.image())
    assert len(fitted) == 1


@pytest.mark.parametrize("seed", mostly_slow([1, 2, 3]))
def test_under_heavy_noise_the_steady_model_is_the_better_one_from_the_first_frame_on(seed, monkeypatch):
    acquisition = AcquisitionConfig(matrix=(112, 96), duration_s=20.0, frame_rate_hz=4.0, snr=5.0)
    phantom = make_phantom(PhantomConfig(seed=seed, acquisition=acquisition))
    recording = phantom.recording

    def error_mm():
        tracker = Tracker(recording.frames[0], recording.first_mask, recording.spacing_mm)
        return errors_mm(tracker, phantom).mean()

    steadily = error_mm()
    make_model = structures.make_model
    monkeypatch.setattr(structures, "make_model", lambda *rest: replace(make_model(*rest), stiff=None))
    assert steadily < 0.75 * error_mm()
