"""`gatekeeper replay --reference-frame` shows a frame as the reference, and uses it when that is confirmed."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.login import login_name
from replay import run
from replay.formats.trackrad import write_case
from replay.reference import AskedReference
from replay.run import replay_input
from tests.support.cases import SHAPE, breathing_case
from tests.support.command_line import gatekeeper
from tests.support.live_sessions import events, journal
from tests.support.sessions import checked, forge

CASE = breathing_case(frames=30)
DEEPEST = 18


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return write_case(CASE, tmp_path_factory.mktemp("cases") / "P_001")


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


def replayed(case, folder, capsys, *options):
    """Replay a case; return exit code, the JSON that is printed, and the frames of the journal."""
    code = gatekeeper("replay", case, "--out", folder, "--json", *options)
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    return code, printed, [one for one in journal(folder) if one["kind"] == "frame"]


@pytest.mark.slow
def test_without_a_confirmation_it_is_shown_and_nothing_changes(case, tmp_path, capsys):
    _, _, plain = replayed(case, tmp_path / "plain", capsys)
    code, printed, frames = replayed(case, tmp_path / "s", capsys, "--reference-frame", DEEPEST)
    picture = tmp_path / "s" / f"reference-{DEEPEST}.png"
    assert code == 1
    assert printed["reference"]["used"] is False
    assert f"look at {picture}, then repeat it with --confirm" in printed["reference"]["note"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [one["contour_hash"] for one in frames] == [one["contour_hash"] for one in plain]
    (refused,) = events(tmp_path / "s", "refused")
    assert refused["values"]["operator"] == login_name()
    assert checked(tmp_path / "s").findings == []


@pytest.mark.slow
def test_confirmed_it_is_used_from_the_next_frame_on_with_the_beam_held_between(case, tmp_path, capsys):
    _, _, plain = replayed(case, tmp_path / "plain", capsys)
    code, printed, frames = replayed(case, tmp_path / "s", capsys, "--reference-frame", DEEPEST, "--confirm")
    assert code == 0
    assert printed["reference"]["used"] is True
    assert re.match(
        rf"frame {DEEPEST} becomes the reference, with the target 1[12]\.\d mm inf", printed["reference"]["note"]
    )
    same = [one["contour_hash"] == before["contour_hash"] for one, before in zip(frames, plain, strict=True)]
    assert same == [number <= DEEPEST for number in range(30)]
    assert printed["score"]["center_mm"] < 0.6
    acts = [one for one in events(tmp_path / "s") if one["event"] in ("hold", "confirmed", "reference", "release")]
    assert [one["event"] for one in acts] == ["confirmed", "hold", "reference", "release"]
    assert {one["values"]["operator"] for one in acts} == {login_name()}
    assert acts[2]["values"]["sequence"] == DEEPEST
    assert checked(tmp_path / "s").findings == []
    assert gatekeeper("verify", tmp_path / "s") == 0


@pytest.mark.slow
def test_a_journal_that_names_another_frame_is_found(case, tmp_path, capsys):
    replayed(case, tmp_path / "s", capsys, "--reference-frame", DEEPEST, "--confirm")

    def other(entries):
        for one in entries:
            if one["kind"] == "event" and one["event"] == "reference":
                one = one | {"values": one["values"] | {"sequence": DEEPEST - 3}}
            yield one

    forge(tmp_path / "s", other)
    assert any("decisions came out otherwise" in one for one in checked(tmp_path / "s").findings)


@pytest.mark.slow
def test_a_frame_that_was_not_kept_or_tracked_is_named(case, tmp_path, capsys):
    replayed(case, tmp_path / "s", capsys, "--reference-frame", DEEPEST, "--confirm")

    def other(entries):
        for one in entries:
            if one["kind"] == "event" and one["event"] == "reference":
                one = one | {"values": one["values"] | {"sequence": 7777}}
            yield one

    forge(tmp_path / "s", other)
    assert any(one.startswith("frame 7777: was made the reference, but") for one in checked(tmp_path / "s").findings)


@pytest.mark.slow
@pytest.mark.parametrize(("frame", "said"), [(400, "did not come"), (29, "did not come, or none after it")])
def test_a_frame_that_does_not_come_is_exit_code_1(case, tmp_path, capsys, frame, said):
    code, printed, _ = replayed(case, tmp_path / "s", capsys, "--reference-frame", frame, "--confirm")
    assert code == 1
    assert said in printed["reference"]["note"]
    assert checked(tmp_path / "s").findings == []


@pytest.mark.slow
def test_a_frame_on_which_the_target_is_not_found_is_refused(tmp_path):
    images = CASE.frames.copy()
    images[DEEPEST] = np.random.default_rng(1).integers(0, 900, SHAPE)
    asked = AskedReference(DEEPEST, "kim", confirmed=True)
    result = run.replay(
        replay_input(replace(CASE, frames=images)),
        run.SessionConfig(),
        tmp_path / "s",
        VirtualClock(),
        lambda *_: None,
        reference=asked,
    )
    assert not result.reference.used
    assert result.reference.note.startswith("not used: target is not surely found on frame 18")
    assert events(tmp_path / "s", "reference") == []


@pytest.mark.slow
def test_a_session_is_replayed_with_another_reference_beside_itself(case, tmp_path, capsys):
    replayed(case, tmp_path / "s", capsys)
    code, printed, _ = replayed(tmp_path / "s", tmp_path / "again", capsys, "--reference-frame", DEEPEST, "--confirm")
    assert code == 0
    assert printed["comparison"]["frames"] == 30
    assert checked(tmp_path / "again").findings == []


def test_confirm_alone_is_refused(case, tmp_path, capsys):
    assert gatekeeper("replay", case, "--out", tmp_path / "s", "--confirm") == 2
    assert "name it with --reference-frame" in capsys.readouterr().err
