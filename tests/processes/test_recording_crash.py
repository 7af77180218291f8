"""What was decided before a crash can be read and verified, whichever of the two processes crashed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.session.arming import arm
from gatekeeper.session.loop import run_loop
from replay.formats.session import open_session
from replay.player import Player
from replay.run import replay_input
from replay.sessions.verify import verify
from tests.support.cases import breathing_case
from tests.support.processes import is_running
from tests.support.sessions import killed
from tests.support.waiting import until

SESSION = """
import os, signal, subprocess, sys
from pathlib import Path
from gatekeeper.core.clock import VirtualClock
from gatekeeper.config import SessionConfig
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.session.loop import run_loop
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.session.arming import arm
from replay.player import Player
from replay.run import replay_input
from tests.support.cases import breathing_case

class Killed(Player):
    def next_frame(self, timeout_s):
        if self._next == 17:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().next_frame(timeout_s)

case, config, clock = breathing_case(), SessionConfig(), VirtualClock()
material = replay_input(case)
session = SessionRecorder(Path(sys.argv[1]), config, material.setup)
heir = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, pass_fds=eval(sys.argv[2]))
print(session.writer_pid, heir.pid, flush=True)
run_loop(Killed(case, clock), arm(material.setup, config).engine, DryRunLinac(), session, clock, 0.5)
"""


@pytest.mark.parametrize("inherited", ["[]", "[session._link._doorbell]"], ids=["alone", "with an heir"])
def test_engine_that_is_killed_leaves_every_decision_to_be_verified(tmp_path, inherited):
    command = [sys.executable, "-c", SESSION, tmp_path / "s", inherited]
    root = Path(__file__).parents[2]
    ran = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == -9
    writer, heir = map(int, ran.stdout.split())
    try:
        until(lambda: not is_running(writer))
    finally:
        os.kill(heir, 9)
    session = open_session(tmp_path / "s")
    found = verify(session)
    assert (found.findings, found.finished, found.frames, found.compared) == ([], False, 17, 17)
    assert [one.split(":")[0] for one in found.missing] == ["summary.json", "decisions.jsonl"]
    assert (found.result, found.signed_lines, found.lines) == ("incomplete", 18, 18)


def test_writer_that_is_killed_leaves_what_it_wrote_to_be_verified(tmp_path):
    case, config, clock = breathing_case(frames=60), SessionConfig(), VirtualClock()
    material = replay_input(case)

    class Watched(Player):
        def next_frame(self, timeout_s):
            if self._next == 40:
                written = tmp_path / "s" / "decisions.jsonl"
                until(lambda: written.read_bytes().count(b"\n") >= 20)
                killed(session)
            return super().next_frame(timeout_s)

    with SessionRecorder(tmp_path / "s", config, material.setup) as session:
        run_loop(Watched(case, clock), arm(material.setup, config).engine, DryRunLinac(), session, clock, 0.5)
        assert "the writer has ended" in session.fault
    found = verify(open_session(tmp_path / "s"))
    assert (found.findings, found.finished) == ([], False)
    assert 19 <= found.compared <= 40
    assert found.compared == found.frames


@pytest.mark.parametrize("after_s", [0.0, 0.005, 0.02])
def test_writer_that_is_killed_at_any_moment_leaves_a_session_that_opens(tmp_path, after_s):
    case, config, clock = breathing_case(frames=60), SessionConfig(), VirtualClock()
    material = replay_input(case)
    with SessionRecorder(tmp_path / "s", config, material.setup) as session:
        engine = arm(material.setup, config).engine
        command = f"sleep {after_s}; kill -9 {session.writer_pid}"
        with subprocess.Popen(["/bin/sh", "-c", command]):
            run_loop(Player(case, clock), engine, DryRunLinac(), session, clock, 0.5)
    found = verify(open_session(tmp_path / "s"))
    assert found.findings == []
    assert found.compared == found.frames <= 60
