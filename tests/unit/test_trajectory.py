"""A template_tracker on its way through a sequence."""

import numpy as np

from gatekeeper.tracking.preview.trajectory import Trajectory, track_frames
from gatekeeper.tracking.template_tracker import TemplateTracker
from tests.support.previews import SCENE, breath_mm, breathing_frames, model_of

MOVES_MM = breath_mm(10)
FRAMES = list(breathing_frames(MOVES_MM))


def test_what_is_seen_is_where_the_target_was():
    seen = track_frames(TemplateTracker(model_of()), FRAMES)
    np.testing.assert_allclose(seen.moves_mm, MOVES_MM, atol=0.15)
    np.testing.assert_allclose(seen.centers_mm - seen.centers_mm[0], MOVES_MM, atol=0.15)
    assert seen.sure.all()


def test_it_is_what_the_tracker_says_frame_by_frame():
    tracker, seen = SCENE.tracker(), track_frames(TemplateTracker(model_of()), FRAMES)
    for frame, center_mm, confidence in zip(FRAMES, seen.centers_mm, seen.confidence, strict=True):
        track = tracker.track(frame)
        assert track.center_mm == tuple(center_mm)
        assert track.confidence == confidence


def test_a_frame_that_shows_nothing_is_unsure_and_leaves_the_target_where_it_was():
    seen = track_frames(TemplateTracker(model_of()), [*FRAMES[:5], None, *FRAMES[5:]])
    assert np.flatnonzero(~seen.sure).tolist() == [5]
    assert seen.confidence[5] == 0.0
    np.testing.assert_array_equal(seen.params[5], seen.params[4])
    np.testing.assert_array_equal(seen.centers_mm[5], seen.centers_mm[4])


def test_frames_may_be_a_stream_and_each_has_its_own_numbers():
    seen = track_frames(TemplateTracker(model_of()), iter(FRAMES[:6]))
    assert seen.params.shape[0] == len(seen.centers_mm) == len(seen.confidence) == 6
    assert len(np.unique(seen.params[:, 0])) == 6


def test_half_a_confidence_is_sure_and_nan_is_not():
    seen = Trajectory(np.zeros((4, 4)), np.zeros((4, 2)), np.array([0.5, 0.4999, np.nan, 1.0]), np.zeros(4))
    assert seen.sure.tolist() == [True, False, False, True]
