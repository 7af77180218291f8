"""The web console beside a session in real time: what is new is sent at once, and the session never waits for it."""

import json
import os
import signal
import time
from contextlib import closing

import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.display.web.message import parts_of
from gatekeeper.display.web.process import Address, Console
from gatekeeper.display.web.session_info import SessionInfo
from tests.support.consoles import RATE_HZ, running, views
from tests.support.live_sessions import journal
from tests.support.waiting import until

SECONDS = 4.0
"""How long a session goes on whose console is lost after the first one."""
FACTS = SessionInfo.of("P_001", SessionConfig(), "a recording", "nowhere")


def frames_of(run):
    """Return how many frames were judged, or left out for a newer one on a busy machine."""
    return sum(one["kind"] == "frame" for one in journal(run.folder)) + run.outcome.lag.skipped


@pytest.fixture
def console():
    with closing(Console(Address(), FACTS)) as opened:
        yield opened


def test_new_view_comes_at_once_to_a_waiting_browser(console):
    with views(console.url) as link:
        link.send(json.dumps({"after": -1}))
        time.sleep(0.2)
        began_s = time.monotonic()
        console.show(parts_of({}, {}))
        assert isinstance(link.recv(timeout=10.0), bytes)
        assert time.monotonic() - began_s < 0.5


def test_the_session_goes_on_when_its_console_is_killed(tmp_path):
    with running(tmp_path / "session", seconds=SECONDS) as run:
        until(lambda: len(run.status.told) > 8)
        os.kill(run.console.pid, signal.SIGKILL)
        until(lambda: any("console has ended" in line.text for line in run.status.lines))
        until(run.ended.is_set, 20.0)
    assert frames_of(run) == SECONDS * RATE_HZ
    assert run.outcome.fault is None
    assert run.status.current.counts.missing == 0


@pytest.mark.slow
def test_the_session_goes_on_when_its_console_hangs(tmp_path):
    with running(tmp_path / "session", seconds=SECONDS) as run:
        until(lambda: len(run.status.told) > 8)
        os.kill(run.console.pid, signal.SIGSTOP)
        until(run.ended.is_set, 20.0)
    assert frames_of(run) == SECONDS * RATE_HZ
    assert run.status.current.counts.missing == 0
