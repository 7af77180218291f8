"""The summary counts what the decisions said."""

import pytest

from gatekeeper.core.decision import Measure, Reason
from gatekeeper.core.json_values import aligned
from gatekeeper.recording.journal import entry_of
from gatekeeper.recording.summary import StructureSummary, Tally, structure_rows
from tests.support.steps import HOLD, ON, silent_step, step


def summary(*steps, totals_ms=None):
    tally = Tally()
    for index, one in enumerate(steps):
        tally.add(entry_of(one, 1.0 if totals_ms is None else totals_ms[index]))
    return tally.summary()


def test_beam_on_time_runs_from_each_permission_to_the_next_decision():
    numbers = summary(
        step(HOLD, Reason.RESUMING, time_s=0.0),
        step(ON, time_s=0.5),
        step(ON, time_s=0.75),
        step(HOLD, Reason.OUTSIDE, time_s=1.5),
        step(ON, time_s=2.0),
    )
    assert (numbers.frames, numbers.holds) == (5, 2)
    assert numbers.beam_on_s == 1.0
    assert numbers.duty_cycle == 0.5


def test_holds_are_counted_apart_and_reasons_per_decision():
    numbers = summary(
        step(HOLD, Reason.OUTSIDE, Reason.LOW_CONFIDENCE),
        step(HOLD, Reason.OUTSIDE),
        step(ON),
        step(HOLD, Reason.RESUMING),
    )
    assert numbers.holds == 2
    assert numbers.hold_reasons == {"low_confidence": 1, "outside": 2, "resuming": 1}


def test_silence_is_a_hold_without_a_frame():
    numbers = summary(step(ON, time_s=0.0), silent_step(0.5), step(ON, time_s=1.0), totals_ms=[1.0, 99.0, 1.0])
    assert (numbers.frames, numbers.holds, numbers.hold_reasons) == (2, 1, {"no_frame": 1})
    assert numbers.beam_on_s == 0.5
    assert numbers.latency_ms.max == 1.0


@pytest.mark.parametrize("steps", [(), (step(ON),), (silent_step(),)])
def test_session_without_duration_has_no_duty_cycle(steps):
    assert summary(*steps).duty_cycle == 0.0


def test_beam_that_is_always_on_has_a_duty_cycle_of_one():
    assert summary(*(step(ON, time_s=0.1 * k) for k in range(50))).duty_cycle == 1.0


def test_latency_percentiles():
    latency = summary(*[step()] * 1001, totals_ms=range(1001)).latency_ms
    measured = (latency.p50, latency.p99, latency.p999, latency.max)
    assert measured == pytest.approx((500.0, 990.0, 999.0, 1000.0))


def test_structures_are_told_in_lines_that_fit_a_terminal():
    reasons = dict.fromkeys(Reason, 9999)
    names = ("GTV", "a name of which nobody knows where it ends")
    rows = list(
        structure_rows({name: StructureSummary(9999, 9999, reasons, Measure.OVERLAP_MM2, 99999.9) for name in names})
    )
    lines = aligned([("frames", "9999"), *rows])
    assert max(map(len, lines)) <= 80
    assert lines[1] == f"{'GTV':<24}  held on 9999 of 9999, up to 99999.9 mm2 in the zone"
    assert f"{'':24}    Target outside envelope: 9999" in lines
    assert rows[len(reasons) + 1][0] == "a name of which nobody …"
    (never,) = structure_rows({"GTV": StructureSummary(3, 0, {}, Measure.OUTSIDE_PERCENT, None)})
    assert never == ("GTV", "held on 0 of 3, never measured")
