"""What a decision takes is timed on any recording, and the peers on those that have labels."""

import json
from dataclasses import replace

import pytest

from gatekeeper.report.html import BUDGET_MS
from replay import latency, run
from replay.formats.trackrad import write_case
from replay.peers.methods import OURS, available_methods
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper


@pytest.fixture(autouse=True)
def short_and_undrawn(monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")
    monkeypatch.setattr(latency, "FEWEST_FRAMES", 60)


def benched(capsys, path):
    assert gatekeeper("bench", path, "--json") == 0
    out = capsys.readouterr()
    return json.loads(out.out), out.err


@pytest.mark.slow
def test_every_stage_and_every_peer_is_timed(tmp_path, capsys):
    values, shown = benched(capsys, write_case(breathing_case(frames=40), tmp_path / "P_001"))
    assert set(values["stages"]) == set(BUDGET_MS)
    for stage, row in values["stages"].items():
        assert row["frames"] == 2 * (40 - latency.WARM_UP_FRAMES), "two rounds make sixty frames without their first"
        assert 0.0 < row["p50_ms"] <= row["p99_ms"] <= row["max_ms"]
        assert stage in shown
    assert values["stages"]["total"]["max_ms"] >= values["stages"]["track"]["max_ms"]
    assert set(values["peers"]) == {method.name for method in available_methods()[0]}
    assert values["peers"][OURS]["frames_scored"] == 39
    assert values["peers"][OURS]["time_ratio"] == 1.0


@pytest.mark.slow
def test_without_labels_only_the_stages_are_timed_and_that_is_said(tmp_path, capsys):
    values, shown = benched(capsys, write_case(replace(breathing_case(frames=20), labels=None), tmp_path / "P_001"))
    assert values["peers"] is None
    assert "no labels" in values["left_out"]
    assert "no labels" in shown
    assert values["stages"]["track"]["frames"] >= 60


def test_what_cannot_be_timed_is_said_in_one_line(tmp_path, capsys):
    undrawn = replace(breathing_case(frames=5), first_mask=None, labels=None)
    for path in (tmp_path / "nowhere", write_case(undrawn, tmp_path / "P_002")):
        assert gatekeeper("bench", path) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
