"""A live session that is ended or killed: the beam is held in time, and the record stays good."""

import signal
import time

import pytest

from tests.support.live_processes import delivering
from tests.support.live_sessions import phases
from tests.support.sessions import checked
from tests.support.waiting import until

LIFETIME_S, SLACK_S = 0.1, 0.25


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow),
    ],
)
def test_signal_holds_the_beam_and_ends_the_session_whole(tmp_path, number, code):
    with delivering(tmp_path) as (run, far):
        told_s = time.monotonic()
        run.signal(number)
        until(lambda: not far.record.beam_on, 5.0)
        held_s = time.monotonic() - told_s
        assert run.ended() == code
        assert held_s < LIFETIME_S + SLACK_S
    assert phases(tmp_path / "session")[-1] == "ended"
    found = checked(tmp_path / "session")
    assert (found.findings, found.finished) == ([], True)
    assert (tmp_path / "session/overview.png").stat().st_size > 10_000
    assert not (tmp_path / "session/control.sock").exists()


def test_engine_that_is_killed_holds_by_the_lease(tmp_path):
    with delivering(tmp_path) as (run, far):
        told_s = time.monotonic()
        run.signal(signal.SIGKILL)
        until(lambda: not far.record.beam_on, 5.0)
        assert time.monotonic() - told_s < LIFETIME_S + SLACK_S
        run.ended()
    found = checked(tmp_path / "session")
    assert (found.findings, found.finished) == ([], False)
