"""Targets as large as an organ: found over the whole range, with the deformation that goes with it."""

import numpy as np
import pytest

from gatekeeper.core.contour import mask_to_contour
from gatekeeper.tracking import model as module
from gatekeeper.tracking import template as template_module
from gatekeeper.tracking import template_tracker as tracker_module
from gatekeeper.tracking.confidence import doubt_in_parts
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.patch_search import PatchSearch
from gatekeeper.tracking.rigid_search import LARGEST_WEIGHTED_SIDE
from gatekeeper.tracking.template_fit import SLANT
from gatekeeper.tracking.template_tracker import TemplateTracker
from gatekeeper.tracking.translation import set_translation
from tests.support.scenes import Scene

SCENE = Scene((170, 130))
MASK = SCENE.disc(50.0)
MIDDLE_MM = 85 * 1.8
STILL = np.arange(130) < 42
"""Columns in which the anatomy stands still: the wall beside the target."""


def breathed_in(moved_mm=(44.0, 12.0), stretch=-0.15, noise=0.0):
    """Return a frame on which the target has moved and is flatter, and the wall beside it stands still."""
    frame = SCENE.image(moved_mm, stretch, MIDDLE_MM)
    frame[:, STILL] = SCENE.image()[:, STILL]
    return frame + np.float32(noise) * np.random.default_rng(0).standard_normal(frame.shape).astype(np.float32)


def test_an_organ_is_large_and_a_lesion_is_not():
    assert SCENE.tracker(MASK).template_tracker.model.is_large
    assert not SCENE.tracker(SCENE.disc(30.0)).template_tracker.model.is_large


def test_the_number_of_modes_follows_the_size_of_the_target():
    counts = [
        SCENE.tracker(SCENE.disc(radius_mm)).template_tracker.model.deformation.count for radius_mm in (14, 40, 65)
    ]
    assert counts == sorted(set(counts))


@pytest.mark.parametrize("noise", [0.0, 150.0])
def test_a_deep_breath_that_flattens_the_target_is_followed_from_the_first_frame_on(noise):
    """Noise as strong as the texture, and contrast down by half."""
    tracker = SCENE.tracker(MASK)
    tracker.track(SCENE.image())
    track = tracker.track(0.5 * breathed_in(noise=noise))
    np.testing.assert_allclose(SCENE.moved_mm(track, MASK), (44.0, 12.0), atol=0.7)


def outline_mm(track, moved_mm, stretch):
    """Return the mean distance of the outline's points from where their tissue is."""
    begin_mm = mask_to_contour(MASK) * SCENE.spacing_mm
    there_mm = begin_mm + moved_mm
    there_mm[:, 0] += stretch * (begin_mm[:, 0] - MIDDLE_MM)
    return np.linalg.norm(track.contour_px * SCENE.spacing_mm - there_mm, axis=1).mean()


@pytest.mark.parametrize(
    ("moved_mm", "stretch", "noise", "most_mm"), [((25.0, -24.0), -0.05, 100.0, 2.0), ((30.0, -24.0), -0.1, 150.0, 1.4)]
)
def test_tissue_that_slides_behind_a_wall_is_where_the_rest_of_the_organ_says(moved_mm, stretch, noise, most_mm):
    """Without regard to walls the outline is 2.3 and 1.6 mm off."""
    tracker = SCENE.tracker(MASK)
    track = tracker.track(0.5 * breathed_in(moved_mm, stretch, noise))
    assert outline_mm(track, moved_mm, stretch) < most_mm


def test_of_the_deformation_of_an_organ_more_is_expected_that_is_wide(monkeypatch):
    """Noise hides a flattening of 15 % from fits that expect as little of it as of bends of a few centimetres."""

    def off_mm():
        tracker, frame = SCENE.tracker(MASK), breathed_in(noise=600.0)
        return outline_mm([tracker.track(frame) for _ in range(2)][-1], (44.0, 12.0), -0.15)

    assert off_mm() < 2.0
    monkeypatch.setattr(template_module, "WIDE_STIFFNESS", 1.0)
    assert off_mm() > 2.0


