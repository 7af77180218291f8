"""Frames whose rows and columns run along any axes are tracked alike, if the tracker is told which."""

import numpy as np
import pytest

from gatekeeper.config import TrackerConfig
from gatekeeper.core.axes import CORONAL, SAGITTAL
from gatekeeper.tracking.motion_prior import first_motion_prior, learn_motion_prior
from gatekeeper.tracking.tracker import Tracker
from tests.support.previews import breath_mm, breathing_frames
from tests.support.scenes import Scene

SCENE = Scene((120, 100))
TURNED = SAGITTAL.names[::-1]
UNKNOWN_AXES = TrackerConfig(plane="unknown").axes


def test_each_axis_has_its_search_range_and_an_unknown_one_the_largest():
    config = TrackerConfig(search_si_mm=40.0, search_ap_mm=20.0, search_rl_mm=10.0)
    assert [config.range_mm(axis) for axis in ("SI", "AP", "RL", "unknown")] == [40.0, 20.0, 10.0, 40.0]


def test_a_turned_cine_is_tracked_as_the_original_when_its_axes_are_told():
    """Also with a preview, with the jump of a deep breath, and with less than the truth in noise."""
    frames = breathing_frames(np.vstack([breath_mm(), [(30.0, -8.0), (0.0, 0.0)]]), SCENE, noise=30.0)
    tracker = Tracker(SCENE.image(), SCENE.disc(), SCENE.spacing_mm)
    turned = Tracker(SCENE.image().T, SCENE.disc().T, SCENE.spacing_mm[::-1], axes=TURNED)
    for learned in (False, True):
        if learned:
            reports = tracker.learn(frames[:48]), turned.learn(frames[:48].swapaxes(1, 2))
            assert reports[0].states_mm == pytest.approx(reports[1].states_mm, abs=0.02)
        for frame in frames[30:]:
            track, other = tracker.track(frame), turned.track(frame.T)
            assert other.center_mm == pytest.approx(track.center_mm[::-1], abs=0.02)
            assert other.confidence == pytest.approx(track.confidence, abs=0.01)


def test_where_the_axes_are_unknown_all_directions_are_alike():
    prior = first_motion_prior(UNKNOWN_AXES)
    assert prior.translation_mm[0] == prior.translation_mm[1]
    assert prior.path_deviance((3.0, 20.0)) == 0.0
    assert prior.jump_deviance((0.0, 0.0), (7.0, 1.0)) == prior.jump_deviance((0.0, 0.0), (1.0, 7.0))


def test_where_the_axes_are_unknown_a_preview_tells_along_which_the_target_moves():
    along_mm = np.linspace(0.0, 20.0, 40)
    path = learn_motion_prior(first_motion_prior(UNKNOWN_AXES), np.stack([0.2 * along_mm, along_mm], axis=1))
    assert (path.leading, path.slope) == (1, pytest.approx(0.2))
    assert path.path_deviance((0.2 * 10.0, 10.0)) == pytest.approx(0.0, abs=1e-9)
    assert path.path_deviance((10.0, 2.0)) > 4.0


def test_a_plane_tells_the_axes():
    assert TrackerConfig(plane="coronal").axes == CORONAL.names
    assert TrackerConfig().axes == SAGITTAL.names
    tracker = Tracker(SCENE.image(), SCENE.disc(), SCENE.spacing_mm, TrackerConfig(plane="axial"))
    assert tracker.template_tracker.model.region.axes == ("AP", "RL")
