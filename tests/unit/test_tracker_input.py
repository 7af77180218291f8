"""What a tracker can be made of, and in which form images may come."""

import numpy as np
import pytest

from gatekeeper.config import TrackerConfig
from gatekeeper.core.errors import TargetError
from gatekeeper.tracking.tracker import Tracker
from tests.support.matrices import mostly_slow
from tests.support.scenes import Scene

SCENE = Scene()
IMAGE = SCENE.image()
MASK = SCENE.disc()
MOVED = SCENE.image((7.3, -2.6))


def levels(dtype):
    """Reference and frame with values that every type can hold."""
    return tuple(np.round(image / 4.0).clip(0, 255).astype(dtype) for image in (IMAGE, MOVED))


def reads_only(image):
    image.flags.writeable = False
    return image


def unaligned(image):
    apart = np.empty(image.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(image.shape)
    apart[:] = image
    assert not apart.flags.aligned
    return apart


LAYOUTS = {
    "read-only": lambda image: reads_only(image.copy()),
    "unaligned": unaligned,
    "columns first": np.asfortranarray,
    "every second pixel of a larger image": lambda image: np.repeat(np.repeat(image, 2, 0), 2, 1)[::2, ::2],
    "backwards in memory": lambda image: image[::-1, ::-1].copy()[::-1, ::-1],
    "big-endian": lambda image: image.astype(">f4"),
    "big-endian integers": lambda image: image.astype(">u2"),
    "lists": lambda image: image.tolist(),
    "half precision": lambda image: image.astype(np.float16),
    "long": lambda image: image.astype(np.longdouble),
    "64-bit integers": lambda image: image.astype(np.int64),
}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float64])
def test_the_type_of_equal_pixel_values_changes_nothing(dtype):
    reference, frame = levels(np.float32)
    expected = Tracker(reference, MASK, SCENE.spacing_mm).track(frame)
    reference, frame = levels(dtype)
    track = Tracker(reference, MASK, SCENE.spacing_mm).track(frame)
    np.testing.assert_array_equal(track.contour_px, expected.contour_px)
    assert (track.center_mm, track.confidence) == (expected.center_mm, expected.confidence)
    np.testing.assert_allclose(SCENE.moved_mm(track), (7.3, -2.6), atol=0.2)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_an_image_in_memory_changes_nothing(layout):
    reference, frame = levels(np.float32)
    expected = Tracker(reference, MASK, SCENE.spacing_mm).track(frame)
    stored = LAYOUTS[layout]
    track = Tracker(stored(reference), MASK, SCENE.spacing_mm).track(stored(frame))
    np.testing.assert_array_equal(track.contour_px, expected.contour_px)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_kernels_are_only_given_frames_as_they_want_them(layout):
    frame = SCENE.tracker()._structures._resampler.resample(LAYOUTS[layout](MOVED)).image
    assert frame.dtype == np.float32
    assert frame.flags.c_contiguous
    assert frame.flags.aligned


def test_images_are_left_as_they_were():
    reference, frame, mask = IMAGE.copy(), MOVED.copy(), MASK.copy()
    Tracker(reference, mask, SCENE.spacing_mm).track(frame)
    np.testing.assert_array_equal(reference, IMAGE)
    np.testing.assert_array_equal(frame, MOVED)
    np.testing.assert_array_equal(mask, MASK)


def test_the_reference_may_be_overwritten_once_the_tracker_is_made():
    reference, mask = IMAGE.copy(), MASK.copy()
    tracker = Tracker(reference, mask, SCENE.spacing_mm)
    reference[:], mask[:] = 0.0, False
    np.testing.assert_array_equal(tracker.track(MOVED).contour_px, SCENE.tracker().track(MOVED).contour_px)


def test_a_track_stays_as_it_was_when_the_next_frame_comes():
    tracker = SCENE.tracker()
    first = tracker.track(IMAGE)
    before = first.contour_px.copy()
    tracker.track(MOVED)
    np.testing.assert_array_equal(first.contour_px, before)


@pytest.mark.parametrize("spacing_mm", [[1.8, 1.8], np.array([1.8, 1.8]), (np.float64(1.8), 1.8)])
def test_spacing_may_come_as_any_two_numbers(spacing_mm):
    track = Tracker(IMAGE, MASK, spacing_mm).track(MOVED)
    np.testing.assert_array_equal(track.contour_px, SCENE.tracker().track(MOVED).contour_px)
    assert all(type(value) is float for value in (*track.center_mm, track.confidence))


