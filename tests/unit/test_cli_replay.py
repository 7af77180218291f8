"""`gatekeeper replay` takes a case on disk to decisions, scores and a session folder."""

import json
import re
import tomllib
from dataclasses import replace

import pytest

from gatekeeper.cli import replay_run as playing
from gatekeeper.core.clock import VirtualClock
from gatekeeper.recording.journal import read_decisions, without_latency
from replay import run
from replay.formats.trackrad import write_case
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return write_case(breathing_case(), tmp_path_factory.mktemp("cases") / "P_001")


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the picture out where it is not looked at."""
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


def last_json(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.usefixtures("undrawn")
def test_breathing_target_is_tracked_and_the_beam_gated(case, tmp_path, capsys):
    assert gatekeeper("replay", case, "--out", tmp_path / "s", "--json") == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert out.count("\n") == 1
    assert "duty cycle" in err
    assert (result["case"], result["frames"], result["session"]) == ("P_001", 24, str(tmp_path / "s"))
    assert 0.3 < result["duty_cycle"] < 0.8
    assert result["beam_on_s"] == pytest.approx(result["duty_cycle"] * 23 / 4.0, abs=1e-5)
    assert result["holds"] >= 2
    assert result["hold_reasons"]["outside"] > 4
    assert set(result["latency_ms"]) == {"p50", "p99", "p999", "max"}
    assert result["score"]["dsc"] > 0.9
    assert result["score"]["center_mm"] < 1.0
    assert set(result["score"]) >= {"dsc", "hd95_mm", "masd_mm", "center_mm", "d98_relative"}
    assert result["gating"]["accuracy"] > 0.7
    assert result["gating"]["on_while_out_s"] <= 0.5
    assert set(result["gating"]) >= {"accuracy", "on_while_out_s", "false_hold_s"}


def test_session_folder_agrees_with_what_is_printed(case, tmp_path, capsys):
    gatekeeper("replay", case, "--out", tmp_path / "s", "--json")
    result = last_json(capsys)
    head = json.loads((tmp_path / "s" / "decisions.jsonl").read_text().splitlines()[-1])["hash"]
    assert json.loads((tmp_path / "s" / "summary.json").read_text()) | {"head": head} == result
    decisions = read_decisions(tmp_path / "s" / "decisions.jsonl")
    assert [one["sequence"] for one in decisions] == list(range(24))
    held = [one for one in decisions if one["state"] == "HOLD"]
    assert len(held) < 24
    assert all(one["reasons"] for one in held)
    assert sum("outside" in one["reasons"] for one in held) == result["hold_reasons"]["outside"]
    assert (tmp_path / "s" / "overview.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("undrawn")
def test_two_replays_decide_the_same_to_the_last_bit(case, tmp_path):
    decisions = []
    for name in ("one", "two"):
        assert gatekeeper("replay", case, "--out", tmp_path / name) == 0
        decisions.append(without_latency(read_decisions(tmp_path / name / "decisions.jsonl")))
    assert decisions[0] == decisions[1]


@pytest.mark.usefixtures("undrawn")
def test_pictures_that_come_back_are_said_once_with_what_to_set(tmp_path, capsys):
    case = breathing_case()
    frames = case.frames.copy()
    frames[[12, 20]] = frames[[1, 19]]
    folder = write_case(replace(case, frames=frames), tmp_path / "P_001")
    settings = tmp_path / "f.toml"
    settings.write_text("[gate]\nretrospective = true\nidentical_frames = 1\n", encoding="utf-8")
    for name, options, times in (("one", (), 1), ("two", ("--config", settings), 0)):
        assert gatekeeper("replay", folder, "--out", tmp_path / name, "--json", *options) == 0
        out, err = capsys.readouterr()
        reasons = json.loads(out)["hold_reasons"]
        assert [reasons.get(word, 0) for word in ("not_live", "frozen")] == [times, times]
        assert err.count("retrospective = true and identical_frames = 1") == times
        assert err.count("frames that show an earlier picture again: 1") == times


@pytest.mark.usefixtures("undrawn")
def test_command_line_goes_before_the_file_and_the_file_before_the_default(case, tmp_path):
    (tmp_path / "f.toml").write_text("[envelope]\nmargin_mm = 2.0\n[gate]\nframes_to_resume = 3\n")
    gatekeeper("replay", case, "--out", tmp_path / "s", "--config", tmp_path / "f.toml", "--margin-mm", "7.5")
    used = tomllib.loads((tmp_path / "s" / "config.toml").read_text())
    assert used["envelope"]["margin_mm"] == 7.5
    assert used["gate"]["frames_to_resume"] == 3
    assert used["gate"]["outside_percent"] == 5.0


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_wider_margin_and_higher_limit_let_the_beam_on_longer(case, tmp_path, capsys):
    duty = []
    for number, options in enumerate([(), ("--outside-percent", "20"), ("--margin-mm", "20")]):
        gatekeeper("replay", case, "--out", tmp_path / str(number), "--json", *options)
        duty.append(last_json(capsys)["duty_cycle"])
    assert duty[0] < duty[1] < duty[2]


@pytest.mark.usefixtures("undrawn")
def test_table_is_aligned_and_names_session_and_picture(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert gatekeeper("replay", case, "--report") == 0
    table = capsys.readouterr().out
    (session,) = (tmp_path / "sessions").iterdir()
    assert session.name.startswith("P_001-2")
    assert f"sessions/{session.name}/overview.png" in table
    assert f"sessions/{session.name}/report.html" in table
    rows = [line for line in table.splitlines() if line.strip()]
    named = [re.match(r" {0,2}\S+(?: \S+)* {2,}", line) for line in rows]
    starts = {name.end() for name in named if name is not None}
    assert len(starts) == 1, table


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_speed_sets_the_pace_of_the_clock(case, tmp_path, monkeypatch, capsys):
    speeds = []

    def clock(speed):
        speeds.append(speed)
        return VirtualClock()

    monkeypatch.setattr(playing, "PacedClock", clock)
    assert gatekeeper("replay", case, "--out", tmp_path / "a", "--speed", "2.5") == 0
    assert gatekeeper("replay", case, "--out", tmp_path / "b", "--speed", "max") == 0
    assert speeds == [2.5]


@pytest.mark.usefixtures("undrawn")
def test_case_without_labels_is_replayed_without_scores(tmp_path, capsys):
    unlabelled = breathing_case(frames=6, name="U")
    unlabelled = type(unlabelled)(
        name="U",
        frames=unlabelled.frames,
        spacing_mm=unlabelled.spacing_mm,
        times_s=unlabelled.times_s,
        first_mask=unlabelled.first_mask,
    )
    case = write_case(unlabelled, tmp_path / "U")
    assert gatekeeper("replay", case, "--out", tmp_path / "s", "--json") == 0
    assert not {"score", "gating"} & set(last_json(capsys))


@pytest.mark.usefixtures("undrawn")
def test_frames_further_apart_than_their_age_limit_hold_and_are_pointed_out(tmp_path, capsys):
    case = write_case(breathing_case(frames=6, amplitude_px=0.0, rate_hz=1.0), tmp_path / "P_001")
    assert gatekeeper("replay", case, "--out", tmp_path / "s", "--json") == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert result["frames"] == 6
    assert result["hold_reasons"]["no_frame"] >= 5
    assert result["duty_cycle"] == 0.0
    assert "frames come every 1 s" in err
    assert "gate.max_age_s" in err
