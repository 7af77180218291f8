"""The watchdog outlives an engine that is stopped or killed, and sends HOLD in its place."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import WatchdogError
from gatekeeper.linac.watchdog import Watchdog
from tests.realtime.watchdog_engine import FileLinac, RefusingLinac, told
from tests.support.processes import is_running
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
LIMIT_S = 0.3


def words(path):
    return [word for _, word in told(path)]


@contextmanager
def engine(path):
    """An engine in a process of its own, and the process id of its watchdog."""
    command = [sys.executable, "-m", "tests.realtime.watchdog_engine", "beat", str(path), str(LIMIT_S)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def test_engine_that_beats_is_left_alone_until_it_is_killed_and_then_the_beam_is_held(tmp_path):
    path = tmp_path / "linac"
    with engine(path) as (process, watchdog):
        time.sleep(3 * LIMIT_S)
        assert words(path) == []
        killed_s = time.monotonic()
        process.kill()
        until(lambda: "close" in words(path))
    assert words(path) == ["open", "HOLD", "close"]
    assert told(path)[1][0] - killed_s < LIMIT_S, "the end of the process is seen, not only that it no longer beats"
    until(lambda: not is_running(watchdog))


def test_stopped_engine_is_held_until_it_goes_on(tmp_path):
    path = tmp_path / "linac"
    with engine(path) as (process, watchdog):
        process.send_signal(signal.SIGSTOP)
        until(lambda: words(path).count("HOLD") >= 3)
        assert words(path).count("open") == 1
        process.send_signal(signal.SIGCONT)
        until(lambda: "close" in words(path))
        held = len(words(path))
        time.sleep(3 * LIMIT_S)
        assert len(words(path)) == held
        assert is_running(watchdog)
    until(lambda: words(path)[held:] == ["open", "HOLD", "close"])


def test_engine_that_forgets_its_watchdog_ends_and_leaves_a_hold(tmp_path):
    path = tmp_path / "linac"
    command = [sys.executable, "-m", "tests.realtime.watchdog_engine", "end", str(path), "30"]
    assert subprocess.run(command, cwd=ROOT, timeout=30, check=False).returncode == 0
    until(lambda: "close" in words(path))
    assert words(path) == ["open", "HOLD", "close"]


def test_standing_down_says_nothing_to_the_linac(tmp_path):
    path = tmp_path / "linac"
    watchdog = Watchdog(partial(FileLinac, path), LIMIT_S)
    watchdog.beat()
    assert watchdog.alive
    watchdog.close()
    watchdog.close()
    assert not is_running(watchdog.pid)
    assert words(path) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_watchdog_that_was_killed_is_a_fault_at_once_and_for_good(number, tmp_path):
    watchdog = Watchdog(partial(FileLinac, tmp_path / "linac"), LIMIT_S)
    try:
        watchdog.beat()
        assert watchdog.fault() is None
        os.kill(watchdog.pid, number)
        until(lambda: watchdog.fault() is Reason.WATCHDOG_LOST)
        watchdog.beat()
        assert watchdog.fault() is Reason.WATCHDOG_LOST
    finally:
        watchdog.close()
    assert watchdog.fault() is None, "one that was told to end is not missed"


def test_a_watchdog_that_was_stopped_is_a_fault_until_it_watches_again(tmp_path, monkeypatch):
    monkeypatch.setattr("gatekeeper.linac.watchdog.WATCHING_S", 1.0)
    watchdog = Watchdog(partial(FileLinac, tmp_path / "linac"), LIMIT_S)
    try:
        os.kill(watchdog.pid, signal.SIGSTOP)
        until(lambda: watchdog.fault() is Reason.WATCHDOG_LOST)
        os.kill(watchdog.pid, signal.SIGCONT)
        until(lambda: watchdog.fault() is None)
    finally:
        watchdog.close()


def test_hold_is_sent_again_until_the_linac_takes_it(tmp_path):
    path = tmp_path / "linac"
    watchdog = Watchdog(partial(RefusingLinac, path), LIMIT_S)
    watchdog.beat()
    until(lambda: "HOLD" in words(path))
    watchdog.close()
    assert words(path)[:4] == ["open", "open", "open", "HOLD"]


def test_engine_is_not_late_before_its_first_beat(tmp_path):
    path = tmp_path / "linac"
    watchdog = Watchdog(partial(FileLinac, path), 0.05)
    time.sleep(0.3)
    watchdog.close()
    assert words(path) == []


def test_limit_that_cannot_be_met_is_refused():
    with pytest.raises(WatchdogError, match="limit is nan s; it must be above 0"):
        Watchdog(FileLinac, float("nan"))


def test_watchdog_ignores_the_interrupt_that_is_meant_for_the_engine(tmp_path):
    path = tmp_path / "linac"
    watchdog = Watchdog(partial(FileLinac, path), 30.0)
    os.kill(watchdog.pid, signal.SIGINT)
    time.sleep(0.2)
    assert watchdog.alive
    watchdog.close()
