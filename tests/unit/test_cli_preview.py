"""`gatekeeper replay --preview-s` learns from the beginning of a case, and plays and verifies the rest."""

import json

import pytest

from replay import run
from replay.formats.trackrad import write_case
from tests.support.command_line import gatekeeper
from tests.support.phantoms import phantom


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """72 frames in 12 s."""
    recording = phantom(acquisition={"duration_s": 12.0}).recording
    return write_case(recording, tmp_path_factory.mktemp("cases") / "phantom")


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


def test_the_preview_is_learned_from_and_the_rest_is_played(case, tmp_path, capsys):
    assert gatekeeper("replay", case, "--preview-s", 6, "--out", tmp_path / "s", "--json") == 0
    out, err = capsys.readouterr()
    result = json.loads(out.splitlines()[-1])
    assert result["frames"] == 36
    preview = result["preview"]
    assert (preview["frames"], len(preview["states_mm"])) == (36, 3)
    assert preview["si_range_mm"][1] - preview["si_range_mm"][0] > 10.0
    assert err.splitlines()[0].startswith("preview     36 frames")
    assert any(line.startswith("verdict") for line in err.splitlines())


@pytest.mark.slow
def test_what_was_learned_is_learned_again_when_the_session_is_verified_or_replayed(case, tmp_path, capsys):
    assert gatekeeper("replay", case, "--preview-s", 6, "--out", tmp_path / "s") == 0
    assert gatekeeper("verify", tmp_path / "s") == 0
    capsys.readouterr()
    assert gatekeeper("replay", tmp_path / "s", "--out", tmp_path / "again", "--json") == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["preview"]["frames"] == 36
    assert gatekeeper("verify", tmp_path / "again") == 0


def test_without_a_preview_nothing_is_said_of_one(case, tmp_path, capsys):
    assert gatekeeper("replay", case, "--out", tmp_path / "s", "--json") == 0
    out, err = capsys.readouterr()
    assert "preview" not in json.loads(out.splitlines()[-1])
    assert "verdict" not in err


@pytest.mark.parametrize("seconds", [12, 1e9])
def test_a_preview_that_leaves_no_frame_is_refused(case, tmp_path, capsys, seconds):
    assert gatekeeper("replay", case, "--preview-s", seconds, "--out", tmp_path / "s") == 2
    assert "leaves none of its 72 frames" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_a_session_has_its_own_preview(case, tmp_path, capsys):
    assert gatekeeper("replay", case, "--out", tmp_path / "s") == 0
    for told in (("--preview-s", 3), ("--as-stored",), ("--scan", "1")):
        assert gatekeeper("replay", tmp_path / "s", *told) == 2
        assert "a session is replayed from what it began with" in capsys.readouterr().err
    assert gatekeeper("info", tmp_path / "s", "--rate-hz", 3) == 2
    assert "is a session, which has its own times" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["-1", "nan"])
def test_a_preview_of_no_length_is_bad_usage(case, seconds, capsys):
    assert gatekeeper("replay", case, "--preview-s", seconds) == 2
    assert len(capsys.readouterr().err.splitlines()) >= 1
