"""Each fault does to the frames what its name says, on the frames it is told, and leaves all others as they were."""

import numpy as np
import pytest

from gatekeeper.core.errors import RecordingError
from gatekeeper.sources.newest_frame import NewestFrame
from replay.faults.pixels import CHANGES
from replay.faults.spec import KINDS
from tests.support import steps
from tests.support.faults import drain, faulty, numbers


def touched(source):
    return [frame.sequence for frame in source.delivered if frame.faults]


def run(text, **options):
    source, _, case = faulty(text, **options)
    return drain(source), source, case


def test_without_faults_everything_comes_as_it_was():
    source, _, case = faulty()
    frames = drain(source)
    assert numbers(frames) == list(range(30))
    assert all(np.array_equal(frame.image, image) for frame, image in zip(frames, case.frames, strict=True))
    assert touched(source) == source.lost == []


@pytest.mark.parametrize("name", ["nan", "inf", "zero", "saturate", "flip", "shape", "spacing", "plane", "freeze"])
def test_only_the_frames_that_are_meant_are_changed(name):
    frames, source, case = run(f"{name}@10+5")
    assert touched(source) == [10, 11, 12, 13, 14]
    assert numbers(frames) == list(range(30))
    for frame, image in zip(frames, case.frames, strict=True):
        same = (
            np.array_equal(frame.image, image)
            and frame.spacing_mm == case.spacing_mm
            and frame.plane.origin_mm == case.plane.origin_mm
        )
        assert same == (not 10 <= frame.sequence < 15)


@pytest.mark.parametrize("name", CHANGES)
def test_the_frame_that_is_changed_is_left_as_it_was(name):
    good = steps.frame()
    before = good.image.copy()
    bad = CHANGES[name](good, KINDS[name].amount, np.random.default_rng(1))
    np.testing.assert_array_equal(good.image, before)
    assert (bad.sequence, bad.acquired_s, bad.received_s) == (good.sequence, good.acquired_s, good.received_s)


@pytest.mark.parametrize(("name", "is_bad"), [("nan", np.isnan), ("inf", np.isinf)])
def test_as_many_pixels_as_told_are_not_finite(name, is_bad):
    frames, _, _ = run(f"{name}@10=7")
    assert is_bad(frames[10].image).sum() == 7


def test_a_flipped_bit_is_one_bit():
    frames, _, case = run("flip@10+20=1")
    for frame in frames[10:]:
        change = frame.image.view(np.uint32) ^ case.frames[frame.sequence].view(np.uint32)
        assert np.bitwise_count(change).sum() == 1


@pytest.mark.parametrize("percent", [0.1, 20.0, 100.0])
def test_saturated_share_of_pixels_has_the_largest_value(percent):
    frames, _, _ = run(f"saturate@10={percent}")
    image = frames[10].image
    assert (image == image.max()).sum() == max(1, round(image.size * percent / 100.0))


def test_grid_and_plane_are_others():
    frames, _, case = run("shape@10=3")
    assert frames[10].image.shape == (12, 7)
    assert frames[10].image.flags.c_contiguous
    frames, _, _ = run("spacing@10=2")
    assert frames[10].spacing_mm == (2.5, 5.0)
    frames, _, _ = run("plane@10=4")
    offset_mm = np.subtract(frames[10].plane.origin_mm, case.plane.origin_mm)
    assert abs(offset_mm @ np.array([1.0, 0.0, 0.0])) == 4.0
    assert np.linalg.norm(offset_mm) == 4.0


def test_frozen_pixels_come_under_new_numbers_and_times():
    frames, _, case = run("freeze@10+3")
    for frame in frames[10:13]:
        np.testing.assert_array_equal(frame.image, case.frames[9])
        assert frame.acquired_s == frame.sequence / 8.0


def test_dropped_frames_do_not_come_and_are_listed():
    frames, source, _ = run("drop@10+3")
    assert numbers(frames) == [*range(10), *range(13, 30)]
    assert source.lost == [10, 11, 12]


