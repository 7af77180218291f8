"""One effect of a phantom does not disturb another, and trackers rank on it as on real frames."""

import cv2
import numpy as np
import pytest

from tests.support.phantoms import phantom, scene_mm


def test_another_lesion_leaves_all_pixels_far_from_it_as_they_were():
    plain, bright = phantom(), phantom(lesion={"contrast": 1.0, "texture": 0.0})
    row, col = scene_mm(plain)
    far = np.hypot(row + 2.0, col - 5.0) > 50.0
    difference = bright.recording.frames.astype(int) - plain.recording.frames
    assert np.abs(difference[:, far]).max() <= 1
    assert np.abs(difference).max() > 100


@pytest.mark.parametrize(
    "effect",
    [
        {"artefacts": {"banding": 0.5, "flicker": 0.2, "shading": 0.0}},
        {"tissue": {"texture": 0.2, "vessel_contrast": -0.5}},
        {"acquisition": {"snr": 5.0, "exposure_s": 0.2}},
        {"lesion": {"contrast": 0.5}},
    ],
)
def test_what_changes_the_brightness_leaves_the_truth_as_it_was(effect):
    plain, changed = phantom(), phantom(**effect)
    np.testing.assert_array_equal(plain.contours, changed.contours)
    np.testing.assert_array_equal(plain.visible, changed.visible)
    assert (plain.recording.frames != changed.recording.frames).any()


def template_errors_mm(made):
    """Return how far a rigid template search is off on each frame, in mm."""
    frames = made.recording.frames.astype(np.float32)
    rows, cols = (np.flatnonzero(made.recording.first_mask.any(axis=axis)) for axis in (1, 0))
    top, left = rows[0] - 4, cols[0] - 4
    template = frames[0][top : rows[-1] + 5, left : cols[-1] + 5]
    found = []
    for image in frames[1:]:
        match = cv2.matchTemplate(image, template, cv2.TM_CCOEFF_NORMED)
        row, col = np.unravel_index(match.argmax(), match.shape)
        found.append((row - top, col - left))
    return np.linalg.norm(np.array(found) * made.recording.spacing_mm - made.displacement_mm[1:], axis=1)


def flow_errors_mm(made):
    """Return how far the mean dense optical flow over the target is off on each frame, in mm."""
    frames = np.clip(made.recording.frames * 0.5, 0, 255).astype(np.uint8)
    mask = made.recording.first_mask
    found = []
    for image in frames[1:]:
        flow = cv2.calcOpticalFlowFarneback(frames[0], image, None, 0.5, 4, 21, 5, 7, 1.5, 0)
        found.append(flow[mask].mean(axis=0)[::-1])
    return np.linalg.norm(np.array(found) * made.recording.spacing_mm - made.displacement_mm[1:], axis=1)


@pytest.mark.slow
def test_trackers_rank_on_it_as_on_real_frames():
    made = phantom(acquisition={"matrix": (128, 112), "duration_s": 10.0, "snr": 20.0})
    still_mm = np.linalg.norm(made.displacement_mm[1:], axis=1).mean()
    template_mm, flow_mm = template_errors_mm(made).mean(), flow_errors_mm(made).mean()
    assert 4.0 < still_mm < 8.0
    assert 0.3 < template_mm < 1.2
    assert 0.15 < flow_mm < template_mm
