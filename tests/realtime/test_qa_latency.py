"""A latency test of a real session: source, engine, lease and interlock, each in its process."""

import json
import os
import socket

import pytest

from replay.sessions.verify import verify_folder
from tests.support.command_line import gatekeeper


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.slow
def test_delays_of_a_live_chain_are_found(tmp_path, capsys):
    key = tmp_path / "lease.key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    (tmp_path / "S.toml").write_text(f"""
[source]
kind = "mrd"
port = {free_port()}
frames_per_s = 8.0
[target]
kind = "points"
points_mm = [[0.0, -10.0, -10.0], [0.0, 10.0, -10.0], [0.0, 10.0, 10.0]]
[preview]
seconds = 5.0
[loop]
silence_periods = 2.0
[linac]
kind = "lease"
port = {free_port()}
key_file = "lease.key"
""")
    (tmp_path / "tolerances.toml").write_text("expected_off_ms = 180\nexpected_on_ms = 205\ngating_percent = 50\n")
    delays = ("--imaging-latency-ms", 137, "--beam-off-delay-ms", 40, "--beam-on-delay-ms", 65)
    motion = ("--motion", "sine", "--amplitude-mm", 20, "--period-s", 2.37, "--cycles", 7)
    told = ("--tolerances", tmp_path / "tolerances.toml", "--out", tmp_path / "qa", "--json")
    code = gatekeeper("qa", "latency", tmp_path / "S.toml", *delays, *motion, *told)
    out, err = capsys.readouterr()
    assert code == 0, err
    values = json.loads(out.splitlines()[-1])
    # On a loaded machine frames really take longer until they are there.
    assert 134.0 <= values["imaging"]["median"] <= 160.0
    assert values["beam_off"]["median"] == pytest.approx(40.0, abs=3.0)
    assert values["beam_on"]["median"] == pytest.approx(65.0, abs=3.0)
    assert values["tracking"]["amplitude"] == pytest.approx(1.0, abs=0.02)
    assert values["off"]["n"] >= 5
    assert verify_folder(tmp_path / "qa" / "session").findings == []
