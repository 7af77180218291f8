"""The phantom in the three planes: which axes move, and the truth that goes with the images."""

import numpy as np
import pytest

from gatekeeper.core.axes import ORIENTATIONS, orientation_of
from replay.formats.open import open_recording
from replay.phantom.build import make_phantom, with_target, write_phantom
from replay.phantom.config import PhantomConfig

MATRIX = (72, 64)
BREATHING = {"rl_ratio": 0.3, "hysteresis_s": 0.0, "drift_mm_per_min": 0.0}


def config(plane):
    acquisition = {"matrix": MATRIX, "duration_s": 3.0, "plane": plane}
    return PhantomConfig.model_validate({"acquisition": acquisition, "breathing": BREATHING})


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=lambda one: one.name)
def test_the_target_moves_along_the_axes_of_the_image(orientation, tmp_path):
    made = make_phantom(config(orientation.name))
    recording = made.recording
    assert orientation_of(recording.plane) is orientation
    assert recording.frames.shape[1:] == MATRIX == recording.labels.shape[1:]
    moved, signal_mm = made.displacement_mm, made.signal_mm - made.signal_mm[0]
    share = {"SI": 1.0, "AP": -0.25, "RL": 0.3}
    for along_mm, axis in zip(moved.T, orientation.axes, strict=True):
        # Irregular motion and heartbeat come on top.
        assert np.polyfit(signal_mm, along_mm, 1)[0] == pytest.approx(share[axis.name], abs=0.15)
    for contour, label in zip(made.contours, recording.labels, strict=True):
        np.testing.assert_allclose(contour.mean(axis=0), np.argwhere(label).mean(axis=0), atol=1.0)
    back = open_recording(write_phantom(config(orientation.name), tmp_path / "case"))
    assert back.plane == recording.plane
    np.testing.assert_array_equal(np.asarray(back.frames), recording.frames)
    organ = with_target(made, "dome")
    np.testing.assert_array_equal(organ.recording.frames, recording.frames)
    assert organ.recording.labels.shape == recording.labels.shape
