"""What holds for times, numbers and waiting frames of a live source, whatever a device says."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.frame import SEQUENCE_BREAK
from gatekeeper.sources.device_clock import DeviceClock
from gatekeeper.sources.frame_queue import FrameQueue
from gatekeeper.sources.newest_frame import NewestFrame
from gatekeeper.sources.sequence_numbers import REORDERED, SequenceNumbers
from tests.support.steps import frame

SECONDS = st.floats(0.0, 1e6)


@given(st.lists(st.tuples(SECONDS, st.floats(0.0, 10.0)), min_size=1, max_size=60))
def test_no_device_clock_makes_a_frame_newer_than_its_arrival(stamps):
    time, received_s = DeviceClock(86_400.0), 0.0
    for device_s, later_s in stamps:
        received_s += later_s
        assert not time.times_s(device_s, received_s)[0] > received_s


@given(st.lists(st.floats(0.0, 2.0), min_size=2, max_size=60), SECONDS)
def test_a_frame_never_looks_younger_than_its_extra_delay(delays_s, offset_s):
    """Against a clock that runs well, the age shown is at least the delay beyond the shortest so far."""
    time = DeviceClock()
    for index, delay_s in enumerate(delays_s):
        at_s = 3.0 * index
        age_s = at_s + delay_s - time.times_s(at_s + offset_s, at_s + delay_s)[0]
        assert abs(age_s - (delay_s - min(delays_s[: index + 1]))) < 1e-6


@given(st.lists(st.one_of(st.integers(0, 65_535), st.just("broken")), max_size=60))
def test_numbers_never_go_back_further_than_a_frame_out_of_order(devices):
    numbers, last, broken = SequenceNumbers(65_536), None, False
    for device in devices:
        if device == "broken":
            numbers.broken()
            broken = last is not None
            continue
        number = numbers.number(device)
        assert number >= 0
        assert last is None or number >= last - REORDERED
        assert not broken or number == last + 1 + SEQUENCE_BREAK
        last, broken = number, False


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4)), min_size=1, max_size=60), st.integers(1, 5), st.booleans()
)
def test_skipped_frames_never_cover_up_a_missing_one(steps, capacity, is_newest):
    """Of numbers that rise, those that were never put in are exactly what is found missing."""
    mailbox, sequence, there, taken = FrameQueue(capacity), 0, set(), [frame(sequence=0)]
    source = NewestFrame(mailbox) if is_newest else mailbox
    mailbox.put(frame(sequence=0))
    source.next_frame(0.0)
    for step, takes in steps:
        sequence += step
        there.add(sequence)
        mailbox.put(frame(sequence=sequence))
        for _ in range(takes):
            one = source.next_frame(0.0)
            if one is not None:
                taken.append(one)
    for before, after in pairwise(taken):
        between = set(range(before.sequence + 1, after.sequence))
        assert after.skipped == len(between & there)
