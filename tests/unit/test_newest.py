"""A live source that has fallen behind gives its newest frame, and says how many it left out."""

import pytest

from gatekeeper.clock import VirtualClock
from gatekeeper.lag import LoopStats
from gatekeeper.sources.newest import LONGEST_QUEUE, NewestFrame
from replay.player import Player
from tests.recordings import recording


def newest(rate_hz=4.0, frames=8):
    clock, skips = VirtualClock(), []
    return clock, NewestFrame(Player(recording(frames=frames, rate_hz=rate_hz), clock), skips.append), skips


def test_the_newest_of_several_waiting_frames_is_given_and_the_others_are_counted():
    clock, source, skips = newest()
    assert source.next_frame(1.0).sequence == 0
    clock.sleep_until(1.1)
    assert source.next_frame(1.0).sequence == 4
    assert skips == [3]


def test_nothing_is_left_out_while_the_loop_keeps_up():
    _, source, skips = newest()
    assert [source.next_frame(1.0).sequence for _ in range(8)] == list(range(8))
    assert skips == []
    assert source.ended()


def test_nothing_is_waited_for_beyond_the_frame_that_is_there():
    clock, source, _ = newest()
    source.next_frame(1.0)
    assert source.next_frame(0.1) is None
    assert clock.now_s() == pytest.approx(0.1)
    assert source.next_frame(1.0).sequence == 1
    assert clock.now_s() == 0.25


def test_the_last_frames_of_a_source_are_not_lost_with_its_end():
    clock, source, skips = newest()
    source.next_frame(1.0)
    clock.sleep_until(60.0)
    assert source.next_frame(1.0).sequence == 7
    assert skips == [6]


def test_source_that_never_runs_dry_cannot_keep_the_loop():
    stats = LoopStats()
    clock = VirtualClock()
    source = NewestFrame(Player(recording(frames=LONGEST_QUEUE + 40, rate_hz=1e9), clock), stats.skip)
    clock.sleep_until(1.0)
    source.next_frame(0.0)
    clock.sleep_until(2.0)
    source.next_frame(0.0)
    assert stats.summary().skipped == LONGEST_QUEUE
    assert not source.ended()


def test_closing_closes_the_source_behind():
    _, source, _ = newest()
    source.close()
    assert source.ended()
