"""The record and the interlock's own log are compared to the millisecond."""

import json

import pytest

from gatekeeper.core.errors import RecordingError
from replay.sessions.interlock_log import compare_with_interlock, recorded_spans

AHEAD_S, LIFETIME_S, FRESH_S = 1000.0, 0.1, 0.3
SESSION = "00000000000000ab"


def decision(time_s, state, allowed_s=None):
    line = {"kind": "frame", "sequence": round(8 * time_s), "decided_s": time_s, "state": state, "reasons": []}
    return line if allowed_s is None else {**line, "allowed_s": allowed_s}


def clock_note(time_s, ahead_s=AHEAD_S, session=SESSION):
    values = {"session": session, "clock_s": ahead_s, "rtt_ms": 0.4}
    return {"kind": "event", "event": "interlock", "time_s": time_s, "values": values}


JOURNAL = [
    clock_note(0.0),
    decision(1.0, "ON"),
    decision(2.0, "HOLD", 1.0),
    decision(3.0, "ON", 0.0),
    decision(5.0, "HOLD", 0.375),
]


def event(time_s, state, reason="lease", session=SESSION):
    line = {"event": "state", "time_s": time_s + AHEAD_S, "state": state, "reason": reason, "sequence": 8}
    return {**line, "session": session, "lines_lost": 0}


LOG = [event(1.002, "ON"), event(2.003, "HOLD", "revoked", None), event(3.001, "ON"), event(3.3, "HOLD", "expired")]


@pytest.fixture
def compared(tmp_path):
    """Return a comparison of a log with a journal."""

    def compare(log, journal=JOURNAL):
        path = tmp_path / "interlock.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in log))
        return compare_with_interlock(path, journal, LIFETIME_S, FRESH_S)

    return compare


def test_both_records_are_compared(compared):
    found = compared(LOG)
    assert (found.recorded_s, found.measured_s) == (pytest.approx(1.375), pytest.approx(1.3))
    assert found.finding is None
    assert found.lines == [
        "beam on for 1.375 s by the journal, 1.300 s at the interlock; clocks within 0.200 ms",
        "3.300 s: on for 75 ms in the journal only, from frame 24",
        "2.000 s: on for 3 ms at the interlock only, frames 8 to 8, ended by revoked",
        "1.000 s: on for 2 ms in the journal only, from frame 8",
        "3.000 s: on for 1 ms in the journal only, from frame 24",
    ]


def test_beam_that_no_decision_allowed_is_a_finding(compared):
    found = compared([*LOG, event(6.0, "ON"), event(6.5, "HOLD", "expired")])
    assert "the beam was on at 6.000 s for 500 ms that no recorded decision allowed" in found.finding
    assert compared([*LOG[:3], event(3.47, "HOLD", "expired")]).finding is None, "a lease lasts as long"
    assert "at 3.475 s for 25 ms" in compared([*LOG[:3], event(3.5, "HOLD", "expired")]).finding


def test_other_sessions_of_the_log_do_not_count(compared):
    other = [event(0.1, "ON", session="00000000000000cd"), event(0.9, "HOLD", "revoked")]
    assert compared([*other, *LOG]) == compared(LOG)


def test_clock_that_drifts_is_followed(compared):
    """By 1 ms in a second."""
    journal = [*JOURNAL, clock_note(10.0, AHEAD_S + 0.01)]
    found = compared([{**line, "time_s": line["time_s"] + 1e-3 * (line["time_s"] - AHEAD_S)} for line in LOG], journal)
    assert found.measured_s == pytest.approx(1.3, abs=1e-6)


def test_consecutive_decisions_are_one_span():
    spans = recorded_spans([decision(0.0, "ON"), decision(0.25, "ON", 0.25), decision(0.5, "HOLD", 0.25)], FRESH_S)
    assert [(one.from_s, one.until_s) for one in spans] == [(0.0, 0.5)]


def test_last_decision_lasts_until_the_session_was_ended_or_while_it_is_fresh():
    journal = [decision(0.0, "ON"), decision(0.25, "ON", 0.25)]
    ended = {"kind": "event", "event": "phase", "time_s": 0.35, "values": {"phase": "ended"}}
    held = {"kind": "event", "event": "hold", "time_s": 0.31, "values": {}}
    assert recorded_spans([*journal, clock_note(0.3), ended], FRESH_S)[-1].until_s == 0.35
    assert recorded_spans([*journal, held, ended], FRESH_S)[-1].until_s == 0.31
    assert recorded_spans(journal, FRESH_S)[-1].until_s == pytest.approx(0.55)


@pytest.mark.parametrize(
    "log", [["no event"], [{"event": "state"}], [{**LOG[0], "lines_lost": 3}], [{**LOG[0], "time_s": None}]]
)
def test_what_is_no_log_is_refused(compared, log):
    with pytest.raises(RecordingError, match="line 1"):
        compared(log)


def test_long_line_and_journal_without_an_interlock_are_refused(compared, tmp_path):
    (tmp_path / "long").write_bytes(b"[" * 200_000)
    with pytest.raises(RecordingError, match="line 1"):
        compare_with_interlock(tmp_path / "long", JOURNAL, LIFETIME_S, FRESH_S)
    with pytest.raises(RecordingError, match="cannot be read"):
        compare_with_interlock(tmp_path / "absent", JOURNAL, LIFETIME_S, FRESH_S)
    with pytest.raises(RecordingError, match="names no session at an interlock"):
        compared(LOG, JOURNAL[1:])
