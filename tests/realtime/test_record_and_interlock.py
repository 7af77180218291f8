"""What the record says of the beam is what the interlock did, also when the engine stalls."""

import json
import signal
import time

import pytest

from replay.sessions.verify import verify_folder
from tests.support.live_processes import delivering
from tests.support.waiting import until

STALLS, STALL_S = 3, 1.0


@pytest.mark.slow
def test_engine_that_stalls_does_not_record_beam_on_that_was_not(tmp_path):
    with delivering(tmp_path, frames=400) as (run, far):
        for _ in range(STALLS):
            until(lambda: far.record.beam_on, 10.0)
            run.signal(signal.SIGSTOP)
            time.sleep(STALL_S)
            run.signal(signal.SIGCONT)
        until(lambda: far.record.beam_on, 10.0)
        run.type("end")
        assert run.ended() == 0
    (tmp_path / "interlock.jsonl").write_text("".join(far.lines))
    found = verify_folder(tmp_path / "session", interlock=tmp_path / "interlock.jsonl")
    assert (found.findings, found.missing) == ([], [])
    said = found.interlock[0].split()
    recorded_s, measured_s = float(said[3]), float(said[8])
    delivery = json.loads((tmp_path / "session/summary.json").read_text())["delivery"]
    # Which counts a decision until the next one, and so the last one not at all.
    assert 0.0 <= recorded_s - delivery["beam_on_s"] < 0.25
    assert abs(recorded_s - measured_s) < 0.2, found.interlock
    assert measured_s > 0.1
