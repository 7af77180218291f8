"""The settings of the loop reach the machine and the summary, and the operator is told what was refused."""

import json
import os

import pytest

from replay import run
from replay.formats.trackrad import write_case
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


def replay(tmp_path, capsys, settings):
    case = write_case(breathing_case(), tmp_path / "P_001")
    (tmp_path / "settings.toml").write_text(f"[loop]\n{settings}\n", encoding="utf-8")
    before = os.sched_getaffinity(0)
    code = gatekeeper("replay", case, "--config", tmp_path / "settings.toml", "--out", tmp_path / "s", "--json")
    assert os.sched_getaffinity(0) == before
    out, err = capsys.readouterr()
    assert code == 0
    return json.loads(out.splitlines()[-1]), err


def test_what_the_machine_refuses_is_said_and_the_replay_goes_on(tmp_path, capsys):
    result, err = replay(tmp_path, capsys, "pin_cpu = 4095")
    assert "gatekeeper: processor 4095: not granted, Invalid argument" in err
    assert result["frames"] == 24


def test_what_the_machine_grants_is_said(tmp_path, capsys):
    _, err = replay(tmp_path, capsys, f"pin_cpu = {min(os.sched_getaffinity(0))}")
    assert f"processor {min(os.sched_getaffinity(0))}: granted" in err


def test_every_pass_counts_as_a_stall_when_the_limit_is_shorter_than_any(tmp_path, capsys):
    result, err = replay(tmp_path, capsys, "stall_ms = 1e-6")
    assert result["lag"]["passes"] == result["lag"]["stalls"] == 24
    assert result["lag"]["skipped"] == 0
    assert 0.0 < result["lag"]["busy_p50_ms"] <= result["lag"]["busy_p99_ms"] <= result["lag"]["busy_max_ms"]
    assert "24 of 24 passes late or long" in err