@pytest.mark.parametrize("text", ["silence@10", "silence@10+2", "drop@10+"])
def test_silent_source_ends_with_the_one_behind_and_time_passes_meanwhile(text):
    source, clock, _ = faulty(text)
    assert numbers(drain(source)) == list(range(10))
    assert clock.now_s() >= 29 / 8.0
    assert source.lost == list(range(10, 30))


def test_waiting_for_a_dropped_frame_takes_the_timeout_and_no_longer():
    source, clock, _ = faulty("drop@1+9")
    assert source.next_frame(0.3).sequence == 0
    assert source.next_frame(0.3) is None
    assert clock.now_s() == pytest.approx(0.3)


def test_duplicates_follow_their_original_at_once_under_the_same_number():
    frames, source, _ = run("duplicate@10=2")
    assert numbers(frames)[9:14] == [9, 10, 10, 10, 11]
    assert [frame.faults for frame in source.delivered[10:13]] == [(), ("duplicate",), ("duplicate",)]
    assert frames[10].received_s == frames[12].received_s


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("reorder@10", [9, 11, 10, 12, 13, 14]),
        ("reorder@10=3", [9, 11, 12, 13, 10, 14]),
        ("reorder@10+4", [9, 11, 10, 13, 12, 14]),
    ],
)
def test_reordered_frames_are_overtaken(text, order):
    frames, source, _ = run(text)
    assert numbers(frames)[9:15] == order
    assert sorted(numbers(frames)) == list(range(30))
    assert source.lost == []


def test_the_last_frame_cannot_be_overtaken_and_is_not_lost():
    frames, _, _ = run("reorder@29")
    assert numbers(frames) == list(range(30))


def test_delayed_frames_come_late_and_hold_up_those_behind_them():
    frames, source, _ = run("delay@10+2=0.5")
    ages_s = [frame.received_s - frame.acquired_s for frame in frames[9:16]]
    assert ages_s == pytest.approx([0.0, 0.5, 0.5, 0.375, 0.25, 0.125, 0.0])
    assert numbers(frames) == list(range(30))
    assert touched(source) == [10, 11]


def test_delayed_frame_does_not_come_before_its_time():
    source, clock, _ = faulty("delay@0=0.5")
    assert source.next_frame(0.2) is None
    assert source.next_frame(0.2) is None
    assert clock.now_s() == pytest.approx(0.4)
    assert source.next_frame(0.2).received_s == pytest.approx(0.5)


def test_burst_comes_with_the_first_frame_after_it():
    frames, source, _ = run("burst@10+4")
    assert numbers(frames) == list(range(30))
    assert [frame.received_s for frame in frames[10:15]] == [14 / 8.0] * 5
    assert touched(source) == [10, 11, 12, 13]


def test_frame_behind_a_delayed_burst_arrives_when_it_gets_through():
    source, _, _ = faulty("delay@10=0.6", "burst@10+2")
    frames = drain(source)
    assert [frame.received_s for frame in frames[10:13]] == pytest.approx([10 / 8.0 + 0.6] * 3)


def test_burst_without_a_frame_after_it_comes_at_the_end():
    frames, _, _ = run("burst@26+")
    assert numbers(frames) == list(range(30))
    assert frames[26].received_s == 29 / 8.0


def test_newest_frame_of_a_burst_is_the_one_that_is_judged():
    source, _, _ = faulty("burst@10+4")
    frames = drain(NewestFrame(source))
    assert numbers(frames) == [*range(10), *range(14, 30)]
    assert [frame.skipped for frame in frames] == [0] * 10 + [4] + [0] * 15


def test_dying_source_says_in_which_frame():
    source, _, _ = faulty("die@10")
    assert numbers([source.next_frame(1.0) for _ in range(10)]) == list(range(10))
    with pytest.raises(RecordingError, match="frame 10: the source has failed in the middle of it"):
        source.next_frame(1.0)
    assert source.lost == [10]


def test_closed_source_gives_nothing_more_of_what_waited():
    source, _, _ = faulty("burst@0+5", "duplicate@5=3")
    source.next_frame(2.0)
    source.close()
    source.close()
    assert source.ended()
    assert source.next_frame(1.0) is None
