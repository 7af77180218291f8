"""Interleaved planes are kept apart, and a plane that stays away for good does not go unnoticed."""

import math
from dataclasses import replace

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.frame import Plane
from gatekeeper.sources.newest_frame import NewestFrame
from gatekeeper.sources.plane_filter import LONGEST_RUN, PlaneFilter
from tests.support.loops import Source
from tests.support.steps import frame

OURS = Plane((10.0, -40.0, 80.0))
BESIDE = Plane((22.0, -40.0, 80.0))
TILTED = Plane((10.0, -40.0, 80.0), (0.0, 0.0, -1.0), (math.sin(0.2), math.cos(0.2), 0.0))


def interleaved(planes, numbers=None, period_s=0.1):
    clock = VirtualClock()
    numbers = range(len(planes)) if numbers is None else numbers
    frames = [
        replace(frame(sequence=number, acquired_s=k * period_s), plane=plane)
        for k, (number, plane) in enumerate(zip(numbers, planes, strict=True))
    ]
    return PlaneFilter(Source(clock, frames), OURS, clock, silence_s=0.35), clock


def drained(source):
    frames = []
    while not source.ended():
        if (one := source.next_frame(0.4)) is not None:
            frames.append(one)
    return frames


@pytest.mark.parametrize("other", [BESIDE, TILTED])
def test_frames_of_another_plane_are_set_aside_and_leave_no_gap(other):
    source, _ = interleaved([OURS, other] * 4)
    frames = drained(source)
    assert [one.sequence for one in frames] == [0, 2, 4, 6]
    assert [one.skipped for one in frames] == [0, 1, 1, 1]
    assert [one.aside for one in frames] == [0, 1, 1, 1]
    assert source.set_aside == 4


def test_a_lost_frame_is_still_a_gap_where_planes_are_interleaved():
    source, _ = interleaved([OURS, BESIDE, OURS, BESIDE, OURS], [0, 1, 2, 3, 6])
    assert [(one.sequence, one.skipped) for one in drained(source)] == [(0, 0), (2, 1), (6, 1)]


def test_where_each_plane_has_its_own_count_another_one_does_not_hide_a_gap_in_ours():
    source, _ = interleaved([OURS, BESIDE, OURS, BESIDE, BESIDE, OURS], [0, 0, 1, 1, 2, 3])
    assert [(one.sequence, one.skipped) for one in drained(source)] == [(0, 0), (1, 0), (3, 0)]


def test_other_frames_are_given_once_the_plane_has_stayed_away_for_long():
    source, _ = interleaved([OURS] + [BESIDE] * 6)
    assert [one.sequence for one in drained(source)] == [0, 4, 5, 6]


def test_a_wrong_plane_from_the_start_is_given_after_the_silence():
    source, _ = interleaved([BESIDE] * 6)
    assert [one.sequence for one in drained(source)] == [4, 5]


def test_frames_displaced_or_turned_within_the_plane_are_the_gates_to_judge():
    displaced = Plane((10.0, -30.0, 60.0))
    turned = Plane(OURS.origin_mm, (0.0, math.sin(0.1), -math.cos(0.1)), (0.0, math.cos(0.1), math.sin(0.1)))
    source, _ = interleaved([OURS, displaced, turned])
    assert [one.sequence for one in drained(source)] == [0, 1, 2]


def test_a_plane_that_is_no_number_is_not_the_sessions():
    nowhere = Plane((math.nan, 0.0, 0.0))
    source, _ = interleaved([OURS, nowhere, OURS])
    assert [one.sequence for one in drained(source)] == [0, 2]


def test_setting_aside_does_not_take_longer_than_the_loop_allows():
    source, clock = interleaved([OURS] + [BESIDE] * 3)
    source.next_frame(0.4)
    assert source.next_frame(0.25) is None
    assert clock.now_s() == pytest.approx(0.25)


def test_a_flood_of_other_planes_cannot_keep_the_loop():
    source, _ = interleaved([OURS] + [BESIDE] * (LONGEST_RUN + 50), period_s=0.0)
    source.next_frame(0.4)
    assert source.next_frame(0.4) is None
    assert source.set_aside == LONGEST_RUN


def test_the_newest_frame_of_the_plane_is_given_with_all_that_were_left_out():
    source, clock = interleaved([OURS, BESIDE] * 4)
    clock.sleep_until(0.65)
    newest = NewestFrame(source).next_frame(0.1)
    assert (newest.sequence, newest.skipped) == (6, 6)
