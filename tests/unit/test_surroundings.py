"""A small target is found by the tissue around it where it is not found by itself, or in doubt."""

import math

import numpy as np
import pytest

from gatekeeper.tracking import template_tracker as module
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.patch_search import PatchSearch
from gatekeeper.tracking.region import make_region
from gatekeeper.tracking.resample import Resampler
from gatekeeper.tracking.starts_around import ENOUGH_MM, StartsAround
from gatekeeper.tracking.surroundings import Surroundings
from gatekeeper.tracking.template_tracker import TemplateTracker
from gatekeeper.tracking.translation import set_translation, translation_mm
from tests.support.scenes import Scene

SCENE = Scene((130, 110))
VESSEL = SCENE.disc(4.0)
MOVED_MM = (32.0, -20.0)


def model():
    return SCENE.tracker(VESSEL).template_tracker.model


def without_target(moved_mm, radius_mm=26.0):
    """Return a moved frame with noise at and around the target."""
    image = SCENE.image(moved_mm)
    center = np.floor_divide(SCENE.shape, 2) + np.divide(moved_mm, SCENE.spacing_mm)
    noise = np.random.default_rng(1).normal(500.0, 150.0, SCENE.shape)
    return np.where(SCENE.disc(radius_mm, center), noise, image).astype(np.float32)


@pytest.mark.parametrize("change", [(1.0, 0.0), (0.4, 300.0)], ids=["same", "half the contrast"])
def test_the_surroundings_are_found_however_far_they_moved(change):
    surroundings = Surroundings(model())
    noise = np.random.default_rng(0).normal(0.0, 40.0, SCENE.shape)
    frame = (change[0] * (SCENE.image(MOVED_MM) + noise) + change[1]).astype(np.float32)
    assert surroundings.run(frame) > 0.3
    assert math.dist(surroundings.moved_mm, MOVED_MM) < 1.5


def test_near_a_place_the_surroundings_are_found_without_a_search():
    surroundings, frame = Surroundings(model()), SCENE.image(MOVED_MM)
    assert surroundings.run_near(frame, (MOVED_MM[0] - 5.0, MOVED_MM[1] + 4.0)) > 0.3
    assert math.dist(surroundings.moved_mm, MOVED_MM) < 1.5
    assert surroundings.run_near(np.full(SCENE.shape, 7.0, np.float32), MOVED_MM) == 0.0


def test_still_anatomy_in_the_surroundings_is_outvoted():
    surroundings, frame = Surroundings(model()), SCENE.image(MOVED_MM)
    still = SCENE.image()
    frame[:, :40] = still[:, :40]
    assert surroundings.run(frame) > 0.2
    assert math.dist(surroundings.moved_mm, MOVED_MM) < 3.0


def test_other_anatomy_and_two_places_alike_are_not_trusted():
    surroundings = Surroundings(model())
    assert surroundings.run(np.full(SCENE.shape, 7.0, np.float32)) == 0.0
    twice, middle = SCENE.image((-36.0, 0.0)), SCENE.shape[0] // 2
    twice[middle:] = SCENE.image((36.0, 0.0))[middle:]
    assert surroundings.run(twice) == 0.0


def test_only_displacements_with_nearly_as_many_votes_are_looked_at(monkeypatch):
    surroundings, run, looked = Surroundings(model()), PatchSearch.run, []
    monkeypatch.setattr(PatchSearch, "run", lambda self, *given: looked.append(1) or run(self, *given))
    surroundings.run(SCENE.image(MOVED_MM))
    assert len(looked) == 1
    surroundings.run(np.maximum(SCENE.image((-36.0, 0.0)), SCENE.image((36.0, 0.0))))
    assert len(looked) > 2


def test_a_target_that_is_not_to_be_seen_is_placed_by_its_surroundings_and_unsure():
    tracker = TemplateTracker(model())
    frame = without_target(MOVED_MM)
    assert tracker.locate(frame, None, lambda: frame) < module.CONFIDENT
    assert math.dist(translation_mm(tracker.params), MOVED_MM) < 4.0


