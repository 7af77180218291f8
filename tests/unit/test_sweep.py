"""A sweep tracks each case once for each tracker, judges it as a replay would, and loses no task."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.errors import ConfigError, InputError, OutputError
from gatekeeper.recording.journal import decided, read_decisions
from replay.formats.open import open_recording
from replay.formats.trackrad import write_case
from replay.run import replay_input
from replay.sweep import run, schedule, task
from replay.sweep.grid import BestRule, Grid, is_judged, read_grid, with_settings
from replay.sweep.results import ranked
from replay.sweep.run import Where, sweep
from replay.sweep.track import track_recording
from tests.support.cases import breathing_case
from tests.support.sessions import recorded

HERE = Where(workers=0)
GRID = """
[grid]
tracker.search_si_mm = [40.0, 60.0]
envelope.margin_mm = [3, 5.0]
"gate.outside_percent" = [2.0, 5.0, 10.0]
"""


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    for number, frames in enumerate((20, 24)):
        write_case(replace(breathing_case(frames=frames), name=f"case{number}"), folder / f"case{number}")
    return [folder / "case0", folder / "case1"]


@pytest.fixture
def grid(tmp_path):
    return grid_of(tmp_path, GRID)


def grid_of(folder, text):
    path = folder / "grid.toml"
    path.write_text(text)
    return read_grid(path)


def results(out):
    return pd.read_parquet(out / "results.parquet")


def test_each_case_is_tracked_once_for_each_tracker_and_judged_under_all_settings(cases, grid, tmp_path, monkeypatch):
    tracked = []
    kept = task.track_recording
    monkeypatch.setattr(task, "track_recording", lambda *given: tracked.append(given) or kept(*given))
    swept = sweep(cases, grid, tmp_path / "out", where=HERE)
    assert (swept.tasks, len(tracked), swept.faults) == (4, 4, {})
    found = results(tmp_path / "out")
    assert len(found) == 2 * 2 * 6
    assert list(found.columns[:5]) == [
        *("case", "kind", "tracker.search_si_mm", "envelope.margin_mm", "gate.outside_percent"),
    ]
    assert found.groupby("envelope.margin_mm")["duty_cycle"].mean().is_monotonic_increasing
    assert (found["out_by"] == "labels").all()
    assert len(swept.best) == 12


SETTINGS = [
    pytest.param((("envelope.margin_mm", 2.0), ("gate.outside_percent", 1.0)), id="limits"),
    pytest.param((("prediction.mode", "full"),), id="prediction", marks=pytest.mark.slow),
    pytest.param(
        (("gate.min_confidence", 0.9985), ("gate.confidence_hysteresis", 0.0005)),
        id="confidence",
        marks=pytest.mark.slow,
    ),
    pytest.param((("gate.frames_to_resume", 5),), id="resume", marks=pytest.mark.slow),
    pytest.param((("gate.jump_mm_per_s", 5.0), ("gate.exception_mm", 0.5)), id="motion", marks=pytest.mark.slow),
    pytest.param((("gate.learning_s", 1.0), ("gate.exception_mm", 0.1)), id="learning", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("setting", SETTINGS)
def test_judging_anew_decides_as_a_replay_with_these_settings(cases, tmp_path, setting, undrawn):
    assert all(is_judged(name) for name, _ in setting)
    material = replay_input(open_recording(cases[1]))
    config = with_settings(SessionConfig(), setting, "test")
    folder = recorded(tmp_path / "session", config=config, material=material)
    replayed = [decided(entry) for entry in read_decisions(folder / "decisions.jsonl")]
    judged = track_recording(material, SessionConfig()).judge(config).decisions
    assert [entry["state"] for entry in replayed] == [one.state.value for one in judged]
    assert [entry["reasons"] for entry in replayed] == [[reason.value for reason in one.reasons] for one in judged]
    outside = [np.nan if entry["outside_percent"] is None else entry["outside_percent"] for entry in replayed]
    np.testing.assert_array_equal(outside, [one.outside_percent for one in judged])
    own = track_recording(material, SessionConfig()).judge(SessionConfig()).decisions
    assert [one.reasons for one in judged] != [one.reasons for one in own] or setting[0][0] == "prediction.mode"


def test_what_tracking_or_times_depend_on_is_tracked_again():
    for name in ("tracker.kind", "gate.max_age_s", "gate.saturated_percent", "gate.identical_frames", "loop.stall_ms"):
        assert not is_judged(name)


@pytest.mark.slow
def test_figures_are_those_of_a_replay(cases, tmp_path, undrawn):
    grid = grid_of(tmp_path, "[grid]\nenvelope.margin_mm = [2.0]\n")
    sweep(cases[1:], grid, tmp_path / "out", where=HERE)
    (row,) = results(tmp_path / "out").to_dict("records")
    material = replay_input(open_recording(cases[1]))
    folder = recorded(tmp_path / "s", None, with_settings(SessionConfig(), grid.judged[0], "test"), material)
    summary = json.loads((folder / "summary.json").read_text())
    for name in ("duty_cycle", "beam_on_s", "holds", "frames"):
        assert row[name] == summary[name]
    for name in ("accuracy", "on_while_out_s", "false_hold_s"):
        assert row[name] == summary["gating"][name]


def test_sessions_are_judged_from_what_they_recorded(breathing_session, tmp_path):
    grid = grid_of(tmp_path, "[grid]\nenvelope.margin_mm = [2.0, 5.0]\n")
    sweep([breathing_session], grid, tmp_path / "out", where=HERE)
    found = results(tmp_path / "out").set_index("envelope.margin_mm")
    summary = json.loads((breathing_session / "summary.json").read_text())
    assert found.loc[5.0, "duty_cycle"] == summary["duty_cycle"]
    assert found.loc[5.0, ["kind", "out_by", "on_while_out_s"]].tolist() == ["session", "session", 0.0]
    assert found.loc[2.0, "duty_cycle"] < summary["duty_cycle"]


def test_a_bad_case_is_listed_and_the_others_are_swept(cases, grid, tmp_path):
    bad = tmp_path / "bad.mha"
    bad.write_bytes(b"ObjectType = Image\nnonsense\n")
    swept = sweep([cases[0], bad, tmp_path / "none"], grid, tmp_path / "out", where=HERE)
    assert len(swept.faults) == 4
    assert all("bad.mha" in words or "none" in words for words in swept.faults)
    assert set(results(tmp_path / "out")["case"]) == {str(cases[0])}
    assert json.loads((tmp_path / "out" / "faults.json").read_text()) == swept.faults


def test_resuming_does_what_is_left_and_gives_the_same_bytes(cases, grid, tmp_path, monkeypatch):
    once, twice = tmp_path / "once", tmp_path / "twice"
    sweep(cases, grid, once, where=HERE)
    kept = run.write_atomically
    failing = [True]

    def full(path, data):
        if path.parent.name == "tasks" and failing and failing.pop():
            raise OutputError(f"{path}: cannot be written (No space left on device)")
        kept(path, data)

    monkeypatch.setattr(run, "write_atomically", full)
    first = sweep(cases, grid, twice, where=HERE)
    assert next(iter(first.faults.values())).endswith("(No space left on device)")
    assert len(first.faults) == 1
    assert (once / "results.parquet").read_bytes() != (twice / "results.parquet").read_bytes()
    done = []
    monkeypatch.setattr(schedule, "run_task", lambda one: done.append(one) or task.run_task(one))
    second = sweep(cases, grid, twice, where=HERE, resume=True)
    assert (second.done_before, len(done), second.faults) == (3, 1, {})
    assert (once / "results.parquet").read_bytes() == (twice / "results.parquet").read_bytes()
    with pytest.raises(InputError, match="--resume"):
        sweep(cases, grid, twice, where=HERE)


@pytest.mark.slow
def test_a_case_that_has_changed_is_tracked_again(cases, grid, tmp_path):
    case = tmp_path / "case"
    write_case(replace(breathing_case(frames=20), name="case"), case)
    sweep([case], grid, tmp_path / "out", where=HERE)
    shutil.rmtree(case)
    write_case(replace(breathing_case(frames=30), name="case"), case)
    swept = sweep([case], grid, tmp_path / "out", where=HERE, resume=True)
    assert swept.done_before == 0
    assert set(results(tmp_path / "out")["frames"]) == {30}


def test_what_the_machine_lacks_is_tried_again(monkeypatch):
    tries = []

    def failing(one):
        tries.append(one)
        if len(tries) < 3:
            raise MemoryError
        return task.TaskResult(frames=7)

    monkeypatch.setattr(schedule, "run_task", failing)
    assert [result.frames for _, result in schedule.in_turn(["x"])] == [7]
    tries.clear()
    monkeypatch.setattr(schedule, "run_task", lambda one: (_ for _ in ()).throw(OSError(28, "full")))
    assert "full" in next(schedule.in_turn(["x"]))[1].fault


def test_best_settings_follow_the_rule():
    rows = [
        ("a", 1.0, 100.0, 40.0, 0.0),
        ("b", 1.0, 100.0, 40.0, 0.4),
        ("a", 2.0, 100.0, 60.0, 0.5),
        ("b", 2.0, 100.0, 60.0, 0.5),
        ("a", 3.0, 100.0, 90.0, 9.0),
        ("b", 3.0, 100.0, 90.0, np.nan),
    ]
    names = ["case", "envelope.margin_mm", "lasted_s", "beam_on_s", "on_while_out_s"]
    table = pd.DataFrame(rows, columns=names)
    grid = Grid(((),), ((("envelope.margin_mm", 1.0),),), BestRule(on_while_out_percent=1.0))
    best = ranked(table, grid)
    assert best["envelope.margin_mm"].tolist() == [2.0, 1.0, 3.0]
    assert best["duty_cycle"].tolist() == [0.6, 0.4, 0.9]
    # The share counts the cases of which it is known.
    assert best["on_while_out_percent"].tolist() == pytest.approx([100.0 / 120.0, 0.5, 10.0])
    assert best["within"].tolist() == [True, True, False]
    stricter = replace(grid, rule=BestRule(on_while_out_percent=0.6))
    assert ranked(table, stricter)["envelope.margin_mm"].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[grid]\n", "no table grid"),
        ("[grid]\nenvelope.margin_mm = 3\n", "must be a list"),
        ("[grid]\nenvelope.margin_mm = []\n", "must be a list"),
        ("[grid]\nenvelope.margin_mm = [3]\n[more]\n", "it may have the tables"),
        ("[grid]\nenvelope.margin_mm = [3]\n[best]\nduty = 3\n", "best: duty"),
        ("[grid]\nenvelope.width_mm = [3]\n", "width_mm"),
        ("[grid]\nnothing.width_mm = [3]\n", "is no setting"),
        ("[grid]\nenvelope.margin_mm = [-1]\n", "margin_mm"),
        ("[grid]\ngate.risk_percent = [1.0]\nprediction.mode = ['off']\n", "needs a prediction"),
        (
            f"[grid]\nenvelope.margin_mm = {list(range(50))}\ngate.outside_percent = {list(range(100))}\n"
            f"gate.min_confidence = {[0.01 * n for n in range(1, 60)]}\n",
            "combinations",
        ),
    ],
)
def test_a_grid_that_is_none_is_refused(cases, tmp_path, text, told):
    with pytest.raises(ConfigError, match=told):
        sweep(cases, grid_of(tmp_path, text), tmp_path / "out", where=HERE)
    assert not (tmp_path / "out").exists()


def test_a_case_named_twice_is_refused(cases, grid, tmp_path):
    with pytest.raises(InputError, match="named twice"):
        sweep([cases[0], cases[0]], grid, tmp_path / "out", where=HERE)
