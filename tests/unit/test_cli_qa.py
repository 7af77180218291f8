"""`gatekeeper qa latency` measures recordings of a phantom and a beam: exit 0, 1 with a finding, 2 for bad input."""

import json

import numpy as np
import pytest

from replay.qa.motion import periodic
from replay.qa.simulate import Chain, simulate
from tests.support.command_line import gatekeeper
from tests.support.latency_chains import WINDOW

SESSION = """
[source]
kind = "mrd"
frames_per_s = 8.0
[target]
kind = "points"
points_mm = [[0.0, -10.0, -10.0], [0.0, 10.0, -10.0], [0.0, 10.0, 10.0]]
"""


@pytest.fixture
def recorded(tmp_path):
    """Write a session file, a position log and the pulses of a beam."""
    motion = periodic("square", 20.0, 2.513, 40.0)
    ran = simulate(Chain(imaging_s=0.1, off_s=0.05, on_s=0.08), motion, WINDOW, 1)
    (tmp_path / "S.toml").write_text(SESSION)
    rows = np.column_stack([motion.times_s, motion.position_mm])[::5]
    np.savetxt(tmp_path / "positions.csv", rows, "%.5f", ",", header="time_s,S,P,L", comments="")
    np.savetxt(tmp_path / "pulses.csv", ran.pulses_s, "%.5f", header="pulse_s", comments="")
    (tmp_path / "tolerances.toml").write_text("expected_off_ms = 150\nexpected_on_ms = 180\nleast_changes = 8\n")
    return tmp_path


def run(folder, *options):
    given = ("--positions", folder / "positions.csv", "--beam", folder / "pulses.csv", "--out", folder / "out")
    return gatekeeper("qa", "latency", folder / "S.toml", *given, *options)


def test_recordings_are_measured_from_outside(recorded, capsys):
    told = ("--tolerances", recorded / "tolerances.toml", "--history", recorded / "h.csv", "--limit-mm", "6")
    assert run(recorded, *told, "--imaging-latency-ms", "100", "--json") == 0
    out, err = capsys.readouterr()
    values = json.loads(out.splitlines()[-1])
    assert values["off"]["mean"] == pytest.approx(151.0, abs=15.0)
    assert values["on"]["mean"] == pytest.approx(181.0, abs=20.0)
    assert values["beam_off"]["mean"] == pytest.approx(51.0, abs=15.0)
    assert "latency test passed" in err
    assert "Without the record of the session only sums are known" in err
    assert (recorded / "out" / "report.html").read_text().startswith("<!doctype html>")
    assert len((recorded / "h.csv").read_text().splitlines()) == 2


def test_a_latency_that_nobody_expects_is_a_finding(recorded, capsys):
    assert run(recorded, "--limit-mm", "6") == 1
    assert "FAILED  latency, beam off" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "give --limit-mm"),
        (("--limit-mm", "6", "--beam-on-delay-ms", "5"), "is for the digital phantom"),
        (("--limit-mm", "6", "--interlock", "log.jsonl"), "and no --interlock"),
        (("--record", "nowhere"), "nowhere"),
        (("--limit-mm", "6", "--tolerances", "none.toml"), "none.toml"),
        (("--limit-mm", "6", "--baseline", "none.json"), "none.json"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(recorded, capsys, options, says):
    assert run(recorded, *options) == 2
    err = capsys.readouterr().err
    assert says in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("table", "options", "says"),
    [
        ("", (), "source.port"),
        ("", ("--motion", "none.csv"), "none.csv"),
        ("", ("--record", "session"), "needs --positions and --beam"),
        ("", ("--positions", "x.csv"), "belong together"),
        ('[linac]\nkind = "dry_run"\n', (), "a live test needs a lease"),
    ],
)
def test_a_session_that_cannot_be_tested_live_is_bad_input(recorded, capsys, table, options, says):
    session = SESSION.replace("frames_per_s", "port = 0\nframes_per_s") if says == "source.port" else SESSION
    (recorded / "S.toml").write_text(session + table)
    assert gatekeeper("qa", "latency", recorded / "S.toml", "--out", recorded / "out", *options) == 2
    assert says in capsys.readouterr().err


def test_a_folder_that_is_not_empty_is_refused(recorded, capsys):
    (recorded / "out").mkdir()
    (recorded / "out" / "kept").write_text("")
    assert run(recorded, "--limit-mm", "6") == 2
    assert "holds 'kept' already" in capsys.readouterr().err
