"""Tracking the reference beforehand changes nothing in a session that begins with it."""

import numpy as np
import pytest

from gatekeeper import Tracker
from tests.support.cases import breathing_case

CASE = breathing_case()


def tracks(times, frames, dtype=np.float32):
    tracker = Tracker(CASE.frames[0], CASE.first_mask, CASE.spacing_mm)
    for _ in range(times):
        tracker.track(CASE.frames[0].astype(dtype))
    return [tracker.track(frame) for frame in frames]


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_tracks_are_the_same_to_the_last_bit(dtype):
    without, after = tracks(0, CASE.frames), tracks(3, CASE.frames, dtype)
    for one, other in zip(without, after, strict=True):
        assert one.confidence == other.confidence
        assert one.center_mm == other.center_mm
        assert np.array_equal(one.contour_px, other.contour_px)


def test_the_reference_counts_again_once_another_frame_was_tracked():
    frames = [CASE.frames[5], CASE.frames[0], *CASE.frames[6:]]
    assert [one.confidence for one in tracks(0, frames)] != [one.confidence for one in tracks(0, CASE.frames[5:])]
