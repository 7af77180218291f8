"""A writer that stops is noticed in the stated time."""

import os
import time

from gatekeeper.config import SessionConfig
from gatekeeper.recording.session_folder import SessionRecorder
from replay.run import replay_input
from tests.support.cases import breathing_case
from tests.support.waiting import until


def test_writer_that_is_stopped_is_noticed_within_its_time(tmp_path):
    case, config = breathing_case(), SessionConfig()
    material = replay_input(case)
    with SessionRecorder(tmp_path / "s", config, material.setup) as session:
        assert session.fault is None
        os.kill(session.writer_pid, 19)
        began_s = time.monotonic()
        until(lambda: session.fault is not None)
        took_s = time.monotonic() - began_s
        os.kill(session.writer_pid, 18)
    assert "no sign of life" in session.fault
    assert 1.5 < took_s < 3.0
