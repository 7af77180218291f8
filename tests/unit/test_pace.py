"""When to get ready for the next of events that come at a steady rate."""

import math

import pytest

from gatekeeper.runtime.pace import EVERY_S, LEAD_S, MOST, REMEMBERED, Pace

PERIOD_S = 0.125


def paced(times_s):
    pace = Pace()
    for time_s in times_s:
        pace.came(time_s)
    return pace


def steady(count=2 * REMEMBERED, period_s=PERIOD_S, begin_s=3.0):
    return [begin_s + period_s * number for number in range(count)]


def preparations(pace):
    times_s = []
    while math.isfinite(pace.next_s):
        times_s.append(pace.next_s)
        pace.prepared(pace.next_s)
    return times_s


def test_next_event_is_due_after_the_usual_interval():
    pace = paced(steady())
    assert pace.period_s == pytest.approx(PERIOD_S)
    assert pace.due_s == pytest.approx(steady()[-1] + PERIOD_S)


def test_preparations_begin_before_the_event_end_soon_after_it_and_are_few():
    pace = paced(steady())
    times_s = preparations(pace)
    assert times_s[0] == pytest.approx(pace.due_s - LEAD_S)
    assert pace.due_s < times_s[-1] + EVERY_S
    assert times_s[-1] <= pace.due_s + EVERY_S + 1e-9
    assert 2 <= len(times_s) <= MOST


def test_of_jittered_events_the_preparations_cover_the_usual_times():
    times_s = [time_s + 0.004 * (-1) ** number for number, time_s in enumerate(steady())]
    pace = paced(times_s)
    found_s = preparations(pace)
    assert found_s[0] < pace.due_s - 0.004
    assert found_s[-1] > pace.due_s
    assert len(found_s) <= MOST


@pytest.mark.parametrize("lost", [(9,), (8, 12)])
def test_lost_events_do_not_change_the_pace(lost):
    pace = paced([time_s for number, time_s in enumerate(steady()) if number not in lost])
    assert pace.due_s == pytest.approx(steady()[-1] + PERIOD_S)


@pytest.mark.parametrize(
    "times_s",
    [
        [],
        steady(REMEMBERED),
        [0.05 * 1.4**number for number in range(20)],
        [1.0] * 20,
        [5.0 - time_s for time_s in steady()],
        [math.nan] * 20,
    ],
    ids=["none", "too few", "slower and slower", "no time passes", "backwards", "no times"],
)
def test_without_a_pace_nothing_is_prepared(times_s):
    pace = paced(times_s)
    assert preparations(pace) == []
    assert pace.due_s == math.inf


def test_a_doubled_rate_is_learned_anew():
    pace = paced([*steady(), *steady(period_s=PERIOD_S / 2.0, begin_s=steady()[-1] + PERIOD_S / 2.0)])
    assert pace.period_s == pytest.approx(PERIOD_S / 2.0)
    assert math.isfinite(pace.next_s)


def test_an_event_that_is_skipped_is_not_prepared():
    pace = paced(steady())
    pace.skip()
    assert preparations(pace) == []


def test_one_preparation_is_made_where_one_is_asked_for():
    pace = Pace(0.001, most=1)
    for time_s in steady():
        pace.came(time_s)
    assert preparations(pace) == [pytest.approx(pace.due_s - 0.001)]