def test_a_target_that_is_found_elsewhere_than_its_surroundings_is_unsure(monkeypatch):
    tracker, frame = TemplateTracker(model()), SCENE.image((20.0, -2.0))
    tracker.surroundings.moved_mm = (20.0, 3.5)
    monkeypatch.setattr(tracker.surroundings, "run", lambda frame: 0.9)
    assert tracker.locate(frame, None, lambda: frame) < module.CONFIDENT
    assert translation_mm(tracker.params) == pytest.approx((20.0, 3.5), abs=1e-4)


def test_without_the_whole_frame_nothing_is_compared():
    tracker = TemplateTracker(model())
    frame = without_target(MOVED_MM, 36.0)
    tracker.locate(frame)
    assert math.dist(translation_mm(tracker.params), MOVED_MM) > 8.0


def test_a_frame_that_cannot_be_used_beyond_the_reach_changes_nothing():
    tracker, other = TemplateTracker(model()), TemplateTracker(model())
    frame = without_target(MOVED_MM)
    assert tracker.locate(frame, None, lambda: None) == other.locate(frame)
    assert (tracker.params == other.params).all()


def test_usual_frames_are_not_compared_at_all(monkeypatch):
    tracker = TemplateTracker(model())
    monkeypatch.setattr(tracker.surroundings, "run", lambda frame: pytest.fail("compared"))
    for down_mm in (0.0, 2.0, 4.0):
        frame = SCENE.image((down_mm, 0.0))
        assert tracker.locate(frame, None, lambda frame=frame: frame) > 0.9


def test_a_certain_target_at_a_new_place_is_compared_once(monkeypatch):
    tracker, compared = TemplateTracker(model()), []
    run = tracker.surroundings.run
    monkeypatch.setattr(tracker.surroundings, "run", lambda frame: compared.append(1) or run(frame))
    frame = SCENE.image((20.0, -2.0))
    for _ in range(3):
        assert tracker.locate(frame, None, lambda: frame) > 0.9
    assert len(compared) == 1


# --- fits from around the expected place ----------------------------------------------------------------------


def spread_mm(level, frame, expected_mm=(10.0, 0.0), former_mm=(0.0, 0.0)):
    params = np.zeros(2 * 3 if isinstance(level, Sliding) else 2 * len(level.template.modes), np.float32)
    set_translation(params, former_mm)
    starts = StartsAround(len(params), lambda ends: ends[0] < 50.0)
    starts.run(level, frame, expected_mm, params, 0.1)
    return starts.run_around(level, frame, expected_mm, params, 0.1), translation_mm(params)


