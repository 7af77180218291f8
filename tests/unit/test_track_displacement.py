"""How far tissue has moved at any point around the target, asked of a track at any later time."""

import numpy as np
import pytest

from gatekeeper.config import TrackerConfig
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.errors import InputError, TrackerError
from gatekeeper.core.track import Track
from gatekeeper.tracking.displacement_field import DisplacementField
from tests.support.scenes import Scene

SCENE = Scene()
FINE = Scene(shape=(220, 200), spacing_mm=(0.9, 0.9))
MOVED_MM = (9.0, -2.5)


def outline_mm(scene):
    """Return the outline of the scene's disc on the reference, as (row, col) in mm."""
    return mask_to_contour(scene.disc()) * scene.spacing_mm


def center_mm(scene):
    return np.floor_divide(scene.shape, 2) * np.array(scene.spacing_mm)


@pytest.mark.parametrize("scene", [SCENE, FINE], ids=["as it is", "binned"])
def test_at_the_outline_it_is_the_displacement_of_the_outline(scene):
    track = scene.tracker().track(scene.image(MOVED_MM, stretch=0.06, about_mm=60.0))
    there_mm = outline_mm(scene) + track.displacement_mm(outline_mm(scene))
    np.testing.assert_allclose(there_mm, track.contour_px * scene.spacing_mm, atol=1e-9)
    assert np.ptp(track.displacement_mm(outline_mm(scene))[:, 0]) > 1.0


@pytest.mark.parametrize("scene", [SCENE, FINE], ids=["as it is", "binned"])
def test_inside_and_around_the_target_it_is_that_of_the_anatomy(scene):
    """Of anatomy that is stretched along rows, the displacement is known everywhere."""
    track = scene.tracker().track(scene.image(MOVED_MM, stretch=0.06, about_mm=60.0))
    points_mm = center_mm(scene) + np.random.default_rng(0).uniform(-16.0, 16.0, (200, 2))
    known_mm = np.stack([MOVED_MM[0] + 0.06 * (points_mm[:, 0] - 60.0), np.full(200, MOVED_MM[1])], axis=1)
    away_mm = np.hypot(*(track.displacement_mm(points_mm) - known_mm).T)
    assert np.sqrt(np.square(away_mm).mean()) < 0.35
    assert away_mm.max() < 1.5


def test_a_track_stays_as_it_was_when_the_tracker_goes_on():
    tracker, points_mm = SCENE.tracker(), outline_mm(SCENE)
    first = tracker.track(SCENE.image(MOVED_MM))
    told_mm = first.displacement_mm(points_mm)
    second = tracker.track(SCENE.image((2.0, 1.0)))
    np.testing.assert_array_equal(first.displacement_mm(points_mm), told_mm)
    tracker.learn(np.stack([SCENE.image((one, 0.0)) for one in np.linspace(0.0, 8.0, 40)]))
    tracker.track(SCENE.image((4.0, 0.0)))
    np.testing.assert_array_equal(first.displacement_mm(points_mm), told_mm)
    assert np.abs(second.displacement_mm(points_mm).mean(axis=0) - (2.0, 1.0)).max() < 0.3


def test_beyond_the_context_and_for_what_is_not_finite_it_is_not_known():
    config = TrackerConfig(context_mm=20.0)
    track = SCENE.tracker(config=config).track(SCENE.image(MOVED_MM))
    outward = np.array([0.0, 1.0])
    edge_mm = outline_mm(SCENE)[outline_mm(SCENE)[:, 1].argmax()]
    points_mm = np.array([edge_mm + 19.5 * outward, edge_mm + 20.5 * outward, (np.nan, 9.0), (np.inf, 9.0), edge_mm])
    known = np.isfinite(track.displacement_mm(points_mm))
    np.testing.assert_array_equal(known, np.repeat([[True], [False], [False], [False], [True]], 2, axis=1))
    assert track.displacement_mm(np.empty((0, 2))).shape == (0, 2)


def test_nothing_is_computed_unless_it_is_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(DisplacementField, "displacement_mm", lambda self, params, points: asked.append(1) or points)
    track = SCENE.tracker().track(SCENE.image())
    assert not asked
    track.displacement_mm([(1.0, 2.0)])
    assert asked


@pytest.mark.parametrize("points", [(1.0, 2.0), [[1.0, 2.0, 3.0]], [[1.0], [2.0, 3.0]], "here", 7.0])
def test_points_of_another_shape_are_refused_in_one_line(points):
    track = SCENE.tracker().track(SCENE.image())
    with pytest.raises(InputError, match=r"points: .*give \(N, 2\) as \(row, col\) in mm"):
        track.displacement_mm(points)


def test_a_track_of_an_outline_alone_says_that_it_knows_no_displacement():
    with pytest.raises(TrackerError, match="measures no displacement"):
        Track(outline_mm(SCENE), (1.0, 2.0), 0.9).displacement_mm([(1.0, 2.0)])


@pytest.mark.parametrize("field", [lambda points: points[:1], lambda points: None, lambda points: points.astype(str)])
def test_a_displacement_of_another_kind_is_refused(field):
    with pytest.raises(TrackerError, match="gave a displacement of shape"):
        Track(outline_mm(SCENE), (1.0, 2.0), 0.9, field).displacement_mm([(1.0, 2.0), (3.0, 4.0)])
