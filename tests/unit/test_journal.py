"""The journal holds one line per decision, whole, exact and in JSON that any reader takes."""

import errno
import json
import math

import pytest

from gatekeeper.decision import Reason
from gatekeeper.errors import OutputError
from gatekeeper.recording.journal import Journal, journal_line, read_decisions, without_latency
from gatekeeper.step import Step
from tests.steps import HOLD, ON, frame, silent_step, step, track


def entry(step, total_ms=1.0):
    line = journal_line(step, total_ms)
    assert line.endswith("\n")
    return json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_line_says_what_was_judged_when_and_why():
    line = entry(step(HOLD, Reason.OUTSIDE, Reason.LOW_CONFIDENCE, sequence=7, time_s=1.25, outside_percent=12.5))
    assert line == {
        "sequence": 7,
        "acquired_s": 1.25,
        "received_s": 1.25,
        "decided_s": 1.25,
        "state": "HOLD",
        "reasons": ["outside", "low_confidence"],
        "outside_percent": 12.5,
        "center_mm": [60.0, 48.0],
        "confidence": 0.9,
        "latency_ms": {"track": 0.5, "decide": 0.25, "total": 1.0},
    }


def test_what_was_not_measured_is_null():
    line = entry(Step(silent_step(3.0).decision))
    unknown = ("sequence", "acquired_s", "received_s", "outside_percent", "center_mm", "confidence")
    assert all(line[name] is None for name in unknown)
    assert (line["state"], line["reasons"], line["decided_s"]) == ("HOLD", ["no_frame"], 3.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_cannot_hold_are_null(bad):
    odd = step(HOLD, outside_percent=bad)
    line = entry(Step(odd.decision, frame(acquired_s=bad), track(row=bad, confidence=bad)))
    assert line["acquired_s"] is line["outside_percent"] is line["confidence"] is None
    assert line["center_mm"] == [None, 48.0]


def test_floats_read_back_exactly():
    time_s = 0.1 + 0.2
    assert entry(step(time_s=time_s))["decided_s"] == time_s


def test_every_line_is_on_disk_before_the_next_frame(tmp_path):
    path = tmp_path / "decisions.jsonl"
    with Journal(path) as journal:
        for sequence in range(3):
            journal.write(step(sequence=sequence), 1.0)
            assert [line["sequence"] for line in read_decisions(path)] == list(range(sequence + 1))


def test_line_that_a_crash_cut_short_is_left_out(tmp_path):
    path = tmp_path / "decisions.jsonl"
    with Journal(path) as journal:
        journal.write(step(sequence=0), 1.0)
        journal.write(step(sequence=1), 1.0)
    path.write_bytes(path.read_bytes()[:-9])
    assert [line["sequence"] for line in read_decisions(path)] == [0]


def test_only_the_latencies_may_differ_between_two_replays(tmp_path):
    lines = []
    for name, total_ms, outside in (("a", 1.0, 3.0), ("b", 2.0, 3.0), ("c", 1.0, 3.0000000000000004)):
        with Journal(tmp_path / name) as journal:
            journal.write(step(outside_percent=outside), total_ms)
        lines.append(without_latency(read_decisions(tmp_path / name)))
    assert lines[0] == lines[1]
    assert lines[0] != lines[2]


def test_journal_never_writes_over_another(tmp_path):
    path = tmp_path / "decisions.jsonl"
    path.write_text("precious\n")
    with pytest.raises(OutputError, match=r"decisions\.jsonl: the journal cannot be written"):
        Journal(path)
    assert path.read_text() == "precious\n"


class FullDisk:
    """A file that takes `room` bytes, a few at a time, and then no more."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = min(len(data), self.room, 50)
        self.room -= taken
        return self.file.write(data[:taken])

    def close(self):
        self.file.close()


def test_disk_that_takes_a_line_in_pieces_gets_all_of_it(tmp_path):
    path = tmp_path / "decisions.jsonl"
    with Journal(path) as journal:
        journal._file = FullDisk(journal._file, room=10_000)
        journal.write(step(sequence=4), 1.0)
    assert [line["sequence"] for line in read_decisions(path)] == [4]


def test_full_disk_is_an_error_that_keeps_the_lines_before(tmp_path):
    path = tmp_path / "decisions.jsonl"
    with Journal(path) as journal:
        journal.write(step(ON, sequence=0), 1.0)
        journal._file = FullDisk(journal._file, room=80)
        with pytest.raises(OutputError, match=r"No space left on device.*the beam is held"):
            journal.write(step(ON, sequence=1), 1.0)
    assert [line["sequence"] for line in read_decisions(path)] == [0]