def spoiled(value):
    image = IMAGE.copy()
    image[3, 4] = value
    return image


ROW, COL = np.indices(SCENE.shape)
BAD_REFERENCES = {
    "constant": (np.full(SCENE.shape, 7.0), "constant"),
    "zero": (np.zeros(SCENE.shape, np.uint16), "constant"),
    "a ramp": (2.0 * ROW + 3.0 * COL, "is 30 mm; the limit is 10 mm"),
    "stripes, which tell nothing along them": (100.0 * np.sin(ROW / 3.0), "is 30 mm"),
    "NaN": (spoiled(np.nan), "NaN"),
    "infinity": (spoiled(-np.inf), "NaN or values beyond 1e"),
    "too large for sums of squares": (spoiled(1e18), "NaN or values beyond 1e"),
    "too large for single precision": (spoiled(1.0).astype(np.float64) * 1e300, "NaN or values beyond 1e"),
    "complex": (IMAGE.astype(complex), "complex128"),
    "objects": (IMAGE.astype(object), "object"),
    "words": (np.full(SCENE.shape, "a"), "<U1"),
}


@pytest.mark.parametrize("name", BAD_REFERENCES)
def test_a_reference_that_cannot_be_tracked_on_is_refused(name):
    reference, says = BAD_REFERENCES[name]
    assert says in refused(reference, MASK)


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((120,), "(120,)"),
        ((1, 120, 100), "(1, 120, 100)"),
        ((31, 100), "31 x 100 pixels; each side must have 32 to 1024"),
        ((100, 1025), "100 x 1025 pixels; each side must have 32 to 1024"),
        ((0, 0), "0 x 0 pixels"),
        ((), "()"),
    ],
)
def test_a_reference_of_another_form_than_an_image_is_refused(shape, says):
    assert says in refused(np.ones(shape), np.ones(shape, bool))


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (MASK.astype(np.uint8), "uint8"),
        (MASK[:-1], "(119, 100)"),
        (MASK[None], "(1, 120, 100)"),
        (np.zeros_like(MASK), "empty"),
        (None, "()"),
    ],
)
def test_a_mask_that_shows_no_target_on_the_reference_is_refused(mask, says):
    assert says in refused(IMAGE, mask)


@pytest.mark.parametrize(
    "spacing_mm",
    [
        (0.0, 1.8),
        (1.8, -1.8),
        (np.nan, 1.8),
        (1.8, np.inf),
        (0.49, 1.8),
        (1.8, 4.01),
        (1.8,),
        (1.8, 1.8, 1.8),
        1.8,
        None,
        "1.8",
        ("1.8", "1.8"),
        (1.8, 1.8 + 0j),
    ],
)
def test_a_spacing_that_is_none_is_refused(spacing_mm):
    message = refused(IMAGE, MASK, spacing_mm)
    assert str(spacing_mm) in message
    assert "0.5 to 4" in message


def test_too_coarse_an_image_for_a_target_of_one_pixel_is_refused():
    scene = Scene((40, 40), (4.0, 4.0))
    corner = np.zeros(scene.shape, bool)
    corner[0, 0] = True
    assert "points within 15 mm" in refused(scene.image(), corner, scene.spacing_mm)


def refused(reference, mask, spacing_mm=SCENE.spacing_mm):
    """Return the one line that says why no tracker can be made."""
    with pytest.raises(TargetError) as caught:
        Tracker(reference, mask, spacing_mm)
    message = str(caught.value)
    assert "\n" not in message
    assert message.split(":")[0] in ("reference", "target", "target mask")
    assert ";" in message, "says no way out"
    return message


NARROW = TrackerConfig(search_si_mm=20.0, search_ap_mm=10.0)
WIDE_SCENES = [Scene((200, 220)), Scene((401, 442), (0.9, 0.9)), Scene((603, 661), (0.6, 0.6))]


def on_frames(reach, factor):
    """Return which rows and columns of a frame are read."""
    return tuple(slice(factor * ends.start, factor * ends.stop) for ends in reach)