def test_deformation_that_an_organ_is_expected_to_show_does_not_make_it_unsure():
    """Judged as strictly as it is fitted, it is 0.71 sure."""
    tracker = SCENE.tracker(MASK)
    track = [tracker.track(0.5 * breathed_in(noise=150.0)) for _ in range(2)][-1]
    assert track.confidence > 0.8


def test_it_is_sure_within_four_frames_after_a_breath_and_back():
    tracker = SCENE.tracker(MASK)
    for moved_mm, stretch in (((44.0, 12.0), -0.15), ((0.0, 0.0), 0.0), ((-30.0, -8.0), 0.1)):
        for _ in range(4):
            track = tracker.track(breathed_in(moved_mm, stretch))
        assert track.confidence > 0.5
        np.testing.assert_allclose(SCENE.moved_mm(track, MASK), moved_mm, atol=1.5)


def test_without_patches_and_wide_deformation_the_same_breath_is_lost(monkeypatch):
    monkeypatch.setattr(module, "LARGE_MM", 1e9)
    track = SCENE.tracker(MASK).track(0.5 * breathed_in(noise=150.0))
    assert np.abs(SCENE.moved_mm(track, MASK) - (44.0, 12.0)).max() > 0.7 or track.confidence < 0.5


@pytest.mark.parametrize("moved_mm", [(58.0, 37.0), (58.0, -37.0)])
def test_it_is_found_farther_across_than_the_search_goes(moved_mm):
    track = SCENE.tracker(MASK).track(0.5 * SCENE.image(moved_mm))
    np.testing.assert_allclose(SCENE.moved_mm(track, MASK), moved_mm, atol=1.0)


def held_with_other_tissue(frame):
    """Return the tracks on a hold of which half is other tissue, and whether the fits alone are sure."""
    other = Scene(SCENE.shape, seed=5).image((40.0, 12.0))
    tracker = SCENE.tracker(MASK)
    tracks = [(tracker.track(0.5 * frame + 0.5 * other), tracker.template_tracker.likely) for _ in range(5)]
    return [track for track, _ in tracks], [likely > 0.5 for _, likely in tracks]


def test_an_organ_that_shows_other_tissue_is_sure_once_it_has_settled(monkeypatch):
    tracks, likely = held_with_other_tissue(breathed_in())
    assert likely == [False, False, True, True, True]
    # As each part of it agrees, it is sure at once.
    assert all(track.confidence > 0.5 for track in tracks)
    np.testing.assert_allclose(SCENE.moved_mm(tracks[-1], MASK), (44.0, 12.0), atol=2.0)
    monkeypatch.setattr(tracker_module, "ORGAN_CM2", 1e9)
    assert not any(held_with_other_tissue(breathed_in())[1])


def test_other_anatomy_is_not_taken_for_it():
    tracker = SCENE.tracker(MASK)
    for seed in range(1, 9):
        assert tracker.track(Scene(SCENE.shape, seed=seed).image()).confidence < 0.5


@pytest.mark.slow
def test_other_anatomy_is_not_taken_for_it_however_long_it_is_shown(monkeypatch):
    """Its back is that of the organ, its front another person's."""
    other = np.where(np.arange(SCENE.shape[1]) < 70, Scene(SCENE.shape, seed=6).image(), SCENE.image())

    def shown_long():
        tracker = SCENE.tracker(MASK)
        tracker.track(SCENE.image())
        return [tracker.track(0.1 * SCENE.image() + 0.9 * other).confidence for _ in range(8)]

    assert max(shown_long()) < 0.5
    monkeypatch.setattr(tracker_module, "doubt_in_parts", lambda doubt, *_: doubt)
    assert max(shown_long()) > 0.5


