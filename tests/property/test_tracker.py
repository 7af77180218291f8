"""Whatever the grid, the mask and the frame: a place and a confidence, or one clear line when the tracker is made."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from gatekeeper.config import TrackerConfig
from gatekeeper.core.errors import TargetError
from gatekeeper.tracking.tracker import Tracker
from tests.support.scenes import Scene, is_finite

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

sides_px = st.integers(32, 160) | st.just(1024)
steps_mm = st.floats(0.5, 4.0) | st.sampled_from([0.5, 1.0, 4.0])
seeds = st.integers(0, 1000)


@st.composite
def scenes(draw):
    shape = draw(st.tuples(sides_px, sides_px).filter(lambda shape: max(shape) < 1024 or min(shape) < 50))
    return Scene(shape, draw(st.tuples(steps_mm, steps_mm)), draw(seeds), draw(st.sampled_from([4.0, 10.0])))


@st.composite
def masks(draw, shape):
    """One pixel to all of them, in one part or many, anywhere."""
    rng = np.random.default_rng(draw(seeds))
    row, col = np.indices(shape)
    kind = draw(st.sampled_from(["pixels", "disc", "box", "ring", "checks", "scatter", "all but one"]))
    at = [draw(st.integers(0, n - 1)) for n in shape]
    size = draw(st.integers(1, max(shape)))
    away = np.hypot(row - at[0], col - at[1])
    mask = {
        "pixels": lambda: away.ravel().argsort().argsort().reshape(shape) < draw(st.integers(1, 6)),
        "disc": lambda: away <= size,
        "box": lambda: (row >= at[0]) & (col >= at[1]) & (row < at[0] + size),
        "ring": lambda: (away <= size) & (away > size // 2),
        "checks": lambda: (row // 3 + col // 3) % 2 == 0,
        "scatter": lambda: rng.random(shape) < 0.02,
        "all but one": lambda: away > 0,
    }[kind]()
    assume(mask.any())
    return mask


def references(scene):
    rng = np.random.default_rng(scene.seed)
    spike = np.zeros(scene.shape)
    spike[scene.shape[0] // 2, scene.shape[1] // 2] = 65535.0
    return st.sampled_from(
        [
            scene.image(),
            rng.integers(0, 65536, scene.shape, np.uint16),
            spike,
            np.where(np.indices(scene.shape)[0] < scene.shape[0] // 2, 0.0, 1000.0),
            np.full(scene.shape, 3.0),
            scene.image() * np.float64(1e-20),
            scene.image() * np.float64(1e12),
        ]
    )


def frames(scene):
    rng = np.random.default_rng(scene.seed + 1)
    holed = scene.image((3.0, 1.0))
    holed[:: scene.shape[0] // 3] = np.nan
    return st.sampled_from(
        [
            scene.image(),
            scene.image((3.0, -2.0)),
            scene.image((60.0, 40.0)),
            Scene(scene.shape, scene.spacing_mm, scene.seed + 1).image(),
            rng.normal(0.0, 1e3, scene.shape),
            -scene.image(),
            holed,
            np.full(scene.shape, np.inf),
            np.zeros(scene.shape, np.int16),
            scene.image() * np.float64(1e30),
            scene.image() * np.float64(1e-42),
            np.where(rng.random(scene.shape) < 0.001, 3e38, scene.image()),
            np.where(np.indices(scene.shape)[1] < scene.shape[1] // 2, 0.0, scene.image()),
        ]
    )


configs = st.builds(
    TrackerConfig,
    search_si_mm=st.sampled_from([5.0, 60.0, 200.0]),
    search_ap_mm=st.sampled_from([5.0, 30.0, 200.0]),
    context_mm=st.sampled_from([5.0, 15.0, 50.0]),
    deformation_mm=st.sampled_from([1e-6, 3.0, 20.0]),
    deformation_length_mm=st.sampled_from([5.0, 25.0, 200.0]),
)


def tracker_or_refusal(*about):
    try:
        return Tracker(*about), ""
    except TargetError as error:
        return None, str(error)


@few
@given(st.data())
def test_any_target_on_any_image_is_tracked_or_refused_in_one_line(data):
    scene = data.draw(scenes())
    mask = data.draw(masks(scene.shape))
    reference, config = data.draw(references(scene)), data.draw(configs)
    tracker, refusal = tracker_or_refusal(reference, mask, scene.spacing_mm, config)
    if tracker is None:
        assert re.fullmatch(r"(target|reference): .+; .+", refusal)
        return
    for frame in data.draw(st.lists(frames(scene), min_size=1, max_size=5)):
        assert is_finite(tracker.track(frame))


@few
@given(st.data())
def test_the_reference_itself_shows_no_motion_and_is_sure(data):
    scene = data.draw(scenes())
    mask = data.draw(masks(scene.shape))
    tracker, _ = tracker_or_refusal(scene.image(), mask, scene.spacing_mm)
    assume(tracker)
    track = tracker.track(scene.image())
    np.testing.assert_allclose(scene.moved_mm(track, mask), 0.0, atol=0.1)
    assert track.confidence > 0.9


@pytest.mark.slow
@few
@given(
    shape=st.tuples(st.integers(40, 300), st.integers(40, 300)),
    spacing_mm=st.tuples(st.floats(0.5, 4.0), st.floats(0.5, 4.0)),
    seed=seeds,
    radius_mm=st.floats(6.0, 16.0),
    way=st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0)),
)
@example(shape=(62, 48), spacing_mm=(0.75, 0.5), seed=344, radius_mm=6.0, way=(1.0, 0.5)).via("steps swung")
@example(shape=(54, 76), spacing_mm=(3.2, 0.5), seed=214, radius_mm=8.0, way=(0.9, 0.9)).via("steps swung")
@example(shape=(68, 47), spacing_mm=(2.5, 0.8), seed=848, radius_mm=9.0, way=(-0.8, -0.9)).via("steps were too long")
def test_a_target_that_can_be_seen_is_followed_to_a_fraction_of_a_pixel(shape, spacing_mm, seed, radius_mm, way):
    scene = Scene(shape, spacing_mm, seed)
    extent_mm = np.multiply(shape, spacing_mm)
    mask = scene.disc(min(radius_mm, 0.25 * extent_mm.min()))
    moved_mm = np.array(way) * np.minimum(8.0, extent_mm / 12.0)
    track = scene.tracker(mask).track(scene.image(moved_mm))
    error_mm = np.abs(scene.moved_mm(track, mask) - moved_mm)
    assert (error_mm <= np.maximum(0.3, 0.3 * np.array(spacing_mm))).all()
    assert track.confidence > 0.5


@few
@given(st.data())
def test_the_next_good_frame_is_tracked_as_if_the_bad_ones_had_not_been(data):
    scene = Scene((90, 80), seed=data.draw(seeds))
    disturbed, undisturbed = scene.tracker(), scene.tracker()
    for tracker in (disturbed, undisturbed):
        tracker.track(scene.image((4.0, -1.0)))
    bad = st.sampled_from([np.nan, np.inf, -np.inf, 1e300, 0.0, 700.0])
    for value in data.draw(st.lists(bad, min_size=1, max_size=10)):
        assert disturbed.track(np.full(scene.shape, value)).confidence == 0.0
    good = scene.image((9.0, -2.0))
    found, expected = disturbed.track(good), undisturbed.track(good)
    np.testing.assert_allclose(found.contour_px, expected.contour_px, atol=0.1)
    assert found.confidence > 0.9
