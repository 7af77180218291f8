"""Which frames a tracker takes, and what it says of those that are no picture."""

import numpy as np
import pytest

from gatekeeper.core.errors import InputError
from tests.support.scenes import Scene, is_finite

SCENE = Scene()
IMAGE = SCENE.image()
MOVED = SCENE.image((7.3, -2.6))

BAD_FRAMES = {
    "complex": IMAGE.astype(complex),
    "objects": IMAGE.astype(object),
    "words": np.full(SCENE.shape, "a"),
    "times": np.zeros(SCENE.shape, "M8[s]"),
    "cut": IMAGE[:-1],
    "turned": IMAGE.T,
    "a stack": IMAGE[None],
    "a row": IMAGE[0],
    "nothing": None,
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_a_frame_of_another_kind_than_the_reference_is_refused(name):
    tracker = SCENE.tracker()
    with pytest.raises(InputError, match=r"^frame: .*\(120, 100\)$"):
        tracker.track(BAD_FRAMES[name])
    assert tracker.track(MOVED).confidence > 0.9


def with_one(value, row, col):
    image = MOVED.astype(np.float64)
    image[row, col] = value
    return image


EMPTY_FRAMES = {
    "zero": np.zeros(SCENE.shape, np.float32),
    "one": np.ones(SCENE.shape, np.uint8),
    "constant and large": np.full(SCENE.shape, 65535, np.uint16),
    "constant and odd": np.full(SCENE.shape, 1.0 / 3.0),
    "NaN": np.full(SCENE.shape, np.nan),
    "NaN in the target": with_one(np.nan, 62, 50),
    "NaN next to the target": with_one(np.nan, 62, 60),
    "NaN in a corner": with_one(np.nan, 0, 0),
    "infinity": with_one(np.inf, 62, 50),
    "minus infinity in a corner": with_one(-np.inf, -1, -1),
    "too large for single precision": with_one(1e300, 62, 50),
    "all too large for single precision": MOVED.astype(np.float64) * 1e300,
}


@pytest.mark.parametrize("name", EMPTY_FRAMES)
def test_a_frame_that_is_no_picture_has_confidence_zero_and_leaves_the_target_where_it_was(name):
    tracker = SCENE.tracker()
    before = tracker.track(MOVED)
    track = tracker.track(EMPTY_FRAMES[name])
    assert track.confidence == 0.0
    np.testing.assert_array_equal(track.contour_px, before.contour_px)


@pytest.mark.parametrize("factor", [1e-40, 1e-30, 1e10, 1e20, 1e30])
def test_values_of_an_absurd_size_do_no_harm(factor):
    tracker = SCENE.tracker()
    assert is_finite(tracker.track(MOVED * np.float64(factor)))
    assert tracker.track(MOVED).confidence > 0.9
