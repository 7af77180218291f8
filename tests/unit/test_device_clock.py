"""A device's own clock tells when a frame was acquired, and can never make it look newer than it is."""

import math

import pytest

from gatekeeper.sources.device_clock import CONFIRMED, DeviceClock

DAY_S = 86_400.0


def acquired(pairs, period_s=math.inf):
    time = DeviceClock(period_s)
    return [time.times_s(device_s, received_s)[0] for device_s, received_s in pairs]


def test_the_way_with_the_least_delay_is_the_offset_between_the_clocks():
    assert acquired([(100.0, 1.05), (100.25, 1.27), (100.5, 1.60)]) == pytest.approx([1.05, 1.27, 1.52])


def test_no_frame_is_acquired_after_it_was_received():
    assert acquired([(100.0, 1.5), (100.25, 1.3), (100.5, 1.31), (104.0, 1.4)]) == pytest.approx([1.5, 1.3, 1.31, 1.4])


def test_a_delay_that_grows_and_stays_shows_as_age_for_ever():
    late = [(100.0 + k, 1.0 + k + (0.3 if k > 2 else 0.0)) for k in range(2000)]
    ages_s = [received_s - acquired_s for (_, received_s), acquired_s in zip(late, acquired(late), strict=True)]
    assert ages_s[2] == pytest.approx(0.0)
    assert min(ages_s[3:]) == pytest.approx(0.3)


def test_a_burst_of_delayed_frames_is_no_fast_clock():
    times_s = acquired([(1000.0 + 0.25 * k, max(5.0, 0.5 + 0.25 * k)) for k in range(200)])
    assert times_s[-1] == pytest.approx(0.5 + 0.25 * 199)


def test_midnight_on_the_device_is_no_step_back():
    stamps = [(DAY_S - 0.25, 5.0), (0.0, 5.25), (0.25, 5.5)]
    assert acquired(stamps, DAY_S) == pytest.approx([5.0, 5.25, 5.5])


def test_a_frame_from_before_midnight_that_comes_after_it_is_older():
    assert acquired([(0.0, 5.25), (DAY_S - 0.25, 5.3), (0.25, 5.5)], DAY_S) == pytest.approx([5.25, 5.0, 5.5])


def test_a_device_clock_that_is_set_back_takes_the_time_of_acquisition_back():
    times_s = acquired([(100.0, 1.0), (100.25, 1.25), (99.5, 1.5)])
    assert times_s[2] < times_s[1]


def test_the_clock_of_the_device_never_starts_again():
    time = DeviceClock(DAY_S)
    stamps = [time.times_s(device_s, received_s)[1] for device_s, received_s in ((DAY_S - 0.25, 5.0), (0.25, 5.5))]
    assert stamps == [DAY_S - 0.25, DAY_S + 0.25]


def seen(time, count, begin_s=0.0, late_s=0.0):
    """Return the ages of frames that are seen so much later than they were acquired."""
    times_s = [(begin_s + 0.25 * k, begin_s + 0.25 * k + late_s) for k in range(count)]
    return [at_s - time.times_s(5000.0 + true_s, at_s)[0] for true_s, at_s in times_s]


def test_a_sender_that_comes_back_late_is_late():
    time = DeviceClock()
    assert max(seen(time, CONFIRMED, late_s=0.1)) == pytest.approx(0.0)
    time.connected()
    assert min(seen(time, 20, begin_s=30.0, late_s=3.1)) == pytest.approx(3.0)
    time.connected()
    assert min(seen(time, 20, begin_s=60.0, late_s=3.1)) == pytest.approx(3.0), "the smallest of all connections"


def test_one_wrong_stamp_does_not_make_all_later_connections_old():
    time = DeviceClock()
    seen(time, CONFIRMED)
    time.connected()
    time.times_s(5900.0, 20.0)
    time.connected()
    assert max(seen(time, 20, begin_s=30.0)) == pytest.approx(0.0)


@pytest.mark.parametrize("stamp_s", [math.nan, math.inf, -math.inf])
def test_a_stamp_that_is_no_number_is_no_time_and_is_not_remembered(stamp_s):
    time = DeviceClock(DAY_S)
    time.times_s(10.0, 1.0)
    assert all(map(math.isnan, time.times_s(stamp_s, 1.1)))
    assert time.times_s(10.25, 1.3) == pytest.approx((1.25, 10.25))
