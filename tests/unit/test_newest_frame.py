"""A live source that has fallen behind gives its newest frame, and says how many it left out."""

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.sources.newest_frame import LONGEST_QUEUE, NewestFrame
from replay.faults import inject
from replay.player import Player
from tests.support.recordings import recording


def newest(rate_hz=4.0, frames=8):
    clock = VirtualClock()
    return clock, NewestFrame(Player(recording(frames=frames, rate_hz=rate_hz), clock))


def test_the_newest_of_several_waiting_frames_is_given_and_the_others_are_counted():
    clock, source = newest()
    assert source.next_frame(1.0).sequence == 0
    clock.sleep_until(1.1)
    newer = source.next_frame(1.0)
    assert (newer.sequence, newer.skipped) == (4, 3)


def test_nothing_is_left_out_while_the_loop_keeps_up():
    _, source = newest()
    frames = [source.next_frame(1.0) for _ in range(8)]
    assert [frame.sequence for frame in frames] == list(range(8))
    assert [frame.skipped for frame in frames] == [0] * 8
    assert source.ended()


def test_nothing_is_waited_for_beyond_the_frame_that_is_there():
    clock, source = newest()
    source.next_frame(1.0)
    assert source.next_frame(0.1) is None
    assert clock.now_s() == pytest.approx(0.1)
    assert source.next_frame(1.0).sequence == 1
    assert clock.now_s() == 0.25


def test_the_last_frames_of_a_source_are_not_lost_with_its_end():
    clock, source = newest()
    source.next_frame(1.0)
    clock.sleep_until(60.0)
    last = source.next_frame(1.0)
    assert (last.sequence, last.skipped) == (7, 6)


def test_source_that_never_runs_dry_cannot_keep_the_loop():
    clock = VirtualClock()
    source = NewestFrame(Player(recording(frames=LONGEST_QUEUE + 40, rate_hz=1e9), clock))
    clock.sleep_until(1.0)
    source.next_frame(0.0)
    clock.sleep_until(2.0)
    assert source.next_frame(0.0).skipped == LONGEST_QUEUE
    assert not source.ended()


def test_closing_closes_the_source_behind():
    _, source = newest()
    source.close()
    assert source.ended()


def test_what_comes_twice_or_late_is_not_counted_as_a_frame_that_was_there():
    clock = VirtualClock()
    waiting = inject(Player(recording(frames=8, rate_hz=4.0), clock), ["drop@2", "duplicate@3=2"], clock)
    source = NewestFrame(waiting)
    assert source.next_frame(1.0).sequence == 0
    clock.sleep_until(1.1)
    newer = source.next_frame(1.0)
    assert (newer.sequence, newer.skipped) == (4, 2), "1 and 3 were there, 2 was not"