def test_patches_agree_with_the_right_place_and_with_no_other():
    model, search = patches()
    params = np.zeros(model.count, np.float32)
    half = model.count // 2
    params[[0, half]] = 20.0 / TRANSLATION_SD_MM, 6.0 / TRANSLATION_SD_MM
    frame, other = SCENE.image((20.0, 6.0)), Scene(SCENE.shape, seed=3).image()
    assert search.agreement(frame, params, 0.0) > 0.8
    noise = 150.0 * np.random.default_rng(0).standard_normal(frame.shape).astype(np.float32)
    assert search.agreement(frame + noise, params, 0.5) > search.agreement(frame + noise, params, 0.0) > 0.3
    frame[:, np.arange(frame.shape[1]) < 70] = other[:, np.arange(frame.shape[1]) < 70]
    assert search.agreement(frame, params, 0.0) < 0.2
    params[0] += 6.0 / TRANSLATION_SD_MM
    assert search.agreement(SCENE.image((20.0, 6.0)), params, 0.0) == 0.0


def test_quarters_that_are_smaller_than_a_patch_take_less_doubt_away():
    assert doubt_in_parts(1.2, 0.9) < 0.6 < 0.8 < doubt_in_parts(1.2, 0.9, has_parts=False) < 1.2
    row, col = np.indices(SCENE.shape) - np.reshape(SCENE.shape, (2, 1, 1)) // 2
    narrow = np.hypot(row * 1.8 / 45.0, col * 1.8 / 18.0) <= 1.0
    assert SCENE.tracker(MASK).template_tracker._has_parts
    inner = SCENE.tracker(narrow).template_tracker
    assert inner.model.is_large
    assert not inner._has_parts


def after_a_wrong_start(monkeypatch):
    """Return the track of a breath on which the coarse fits end 25 mm off."""
    tracker = SCENE.tracker(MASK)
    for _ in range(2):
        tracker.track(SCENE.image())
    start = tracker.template_tracker._start
    run = start.run

    def misled(level, frame, last, params, *rest):
        found = run(level, frame, last, params, *rest)
        set_translation(params, (19.0, 12.0))
        start.match_taken = False
        return found

    monkeypatch.setattr(start, "run", misled)
    return tracker.track(breathed_in())


def test_an_unsure_fit_is_repeated_from_the_best_match_of_the_search(monkeypatch):
    track = after_a_wrong_start(monkeypatch)
    np.testing.assert_allclose(SCENE.moved_mm(track, MASK), (44.0, 12.0), atol=1.0)
    assert track.confidence > 0.5
    monkeypatch.setattr(TemplateTracker, "_again", lambda self, frame, read, *found: found)
    track = after_a_wrong_start(monkeypatch)
    assert track.confidence < 0.5


def test_a_fit_from_the_best_match_is_not_repeated(monkeypatch):
    tracker = SCENE.tracker(MASK)
    frame = breathed_in()
    tracker.track(frame)
    inner = tracker.template_tracker
    start, params = inner._start, np.zeros(inner.model.count, np.float32)
    found = start.run(inner.coarse, frame, np.zeros_like(params), params, lambda _: True, 0.1)
    assert found
    assert start.match_taken
    assert not start.run_match(inner.coarse, frame, np.zeros_like(params), lambda _: True)
    # Had the fit from the last position been better, this one would be known.
    start.match_taken = False
    monkeypatch.setattr(inner.coarse, "fit", None)
    again = np.zeros_like(params)
    assert start.run_match(inner.coarse, frame, again, lambda _: True)
    np.testing.assert_array_equal(again, params)


def test_a_repeated_fit_is_kept_where_it_is_sure_or_more_likely_followed(monkeypatch):
    """The first fit is unsure, and with a confidence of `first` before its parts were asked."""
    inner = SCENE.tracker(MASK).template_tracker

    def found(level, frame, params, is_allowed):
        params[0] = -0.7
        return True

    def kept(again, likely, first=0.3):
        def refined(frame, read, *, update):
            inner.likely, inner.unexplained, inner.error_mm = likely, 0.4, 0.2
            return again, 0.95

        monkeypatch.setattr(inner, "_refine", refined)
        inner.params[0], inner.likely, inner.unexplained, inner.error_mm = 0.5, first, 0.9, 1.1
        result = inner._again(SCENE.image(), None, 0.2, 0.8)
        state = inner.params[0], inner.likely, inner.unexplained, inner.error_mm
        second = result == (again, 0.95)
        assert result == ((again, 0.95) if second else (0.2, 0.8))
        assert state == pytest.approx((-0.7, likely, 0.4, 0.2) if second else (0.5, first, 0.9, 1.1))
        return second

    monkeypatch.setattr(inner._start, "run_match", found)
    assert kept(again=0.6, likely=0.1)
    assert kept(again=0.1, likely=0.4)
    assert not kept(again=0.1, likely=0.3)
    assert not kept(again=0.49, likely=0.2)
    assert not kept(again=0.05, likely=0.05, first=0.01)
    assert kept(again=0.05, likely=0.07, first=0.01)