class Sliding:
    """A fit that knows the rows only, whose misfit grows with the columns."""

    def __init__(self, misfit_per_mm):
        self.misfit_per_mm, self.fits = misfit_per_mm, 0

    def fit(self, frame, params, iterations):
        self.fits += 1
        params[0] = 12.0 / TRANSLATION_SD_MM
        self.col_mm = float(params[len(params) // 2]) * TRANSLATION_SD_MM
        return True

    def misfit(self, typical_unexplained):
        return 100.0 + self.misfit_per_mm * abs(self.col_mm)


def test_fits_in_texture_end_at_one_place():
    tracker = SCENE.tracker(SCENE.disc(14.0)).template_tracker
    spread, found_mm = spread_mm(tracker.coarse, SCENE.image((10.0, 0.0)))
    assert spread < 0.5
    assert math.dist(found_mm, (10.0, 0.0)) < 0.5


def test_what_slides_along_an_edge_is_known_as_well_as_its_ends_are_apart():
    spread, found_mm = spread_mm(Sliding(1.0), None)
    assert spread == pytest.approx(6.0, abs=1e-4)
    assert found_mm == pytest.approx((12.0, 0.0), abs=1e-4)
    # Ends that are much worse do not count.
    assert spread_mm(Sliding(2.0), None)[0] == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(("misfit_per_mm", "fits"), [(1.0, 5), (2.0, 6)], ids=["far apart", "one place"])
def test_no_more_fits_are_made_once_their_ends_are_too_far_apart(misfit_per_mm, fits):
    level = Sliding(misfit_per_mm)
    spread, _ = spread_mm(level, None)
    assert (spread >= ENOUGH_MM, level.fits) == (fits < 6, fits)


def test_no_fits_are_made_around_a_place_where_the_target_is_unsure(monkeypatch):
    tracker, frame = TemplateTracker(model()), without_target(MOVED_MM)
    monkeypatch.setattr(tracker._starts, "run_around", lambda *given: pytest.fail("made"))
    assert tracker.locate(frame, None, lambda: frame) < module.CONFIDENT


def test_a_target_is_unsure_where_fits_around_its_place_end_elsewhere(monkeypatch):
    frame, sure = SCENE.image((20.0, -2.0)), []
    for apart_mm in (0.0, ENOUGH_MM):
        tracker = TemplateTracker(model())
        monkeypatch.setattr(tracker._usual, "confirm", lambda *given: False)
        monkeypatch.setattr(tracker._starts, "run_around", lambda *given, apart_mm=apart_mm: apart_mm)
        sure.append(tracker.locate(frame, None, lambda: frame) >= module.CONFIDENT)
    assert sure == [True, False]


def test_where_no_end_is_allowed_the_expected_place_remains():
    level = Sliding(1.0)
    level.fit = lambda frame, params, iterations: False
    assert spread_mm(level, None, expected_mm=(10.0, 3.0)) == (0.0, pytest.approx((10.0, 3.0), abs=1e-4))


# --- an expected displacement ---------------------------------------------------------------------------------


def test_a_fit_is_drawn_to_what_it_expects_and_pays_for_the_distance_from_there():
    tracker = SCENE.tracker().template_tracker
    level, half = tracker.coarse, len(tracker.params) // 2
    frame = SCENE.image((30.0, -18.0))
    ends = {}
    for expected_mm in (None, (30.0, -18.0)):
        params = np.zeros_like(tracker.params)
        set_translation(params, (30.0, -18.0))
        level.expected_mm = expected_mm
        assert level.fit(frame, params, 20)
        ends[expected_mm] = params[[0, half]] * 30.0, level.penalty
        assert level.bending(params) == pytest.approx(
            float(np.square(params, dtype=float).sum() - np.square(params[[0, half]], dtype=float).sum()), abs=1e-3
        )
    (free_mm, dear), (drawn_mm, cheap) = ends.values()
    assert math.dist(drawn_mm, (30.0, -18.0)) < math.dist(free_mm, (30.0, -18.0))
    assert cheap < 0.1 * dear


# --- the frame beyond the reach -------------------------------------------------------------------------------

FINE = Scene((180, 160), (0.9, 0.9))
REACH = slice(20, 60), slice(25, 50)


@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.float64])
@pytest.mark.parametrize("scene", [SCENE, FINE], ids=["as it is", "binned"])
def test_the_frame_is_converted_beyond_the_reach_when_it_is_needed(scene, dtype):
    region = make_region(scene.image(), scene.disc(8.0), scene.spacing_mm)
    frame = scene.image((5.0, 0.0)).astype(dtype)
    everything = tuple(slice(0, extent) for extent in region.image.shape)
    resampled = Resampler(region, REACH).resample(frame)
    np.testing.assert_array_equal(resampled.beyond_reach(), Resampler(region, everything).resample(frame).image)
    assert np.ptp(resampled.beyond_reach()[:20]) > 0.0


def test_a_pixel_beyond_the_reach_that_is_not_finite_keeps_only_the_rest_from_being_used():
    region = make_region(SCENE.image(), SCENE.disc(8.0), SCENE.spacing_mm)
    frame = SCENE.image()
    frame[0, 0] = np.nan
    resampled = Resampler(region, REACH).resample(frame)
    assert resampled is not None
    assert resampled.beyond_reach() is None