@pytest.mark.parametrize("scene", WIDE_SCENES, ids=["1.8 mm", "0.9 mm", "0.6 mm"])
@pytest.mark.parametrize("dtype", mostly_slow([np.uint16, np.float32, np.int16, np.uint8, ">u2", np.float64], 2))
def test_only_the_part_of_a_frame_in_reach_is_read(scene, dtype):
    """The same frames whole, and with rubbish beyond the reach; all say the same, to the last bit."""
    mask = scene.disc()
    frames = [np.round(np.clip(scene.image((2.0 * i, 0.0)) / 8.0, 0, 255)).astype(dtype) for i in range(6)]
    kinds = (dtype, dtype, np.float32)
    whole, blind, single = (Tracker(frames[0].astype(kind), mask, scene.spacing_mm, NARROW) for kind in kinds)
    part = on_frames(whole.template_tracker.reach(), whole.template_tracker.model.region.factor)
    beyond = np.ones(mask.shape, bool)
    beyond[part] = False
    assert beyond.mean() > 0.2
    rubbish = [77, np.nan, np.inf, -3e38] if np.dtype(dtype).kind == "f" else [77]
    # Nor does what an earlier frame left behind.
    for tracker in (whole, blind, single):
        tracker.track(np.full(mask.shape, np.nan))
    for index, frame in enumerate(frames):
        spoiled_frame = np.where(beyond, rubbish[index % len(rubbish)], frame).astype(dtype)
        expected = single.track(frame.astype(np.float32))
        for track in (whole.track(frame), blind.track(spoiled_frame)):
            assert track.contour_px.tobytes() == expected.contour_px.tobytes()
            assert track.confidence == expected.confidence > 0.5


@pytest.mark.parametrize("scene", WIDE_SCENES, ids=["1.8 mm", "0.9 mm", "0.6 mm"])
@pytest.mark.parametrize("bad", mostly_slow([np.nan, np.inf, -np.inf]))
@pytest.mark.parametrize("dtype", mostly_slow([np.float32, np.float64]))
def test_a_bad_pixel_in_reach_is_seen_up_to_the_last_row_and_column(scene, bad, dtype):
    """Of joined pixels in the one row of each block that is read everywhere."""
    tracker = Tracker(scene.image(), scene.disc(), scene.spacing_mm, NARROW)
    factor = tracker.template_tracker.model.region.factor
    above, below = (factor - 1) // 2, factor // 2
    rows, cols = on_frames(tracker.template_tracker.reach(), factor)
    rows = slice(rows.start + above, rows.stop - below)
    outside = (rows.start - factor, False), (rows.stop - 1 + factor, False)
    for row, is_row_in in (*outside, (rows.start, True), (rows.stop - 1, True)):
        for col, is_col_in in ((cols.start - 1, False), (cols.start, True), (cols.stop - 1, True), (cols.stop, False)):
            frame = scene.image().astype(dtype)
            frame[row, col] = bad
            assert (tracker.track(frame).confidence == 0.0) == (is_row_in and is_col_in)


@pytest.mark.parametrize("scene", WIDE_SCENES[1:], ids=["0.9 mm", "0.6 mm"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_pixel_is_seen_in_every_row_where_the_fine_fit_reads(scene, bad):
    tracker = Tracker(scene.image(), scene.disc(), scene.spacing_mm, NARROW)
    row, col = np.argwhere(scene.disc()).mean(axis=0).astype(int)
    for step in range(tracker.template_tracker.model.region.factor):
        frame = scene.image()
        frame[row + step, col] = bad
        assert tracker.track(frame).confidence == 0.0
    assert tracker.track(scene.image()).confidence > 0.9


def test_a_frame_is_let_go_once_it_is_tracked():
    """So that memory which is shared with its owner can be given back."""
    scene = WIDE_SCENES[1]
    tracker = Tracker(scene.image(), scene.disc(), scene.spacing_mm, NARROW)
    memory = bytearray(scene.image().tobytes())
    assert tracker.track(np.frombuffer(memory, np.float32).reshape(scene.shape)).confidence > 0.9
    memory.clear()


def test_a_frame_of_whole_numbers_that_is_constant_has_no_target_on_it():
    scene = Scene()
    tracker = scene.tracker()
    for dtype in (np.uint16, np.int16, np.bool_):
        assert tracker.track(np.ones(scene.shape, dtype)).confidence == 0.0
    assert tracker.track(scene.image().astype(np.uint16)).confidence > 0.5
