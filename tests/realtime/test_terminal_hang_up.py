"""A live session on a terminal of its own that hangs up in the middle: the beam is held and the record is whole."""

import os
import re
import select
import socket
import subprocess
import sys
import termios
import threading
import time
from contextlib import contextmanager

import pytest
import tomli_w

from gatekeeper.operator.client import send_request
from replay.formats.trackrad import write_case
from tests.support.cases import breathing_case
from tests.support.far_ends import InterlockFarEnd
from tests.support.leases import measured
from tests.support.live_processes import fed
from tests.support.sessions import checked, lines
from tests.support.waiting import until

RUN = [sys.executable, "-c", "from gatekeeper.cli import main; main()", "run"]
START_S = 60.0
ROWS, COLS = 30, 100
LIFETIME_S, SLACK_S = 0.1, 0.25
"""A lease, and what a busy machine may add."""


class OnTerminal:
    """`gatekeeper run` as the leader of a session on a pseudo-terminal, and what it has drawn."""

    def __init__(self, command):
        self.far, near = os.openpty()
        termios.tcsetwinsize(near, (ROWS, COLS))
        self.drawn, self._stop = b"", threading.Event()
        self.process = subprocess.Popen(
            ["/usr/bin/setsid", "--ctty", "--wait", *command], stdin=near, stdout=near, stderr=near
        )
        os.close(near)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        while not self._stop.is_set():
            if select.select([self.far], [], [], 0.05)[0]:
                try:
                    self.drawn += os.read(self.far, 65536)
                except OSError:
                    return

    def shows(self, words):
        return words.encode() in re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", self.drawn)

    def hang_up(self):
        self._stop.set()
        self._reader.join()
        os.close(self.far)
        self.far = None

    def close(self):
        if self.far is not None:
            self.hang_up()
        self.process.kill()
        self.process.wait(10.0)


@contextmanager
def on_terminal(folder, case, linac):
    write_case(case, folder / "case")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    values = {
        "source": {"kind": "mrd", "port": port, "frames_per_s": 8.0},
        "target": {"kind": "trackrad", "case": "case"},
        "preview": {"seconds": 0.0},
        "loop": {"silence_periods": 2.0},
        "linac": linac.model_dump(exclude_none=True),
    }
    (folder / "live.toml").write_text(tomli_w.dumps(values))
    run = OnTerminal([*RUN, str(folder / "live.toml"), "--out", str(folder / "session")])
    try:
        until(lambda: run.shows("phase preview") or run.shows("phase ready"), START_S)
        yield run, port
    finally:
        run.close()


@pytest.fixture
def case():
    return breathing_case(frames=300, amplitude_px=0.0, rate_hz=8.0)


def test_a_terminal_that_hangs_up_holds_the_beam_and_leaves_a_whole_session(tmp_path, case):
    with InterlockFarEnd(tmp_path) as far, on_terminal(tmp_path, case, far.config) as (run, port), fed(case, port):
        until(lambda: run.shows("phase ready"), START_S)
        assert send_request(tmp_path / "session", ["arm"], "Anna")["accepted"]
        until(lambda: far.record.beam_on, 10.0)
        until(lambda: run.shows("BEAM ENABLED"), 10.0)
        gone_s = time.monotonic()
        run.hang_up()
        until(lambda: not far.record.beam_on, 5.0)
        held_s = time.monotonic() - gone_s
        measured(f"terminal gone: HOLD at the interlock after {1e3 * held_s:.0f} ms")
        assert held_s < LIFETIME_S + SLACK_S
        until(lambda: (tmp_path / "session/summary.json").exists(), 30.0)
        run.process.wait(10.0)
    found = checked(tmp_path / "session")
    assert (found.findings, found.finished) == ([], True)
    assert not (tmp_path / "session/control.sock").exists()
    assert b'"phase"' in b"".join(lines(tmp_path / "session"))


@pytest.mark.slow
def test_what_is_typed_on_the_full_screen_is_shown_and_done(tmp_path, case):
    with InterlockFarEnd(tmp_path) as far, on_terminal(tmp_path, case, far.config) as (run, port), fed(case, port):
        until(lambda: run.shows("phase ready"), START_S)
        os.write(run.far, b"arm by An")
        until(lambda: run.shows("> arm by An"), 10.0)
        os.write(run.far, b"na\r")
        until(lambda: run.shows("arm by Anna") and far.record.beam_on, 10.0)
        os.write(run.far, b"dance\r")
        until(lambda: run.shows("refused: 'dance' is not a command"), 10.0)
        os.write(run.far, b"\x03")  # Ctrl-C
        until(lambda: not far.record.beam_on, 5.0)
        assert run.process.wait(30.0) == 130
    assert checked(tmp_path / "session").findings == []
