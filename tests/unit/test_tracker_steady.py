"""Between two frames nothing piles up, nothing is compiled, and nothing is left to chance."""

import gc
import tracemalloc

import numpy as np
import pytest
from numba.core.event import install_recorder

from gatekeeper.config import TrackerConfig
from gatekeeper.tracking.tracker import Tracker
from tests.support.all_kernels import all_kernels
from tests.support.matrices import mostly_slow
from tests.support.scenes import Scene

SCENE = Scene()
MASK = SCENE.disc()
FRAMES = [SCENE.image((9.0 - 9.0 * np.cos(phase), np.sin(phase))) for phase in np.linspace(0.0, 6.0, 20)]
TYPES = [np.float32, np.uint16, np.float64, np.int16, np.uint8, ">f4", ">u2", np.int64, np.float16]


@pytest.mark.parametrize("dtype", mostly_slow([np.uint16, np.float32]))
def test_tracking_keeps_no_memory(dtype):
    frames = [np.maximum(frame, 0.0).astype(dtype) for frame in FRAMES]
    tracker = SCENE.tracker()

    def play(times):
        for frame in frames * times:
            tracker.track(frame)

    play(2)
    gc.collect()
    objects = len(gc.get_objects())
    tracemalloc.start()
    try:
        play(1)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        play(10)
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 3_000
    assert peak - before < 20_000, "a frame needs more than its track: some buffer is not made once"
    gc.collect()
    assert len(gc.get_objects()) - objects < 20


def test_lost_frames_keep_no_memory_either():
    tracker = SCENE.tracker()
    bad = [np.full(SCENE.shape, np.nan), np.zeros(SCENE.shape), Scene(seed=9).image()]
    for frame in bad * 5:
        tracker.track(frame)
    tracemalloc.start()
    try:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for frame in bad * 70:
            tracker.track(frame)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 3_000


def test_tracking_compiles_nothing():
    found = all_kernels()
    assert len(found) >= 12
    signatures = {kernel: list(kernel.signatures) for kernel in found}
    with install_recorder("numba:compile") as recorder:
        tracker = Tracker(FRAMES[0].astype(np.uint16), MASK, SCENE.spacing_mm)
        for index in range(50):
            tracker.track(FRAMES[index % len(FRAMES)].astype(TYPES[index % len(TYPES)]))
        for frame in (np.full(SCENE.shape, np.nan), np.asfortranarray(FRAMES[1]), FRAMES[2][::-1]):
            tracker.track(frame)
    assert recorder.buffer == []
    assert {kernel: list(kernel.signatures) for kernel in found} == signatures


def test_the_recorder_of_the_test_above_hears_a_compilation():
    import numba

    with install_recorder("numba:compile") as recorder:
        numba.njit(lambda number: number + 1)(1)
    assert recorder.buffer


def test_two_trackers_on_the_same_frames_say_the_same_to_the_last_bit():
    frames = [*FRAMES[:6], np.full(SCENE.shape, np.nan), Scene(seed=9).image(), *FRAMES[6:9]]
    first, second = SCENE.tracker(), SCENE.tracker(config=TrackerConfig())
    for frame in frames:
        a, b = first.track(frame), second.track(frame)
        assert a.contour_px.tobytes() == b.contour_px.tobytes()
        assert (a.center_mm, a.confidence) == (b.center_mm, b.confidence)


def test_trackers_do_not_share_their_state():
    alone, beside, other = SCENE.tracker(), SCENE.tracker(), Scene(seed=4).tracker()
    for index, frame in enumerate(FRAMES):
        other.track(Scene(seed=4).image((-index, 0.0)))
        np.testing.assert_array_equal(alone.track(frame).contour_px, beside.track(frame).contour_px)


def test_a_session_of_one_type_is_that_of_another():
    """Whole grey values: what a scanner sends as uint16 and a converter keeps as float32."""
    frames = [np.round(frame).astype(np.uint16) for frame in FRAMES]
    whole, single = (Tracker(frames[0].astype(dtype), MASK, SCENE.spacing_mm) for dtype in (np.uint16, np.float32))
    for frame in frames:
        a, b = whole.track(frame), single.track(frame.astype(np.float32))
        assert a.contour_px.tobytes() == b.contour_px.tobytes()
        assert a.confidence == b.confidence
