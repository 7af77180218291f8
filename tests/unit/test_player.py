"""The player delivers every frame, in order, none before its time."""

import numpy as np
import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.frame import Plane
from replay.player import Player
from tests.support.recordings import recording


class CoarseClock(VirtualClock):
    """Wakes up late, and keeps what it was asked to wait for."""

    def __init__(self, late_s=0.0):
        super().__init__(start_s=100.0)
        self.late_s = late_s
        self.waits_s = []

    def sleep_until(self, time_s):
        self.waits_s.append(time_s)
        super().sleep_until(time_s + self.late_s)


def play(player, timeout_s=10.0):
    while not player.ended():
        frame = player.next_frame(timeout_s)
        assert frame is not None, "the next frame is due within the timeout"
        yield frame


def test_every_frame_comes_once_in_order_as_recorded():
    case = recording(dtype=np.int16, plane=Plane(origin_mm=(1.0, 2.0, 3.0)))
    frames = list(play(Player(case, VirtualClock())))
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3]
    for frame, pixels in zip(frames, case.frames, strict=True):
        np.testing.assert_array_equal(frame.image, pixels)
        assert frame.image.dtype == np.float32
        assert frame.image.flags.c_contiguous
        assert frame.spacing_mm == case.spacing_mm
        assert frame.plane == case.plane


def test_frames_are_due_at_absolute_times_from_the_first():
    clock = CoarseClock()
    case = recording(rate_hz=4.0)
    frames = list(play(Player(case, clock)))
    assert [frame.acquired_s for frame in frames] == [100.0, 100.25, 100.5, 100.75]
    assert clock.waits_s == [100.0, 100.25, 100.5, 100.75]


def test_the_first_frame_is_due_when_it_is_asked_for():
    clock = VirtualClock()
    player = Player(recording(), clock)
    clock.sleep_until(30.0)
    assert player.next_frame(0.0).acquired_s == 30.0


def test_waking_late_does_not_add_up():
    frames = list(play(Player(recording(rate_hz=4.0), CoarseClock(late_s=0.01))))
    assert [frame.received_s - frame.acquired_s for frame in frames] == pytest.approx([0.01] * 4)


def test_frames_that_are_overdue_are_all_delivered_and_show_their_age():
    clock = VirtualClock()
    player = Player(recording(rate_hz=4.0), clock)
    player.next_frame(0.0)
    clock.sleep_until(2.0)
    frames = list(play(player, timeout_s=0.0))
    assert [frame.sequence for frame in frames] == [1, 2, 3]
    assert [frame.received_s - frame.acquired_s for frame in frames] == [1.75, 1.5, 1.25]


def test_nothing_comes_before_its_time():
    clock = VirtualClock()
    player = Player(recording(rate_hz=4.0), clock)
    player.next_frame(0.0)
    assert player.next_frame(0.1) is None
    assert clock.now_s() == pytest.approx(0.1)
    assert player.next_frame(0.1) is None
    assert player.next_frame(0.1).sequence == 1
    assert clock.now_s() == 0.25
    assert not player.ended()


def test_after_the_last_frame_nothing_comes_and_no_time_passes():
    clock = VirtualClock()
    player = Player(recording(frames=1), clock)
    assert player.next_frame(1.0) is not None
    assert player.ended()
    assert player.next_frame(1.0) is None
    assert clock.now_s() == 0.0


def test_a_closed_player_has_ended():
    player = Player(recording(), VirtualClock())
    player.close()
    player.close()
    assert player.ended()
    assert player.next_frame(1.0) is None


def test_an_image_is_the_receivers_own():
    case = recording(dtype=np.float32)
    before = case.frames.copy()
    next(play(Player(case, VirtualClock()))).image[:] = 0.0
    np.testing.assert_array_equal(case.frames, before)


def test_nan_pixels_stay_nan():
    case = recording(dtype=np.float32)
    case.frames[2, 3, 4] = np.nan
    frames = list(play(Player(case, VirtualClock())))
    assert np.isnan(frames[2].image[3, 4])
