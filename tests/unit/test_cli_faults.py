"""`gatekeeper replay` with faults on purpose, and into an interlock."""

import json

import pytest

from replay import run
from replay.formats.trackrad import write_case
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


@pytest.fixture
def case(tmp_path):
    return write_case(breathing_case(), tmp_path / "P_001")


def replayed(capsys, *args):
    code = gatekeeper("replay", *args, "--json")
    out, err = capsys.readouterr()
    return code, json.loads(out.splitlines()[-1]) if code == 0 else None, err


def test_faults_hold_the_beam_and_the_session_verifies(case, tmp_path, capsys):
    faults = ("--fault", "nan@6+2", "--fault", "drop@12+2", "--fault", "duplicate@20")
    code, result, _ = replayed(capsys, case, "--out", tmp_path / "s", *faults)
    assert code == 0
    assert result["hold_reasons"]["not_finite"] == 2
    assert {"no_frame", "sequence_gap", "sequence_not_rising"} <= set(result["hold_reasons"])
    assert result["frames"] == 24 - 2 + 1
    assert result["score"]["dsc"] < 1.0
    assert result["score"]["frames_scored"] == result["gating"]["frames_scored"] == 23
    assert gatekeeper("verify", tmp_path / "s") == 0


@pytest.mark.slow
def test_frames_that_did_not_come_are_scored_as_not_found(case, tmp_path, capsys):
    _, good, _ = replayed(capsys, case, "--out", tmp_path / "good")
    _, reordered, _ = replayed(capsys, case, "--out", tmp_path / "late", "--fault", "reorder@8=2")
    _, dropped, _ = replayed(capsys, case, "--out", tmp_path / "bad", "--fault", "drop@8+5")
    assert dropped["score"]["dsc"] == pytest.approx(good["score"]["dsc"] * 18 / 23, abs=0.03)
    assert reordered["score"]["dsc"] == pytest.approx(good["score"]["dsc"], abs=0.03), "scored by its number"


@pytest.mark.parametrize("text", ["nan", "melt@4", "nan@4=0.5"])
def test_fault_that_is_none_is_refused_in_one_line(case, text, capsys):
    assert gatekeeper("replay", case, "--fault", text) == 2
    assert capsys.readouterr().err.count("\n") == 1


def linac_settings(tmp_path, mode=0o600):
    (tmp_path / "key").write_bytes(bytes(range(32)))
    (tmp_path / "key").chmod(mode)
    path = tmp_path / "settings.toml"
    path.write_text(f'[linac]\nport = 9\nkey_file = "{tmp_path / "key"}"\n', encoding="utf-8")
    return path


def test_interlock_is_not_driven_faster_than_time(case, tmp_path, capsys):
    assert gatekeeper("replay", case, "--config", linac_settings(tmp_path), "--out", tmp_path / "s") == 2
    assert "give --speed 1" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_key_that_others_can_read_is_refused(case, tmp_path, capsys):
    settings = linac_settings(tmp_path, 0o644)
    assert gatekeeper("replay", case, "--config", settings, "--speed", "1", "--out", tmp_path / "s") == 2
    assert "others can read" in capsys.readouterr().err


@pytest.mark.slow
def test_linac_that_does_not_answer_holds_every_frame(case, tmp_path, capsys):
    code, result, _ = replayed(
        capsys, case, "--config", linac_settings(tmp_path), "--speed", "20", "--out", tmp_path / "s"
    )
    assert code == 0
    assert result["duty_cycle"] == 0.0
    assert result["hold_reasons"]["link_lost"] >= 24
    assert gatekeeper("verify", tmp_path / "s") == 0
    capsys.readouterr()
    code, again, _ = replayed(capsys, tmp_path / "s", "--out", tmp_path / "what-if")
    assert code == 0, "a session is asked without its linac, at any speed"
    assert again["duty_cycle"] > 0.0
    assert "[linac]" not in (tmp_path / "what-if" / "config.toml").read_text()
