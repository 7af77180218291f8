"""A line of the journal says what was judged, when and why, exactly and in JSON that any reader takes."""

import json
import math

import pytest

from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.step import Step
from gatekeeper.recording.hash_chain import START, canonical, seal
from gatekeeper.recording.journal import arrays_of, decided, entry_of, read_decisions, without_latency
from tests.support.steps import HOLD, frame, silent_step, step, track


def entry(step, total_ms=1.0):
    return json.loads(
        canonical(entry_of(step, total_ms)), parse_constant=lambda word: pytest.fail(f"{word} is no JSON")
    )


def write(path, *entries):
    previous = START
    for number, one in enumerate(entries):
        line, previous = seal(one, number, previous)
        with path.open("ab") as file:
            file.write(line)


def test_line_says_what_was_judged_when_and_why():
    line = entry(step(HOLD, Reason.OUTSIDE, Reason.LOW_CONFIDENCE, sequence=7, time_s=1.25, outside_percent=12.5))
    assert line == {
        "kind": "frame",
        "sequence": 7,
        "acquired_s": 1.25,
        "received_s": 1.25,
        "skipped": 0,
        "decided_s": 1.25,
        "state": "HOLD",
        "raw_state": None,
        "reasons": ["outside", "low_confidence"],
        "outside_percent": 12.5,
        "predicted_percent": None,
        "center_mm": [60.0, 48.0],
        "confidence": 0.9,
        "latency_ms": {"track": 0.5, "decide": 0.25, "total": 1.0},
    }


def test_what_was_not_measured_is_null():
    line = entry(Step(silent_step(3.0).decision))
    unknown = ("sequence", "acquired_s", "received_s", "outside_percent", "center_mm", "confidence")
    assert all(line[name] is None for name in unknown)
    assert (line["kind"], line["state"], line["reasons"], line["decided_s"]) == ("silence", "HOLD", ["no_frame"], 3.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_cannot_hold_are_null(bad):
    odd = step(HOLD, outside_percent=bad)
    line = entry(Step(odd.decision, frame(acquired_s=bad), track(row=bad, confidence=bad)))
    assert line["acquired_s"] is line["outside_percent"] is line["confidence"] is None
    assert line["center_mm"] == [None, 48.0]


def test_floats_read_back_exactly():
    time_s = 0.1 + 0.2
    assert entry(step(time_s=time_s))["decided_s"] == time_s


def test_outline_stands_in_the_line_as_a_hash_only():
    assert arrays_of(step())["contour"].shape == (40, 2)
    assert arrays_of(step(lost=True)) == {}


def test_only_the_latencies_may_differ_between_two_replays():
    one, slower, other = step(outside_percent=3.0), step(outside_percent=3.0), step(outside_percent=3.0000000000000004)
    lines = [without_latency([entry(a, ms)]) for a, ms in ((one, 1.0), (slower, 2.0), (other, 1.0))]
    assert lines[0] == lines[1]
    assert lines[0] != lines[2]
    assert decided(entry(one, 1.0)) == decided(entry(slower, 2.0))
    assert decided(entry(one)) != decided(entry(other))


def test_decisions_are_read_without_header_events_and_end(tmp_path):
    path = tmp_path / "decisions.jsonl"
    write(path, {"kind": "header"}, entry(step(sequence=3)), {"kind": "event"}, entry(silent_step()), {"kind": "end"})
    assert [line["sequence"] for line in read_decisions(path)] == [3, None]


def test_line_that_a_crash_cut_short_is_left_out(tmp_path):
    path = tmp_path / "decisions.jsonl"
    write(path, *(entry(step(sequence=number)) for number in range(2)))
    path.write_bytes(path.read_bytes()[:-9])
    assert [line["sequence"] for line in read_decisions(path)] == [0]


def test_missing_journal_is_refused_in_one_line(tmp_path):
    with pytest.raises(RecordingError, match=r"decisions\.jsonl: cannot be read \(No such file"):
        read_decisions(tmp_path / "decisions.jsonl")