def test_the_search_of_an_organ_is_fine_enough_to_vouch_for_its_place():
    """With 20 pixels a side it steps by 7.2 mm."""
    search = SCENE.tracker(MASK).template_tracker.search
    assert 20 < max(search.template.shape) <= LARGEST_WEIGHTED_SIDE
    assert max(search.pixel_mm) < 5.0
    for moved_mm in ((44.0, 12.0), (36.0, -18.0)):
        assert search.run(0.5 * breathed_in(moved_mm, noise=150.0)) >= 1
        np.testing.assert_allclose(search.displacement_mm(0), moved_mm, atol=3.7)


def patches():
    model = SCENE.tracker(MASK).template_tracker.model
    return model, PatchSearch(model.coarse.grid, model.deformation, 2.0)


def test_patches_find_a_wide_deformation_from_a_start_a_centimetre_off():
    model, search = patches()
    params = np.zeros(model.count, np.float32)
    params[[0, model.count // 2]] = 40.0 / TRANSLATION_SD_MM, 7.0 / TRANSLATION_SD_MM
    agree = search.run(breathed_in(), params)
    outline_mm = model.region.contour_mm
    moved_mm = np.reshape(params, (2, -1)).astype(float) @ model.contour_modes
    expected_mm = [44.0 - 0.15 * (outline_mm[:, 0] - MIDDLE_MM), np.full(len(outline_mm), 12.0)]
    assert agree > 0.3
    assert np.sqrt(np.mean(np.square(moved_mm - expected_mm))) < 2.0
    assert np.abs(moved_mm - expected_mm).mean() < 1.5


def test_where_no_patch_matches_the_start_is_kept():
    model, search = patches()
    params = np.arange(model.count, dtype=np.float32)
    assert search.run(np.full(SCENE.shape, np.nan, np.float32), params) == 0.0
    np.testing.assert_array_equal(params, np.arange(model.count))


@pytest.mark.parametrize("mask", [MASK, SCENE.disc(10.0)], ids=["large", "small"])
def test_a_fit_expects_more_translation_across_the_further_it_is_along(mask):
    """The prior of 6 mm along AP would hold back what goes 28 mm along AP with a deep breath."""
    tracker = SCENE.tracker(mask).template_tracker
    fit, template = tracker.coarse, tracker.coarse.template
    half = len(tracker.params) // 2
    params = np.zeros_like(tracker.params)
    np.testing.assert_array_equal(fit._prior_from(params), template.prior)
    params[0] = 48.0 / TRANSLATION_SD_MM
    prior = fit._prior_from(params)
    assert TRANSLATION_SD_MM / np.sqrt(prior[half]) == pytest.approx(np.hypot(6.0, SLANT * 48.0), rel=1e-5)
    np.testing.assert_array_equal(np.delete(prior, half), np.delete(template.prior, half))


def test_only_a_large_target_learns_its_motion_during_the_session():
    large = SCENE.tracker(MASK).template_tracker
    assert large.prior.history is not None
    for _ in range(3):
        large.locate(SCENE.image((10.0, -4.0)))
    assert large.prior.history.path_deviance((10.0, -4.0)) < 0.1 < large.prior.history.path_deviance((10.0, 4.0))
    large.restart()
    assert large.prior.history.path_deviance((10.0, -4.0)) == large.prior.history.path_deviance((10.0, 4.0))
    assert SCENE.tracker().template_tracker.prior.history is None
