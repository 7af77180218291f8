"""What each setting of the tracker does."""

import numpy as np
import pytest

from gatekeeper.config import TrackerConfig
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.tracking.tracker import Tracker
from tests.support.scenes import Scene

SCENE = Scene((176, 140))


def stretched(scene, mask, by):
    """Return the anatomy stretched along rows about the middle of the target."""
    middle_mm = mask_to_contour(mask)[:, 0].mean() * scene.spacing_mm[0]
    return scene.image(stretch=by, about_mm=middle_mm)


def found_stretch(scene, mask, frame, **settings):
    rest_px = mask_to_contour(mask)[:, 0]
    moved_px = scene.tracker(mask, TrackerConfig(**settings)).track(frame).contour_px[:, 0]
    return np.polyfit(rest_px, moved_px, 1)[0] - 1.0


@pytest.mark.parametrize(
    ("field", "moved_mm", "too_short"),
    [
        ("search_si_mm", (45.0, 0.0), 10.0),
        ("search_si_mm", (-45.0, 0.0), 10.0),
        ("search_ap_mm", (0.0, 15.0), 5.0),
        ("search_ap_mm", (0.0, -15.0), 5.0),
    ],
)
def test_a_jump_is_found_within_the_search_range_only(field, moved_mm, too_short):
    frame = SCENE.image(moved_mm)
    track = SCENE.tracker().track(frame)
    np.testing.assert_allclose(SCENE.moved_mm(track), moved_mm, atol=0.3)
    missed = SCENE.tracker(config=TrackerConfig(**{field: too_short})).track(frame)
    assert np.abs(SCENE.moved_mm(missed) - moved_mm).max() > 3.0


def test_motion_beyond_the_search_range_is_not_believed():
    tracker = SCENE.tracker(config=TrackerConfig(search_si_mm=5.0))
    for moved_mm in (0.0, 4.0, 8.0):
        assert tracker.track(SCENE.image((moved_mm, 0.0))).confidence > 0.9
    for moved_mm in (12.0, 16.0, 20.0):
        assert tracker.track(SCENE.image((moved_mm, 0.0))).confidence < 0.5


def test_what_lies_beyond_the_context_does_not_count():
    frame, other = SCENE.image((2.0, 1.0)), Scene(SCENE.shape, seed=5).image()
    frame = np.where(SCENE.disc(14.0 + 22.0), frame, other)
    trackers = [SCENE.tracker(config=TrackerConfig(context_mm=context_mm)) for context_mm in (10.0, 45.0)]
    for tracker in trackers:
        # Frames might be mostly noise until the first has been seen; then more context counts.
        tracker.track(SCENE.image())
    near, far = (tracker.track(frame) for tracker in trackers)
    np.testing.assert_allclose(SCENE.moved_mm(near), (2.0, 1.0), atol=0.2)
    assert near.confidence > 0.99
    assert far.confidence < near.confidence - 0.1


def test_a_target_without_structure_is_followed_by_its_context():
    inner, outer = SCENE.disc(12.0), SCENE.disc(14.0)
    rest = np.where(outer, 500.0, SCENE.image())
    moved = np.roll(rest, (3, -2), axis=(0, 1))
    track = Tracker(rest, inner, SCENE.spacing_mm).track(moved)
    np.testing.assert_allclose(SCENE.moved_mm(track, inner), np.multiply((3, -2), SCENE.spacing_mm), atol=0.2)


def test_the_looser_the_anatomy_the_more_of_a_stretch_is_found():
    mask = SCENE.disc(18.0)
    frame = stretched(SCENE, mask, 0.1)
    found = [found_stretch(SCENE, mask, frame, deformation_mm=sd_mm) for sd_mm in (0.001, 0.3, 1.0, 3.0)]
    assert found == sorted(found)
    assert found[0] < 0.01
    assert found[-1] > 0.09


def test_the_longer_deformation_is_alike_the_less_of_a_stretch_is_found():
    mask = SCENE.disc(18.0)
    frame = stretched(SCENE, mask, 0.1)
    found = [found_stretch(SCENE, mask, frame, deformation_length_mm=length_mm) for length_mm in (25.0, 200.0)]
    assert found[0] > 0.09
    assert found[1] < 0.05
