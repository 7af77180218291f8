"""What a decision takes is timed on any recording, and the peers on those that have labels."""

import io
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from rich.console import Console

from gatekeeper.report.html import BUDGET_MS
from replay import latency, phantom, run
from replay.formats.trackrad import write_case
from replay.peers import methods
from replay.peers.methods import OURS, available_methods
from replay.phantom.config import AcquisitionConfig
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


@pytest.mark.slow
def test_on_the_phantom_the_outline_is_measured_and_the_closest_is_first(tmp_path, monkeypatch, capsys):
    short = partial(phantom.PhantomConfig, acquisition=AcquisitionConfig(duration_s=4.0))
    some = [one for one in available_methods()[0] if one.name in (OURS, "NCC template", "no tracking")]
    monkeypatch.setattr(phantom, "PhantomConfig", short)
    monkeypatch.setattr(methods, "available_methods", lambda: (some, None))
    monkeypatch.chdir(tmp_path)
    values, shown = benched(capsys, "phantom")
    rows = list(values["peers"].items())
    assert {name for name, _ in rows} == {one.name for one in some}
    assert [row["outline_mm"] for _, row in rows] == sorted(row["outline_mm"] for _, row in rows)
    assert rows[-1][0] == "no tracking"
    assert "outline mm" in shown


def test_what_cannot_be_timed_is_said_in_one_line(tmp_path, capsys):
    undrawn = replace(breathing_case(frames=5), first_mask=None, labels=None)
    for path in (tmp_path / "nowhere", write_case(undrawn, tmp_path / "P_002")):
        assert gatekeeper("bench", path) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_what_takes_longer_than_its_budget_is_marked():
    fast = dict.fromkeys(BUDGET_MS, np.full(10, 0.01))
    slow = fast | {"decide": np.array([0.01] * 9 + [BUDGET_MS["decide"] + 0.001])}
    shown = []
    for stages in (fast, slow):
        console = Console(file=io.StringIO(), width=80)
        console.print(latency.stages_table("P_001", stages))
        shown.append(console.file.getvalue())
    assert latency.OVER not in shown[0]
    assert [line.split()[1] for line in shown[1].splitlines() if latency.OVER in line] == ["decide", "longer"]
