"""`gatekeeper replay` of a session shows what it would have been under other settings, and the same under its own."""

import json
import shutil

import numpy as np
import pytest

from gatekeeper.cli import replay_run as playing
from gatekeeper.config import EnvelopeConfig, GateConfig, SessionConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.recording.journal import read_decisions, without_latency
from replay import run
from replay.formats.session import open_session
from replay.formats.trackrad import write_case
from tests.support.cases import breathing_case
from tests.support.command_line import gatekeeper
from tests.support.sessions import recorded

CONFIG = SessionConfig(envelope=EnvelopeConfig(margin_mm=4.0), gate=GateConfig(frames_to_resume=3))


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "overview_png", lambda seen: b"undrawn")
        return recorded(tmp_path_factory.mktemp("s") / "s", config=CONFIG)


def replayed(capsys, session, folder, *options):
    assert gatekeeper("replay", session, "--out", folder, "--json", *options) == 0
    out, err = capsys.readouterr()
    return json.loads(out.splitlines()[-1]), err


def test_under_its_own_settings_a_session_decides_the_same_to_the_last_bit(session, tmp_path, capsys):
    result, _ = replayed(capsys, session, tmp_path / "again")
    assert result["comparison"]["frames"] == 24
    assert result["comparison"]["frames_that_differ"] == 0
    before, after = (
        without_latency(read_decisions(folder / "decisions.jsonl")) for folder in (session, tmp_path / "again")
    )
    assert before == after
    assert (tmp_path / "again" / "config.toml").read_text() == (session / "config.toml").read_text()
    assert gatekeeper("verify", tmp_path / "again") == 0


def test_another_margin_shows_both_side_by_side(session, tmp_path, capsys):
    result, table = replayed(capsys, session, tmp_path / "wide", "--margin-mm", "20")
    original = json.loads((session / "summary.json").read_text())
    assert result["original"] == {name: original[name] for name in result["original"]}
    assert set(result["original"]) == {"frames", "duty_cycle", "beam_on_s", "holds", "hold_reasons"}
    assert result["duty_cycle"] > original["duty_cycle"]
    comparison = result["comparison"]
    assert comparison["frames_that_differ"] == comparison["only_what_if_on"] > 5
    assert comparison["only_original_on"] == 0
    first = comparison["first"][0]
    states = {line["sequence"]: line["state"] for line in read_decisions(session / "decisions.jsonl")}
    assert states[first["sequence"]] == first["original"]["state"] == "HOLD"
    assert first["what_if"] == {"state": "ON", "reasons": []}
    assert "original" in table
    assert "what if" in table
    assert f"the beam differs on {comparison['frames_that_differ']} of 24 frames" in table
    assert f"frame {first['sequence']}: HOLD (" in table
    assert (tmp_path / "wide" / "summary.json").exists()
    assert "comparison" not in json.loads((tmp_path / "wide" / "summary.json").read_text())


def test_settings_not_named_stay_those_of_the_session(session, tmp_path, capsys):
    replayed(capsys, session, tmp_path / "s", "--outside-percent", "50")
    config = open_session(tmp_path / "s").config()
    assert config.envelope == CONFIG.envelope
    assert config.gate == GateConfig(frames_to_resume=3, outside_percent=50.0)


def test_shorter_patience_holds_between_frames(session, tmp_path, capsys):
    (tmp_path / "f.toml").write_text("[gate]\nmax_age_s = 0.1\n")
    result, _ = replayed(capsys, session, tmp_path / "s", "--config", tmp_path / "f.toml")
    assert result["hold_reasons"]["no_frame"] == 2 * 23
    assert result["comparison"]["frames"] == 24


@pytest.mark.slow
def test_session_is_told_from_a_case_by_what_it_holds(session, tmp_path, capsys):
    renamed = shutil.copytree(session, tmp_path / "P_001")
    assert replayed(capsys, renamed, tmp_path / "a")[0]["case"] == "P_001"
    case = write_case(breathing_case(frames=4), tmp_path / "decisions.jsonl")
    assert "comparison" not in replayed(capsys, case, tmp_path / "b")[0]


def test_frames_keep_their_numbers_and_times(session, tmp_path, capsys):
    whole = open_session(session)
    recording = whole.recording()
    assert recording.frames.dtype == np.uint16
    assert np.array_equal(recording.frames, breathing_case().frames)
    assert np.array_equal(recording.times_s, breathing_case().times_s)


def test_broken_off_session_is_replayed_as_far_as_it_goes(session, tmp_path, capsys):
    broken = shutil.copytree(session, tmp_path / "P_001")
    (broken / "summary.json").unlink()
    lines = (broken / "decisions.jsonl").read_bytes().splitlines(keepends=True)
    (broken / "decisions.jsonl").write_bytes(b"".join(lines[:9]) + lines[9][:50])
    result, err = replayed(capsys, broken, tmp_path / "s")
    assert (result["frames"], result["comparison"]["frames"]) == (8, 8)
    assert "line 9: is cut short" in err


@pytest.mark.parametrize("lines", [0, 1])
def test_session_without_a_decision_is_refused(session, tmp_path, capsys, lines):
    empty = shutil.copytree(session, tmp_path / "P_001")
    kept = (empty / "decisions.jsonl").read_bytes().splitlines(keepends=True)[:lines]
    (empty / "decisions.jsonl").write_bytes(b"".join(kept))
    assert gatekeeper("replay", empty, "--out", tmp_path / "s") == 2
    assert "holds 0 frames" in capsys.readouterr().err


def test_speed_sets_the_pace_of_a_session_too(session, tmp_path, capsys, monkeypatch):
    speeds = []

    def clock(speed):
        speeds.append(speed)
        return VirtualClock(77.0)

    monkeypatch.setattr(playing, "PacedClock", clock)
    result, _ = replayed(capsys, session, tmp_path / "s", "--speed", "2.5")
    assert speeds == [2.5]
    assert result["comparison"]["frames_that_differ"] == 0
