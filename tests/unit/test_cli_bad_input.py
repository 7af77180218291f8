"""Bad input ends in one clear line and exit code 2, or in a hold with its reason; never in a whole session."""

import errno
import json
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gatekeeper.recording.journal import read_decisions
from gatekeeper.recording.ring_buffer import WriterState
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.tracking.tracker import StructureTracker
from replay import run
from replay.formats.metaimage_writer import write_metaimage
from replay.formats.trackrad import write_case
from replay.player import Player
from tests.support.cases import SHAPE, breathing_case
from tests.support.command_line import gatekeeper
from tests.support.sessions import killed


@pytest.fixture
def case(tmp_path):
    return write_case(breathing_case(frames=6), tmp_path / "P_001")


@pytest.fixture(autouse=True)
def linac(monkeypatch):
    """The linac of the run; the picture is not drawn."""
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")
    made = run.DryRunLinac()
    monkeypatch.setattr(run, "DryRunLinac", lambda: made)
    return made


def refused(capsys, *args, code=2):
    """Run what must be refused, and return the one line that says why."""
    assert gatekeeper(*args) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gatekeeper: ")
    assert err.count("\n") == 1
    return err


def write_labels(case, name, mask):
    write_metaimage(case / "targets" / f"P_001_{name}.mha", mask.astype(np.uint8), (2.0, 2.0, 1.0))


def test_missing_folder(tmp_path, capsys):
    assert "no such file or folder" in refused(capsys, "replay", tmp_path / "nowhere", "--out", tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_truncated_images(case, tmp_path, capsys):
    images = case / "images" / "P_001_frames.mha"
    images.write_bytes(images.read_bytes()[:-1000])
    assert "P_001_frames.mha" in refused(capsys, "replay", case, "--out", tmp_path / "s")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(("name", "frames"), [("first_label", 1), ("labels", 6)])
def test_label_of_another_size(case, tmp_path, capsys, name, frames):
    write_labels(case, name, np.ones((SHAPE[0], SHAPE[1] - 1, frames)))
    assert f"P_001_{name}.mha" in refused(capsys, "replay", case, "--out", tmp_path / "s")


def test_empty_first_label(case, tmp_path, capsys):
    write_labels(case, "first_label", np.zeros((*SHAPE, 1)))
    assert "P_001_first_label.mha: is empty" in refused(capsys, "replay", case, "--out", tmp_path / "s")


def test_case_without_a_target(case, tmp_path, capsys):
    for label in (case / "targets").iterdir():
        label.unlink()
    assert "no target is drawn" in refused(capsys, "replay", case, "--out", tmp_path / "s")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("rate", ["0", "-4", "NaN", "null", "fast"])
def test_frame_rate_that_is_none(case, tmp_path, capsys, rate):
    (case / "frame-rate.json").write_text(rate)
    assert "frame-rate.json" in refused(capsys, "replay", case, "--out", tmp_path / "s")


def test_reference_frame_of_nothing_but_nan(tmp_path, capsys):
    recording = breathing_case(frames=3)
    recording = replace(recording, frames=np.full_like(recording.frames, np.nan, dtype=np.float32))
    refused(capsys, "replay", write_case(recording, tmp_path / "P_001"), "--out", tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_nan_frame_holds_with_its_reason_and_the_session_goes_on(tmp_path, capsys):
    recording = breathing_case(frames=8, amplitude_px=0.0)
    frames = recording.frames.astype(np.float32)
    frames[4, 60, 7] = np.nan
    case = write_case(replace(recording, frames=frames), tmp_path / "P_001")
    assert gatekeeper("replay", case, "--out", tmp_path / "s", "--json") == 0
    decisions = read_decisions(tmp_path / "s" / "decisions.jsonl")
    assert [one["state"] for one in decisions] == ["HOLD", "ON", "ON", "ON", "HOLD", "HOLD", "ON", "ON"]
    assert "not_finite" in decisions[4]["reasons"]
    assert decisions[4]["center_mm"] is None
    assert json.loads(capsys.readouterr().out)["hold_reasons"]["not_finite"] == 1


def test_single_frame_holds(tmp_path, capsys):
    case = write_case(breathing_case(frames=1), tmp_path / "P_001")
    assert gatekeeper("replay", case, "--out", tmp_path / "s", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["frames"], result["duty_cycle"], result["hold_reasons"]) == (1, 0.0, {"resuming": 1})
    assert not {"score", "gating"} & set(result)


def test_output_below_a_file(case, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    refused(capsys, "replay", case, "--out", tmp_path / "file" / "s")


def test_output_folder_in_use(case, tmp_path, capsys):
    assert "holds" in refused(capsys, "replay", case, "--out", case)
    assert sorted(path.name for path in case.iterdir())[0] == "frame-rate.json"


def test_full_disk_holds_the_beam_and_leaves_no_summary(case, tmp_path, capsys, monkeypatch, linac):
    def made(self, folder, *rest):
        make(self, folder, *rest)
        # A replay does not wait for it.
        self._link.wait_until(WriterState.READY, 30.0)
        room = (folder / "frames.h5").stat().st_size + 10_000
        resource.prlimit(self.writer_pid, resource.RLIMIT_FSIZE, (room, room))

    make = SessionRecorder.__init__
    monkeypatch.setattr(SessionRecorder, "__init__", made)
    assert "cannot be written (File too large)" in refused(capsys, "replay", case, "--out", tmp_path / "s")
    assert linac.commands[-1].state.value == "HOLD"
    assert len(read_decisions(tmp_path / "s" / "decisions.jsonl")) < 6
    assert not (tmp_path / "s" / "summary.json").exists()


def test_replay_that_is_no_longer_recorded_ends_at_once(case, tmp_path, capsys, monkeypatch, linac):
    def record(self, step, total_ms):
        take(self, step, total_ms)
        if step.frame.sequence == 2:
            killed(self)

    take = SessionRecorder.record
    monkeypatch.setattr(SessionRecorder, "record", record)
    assert "the writer has ended" in refused(capsys, "replay", case, "--out", tmp_path / "s")
    assert [command.sequence for command in linac.commands] == [-1, 0, 1, 2, -1, -1]
    assert not linac.beam_on


@pytest.mark.parametrize("file", ["overview.png", "summary.json"])
def test_disk_that_is_full_after_the_last_frame_leaves_no_summary(case, tmp_path, capsys, monkeypatch, file):
    def replace_file(self, target):
        if target.name == file:
            raise OSError(errno.ENOSPC, "No space left on device")
        return move(self, target)

    move = Path.replace
    monkeypatch.setattr(Path, "replace", replace_file)
    assert file in refused(capsys, "replay", case, "--out", tmp_path / "s")
    left = {path.name for path in (tmp_path / "s").iterdir()}
    assert left <= {"config.toml", "decisions.jsonl", "frames.h5", "overview.png", "signatures.jsonl"}


def test_interrupt_holds_the_beam_and_keeps_a_partial_session(case, tmp_path, capsys, monkeypatch, linac):
    def next_frame(self, timeout_s):
        if self._next == 4:
            raise KeyboardInterrupt
        return play(self, timeout_s)

    play = Player.next_frame
    monkeypatch.setattr(Player, "next_frame", next_frame)
    assert "interrupted" in refused(capsys, "replay", case, "--out", tmp_path / "s", code=130)
    assert [command.state.value for command in linac.commands] == ["HOLD", "HOLD", "ON", "ON", "ON", "HOLD", "HOLD"]
    assert len(read_decisions(tmp_path / "s" / "decisions.jsonl")) == 4
    assert not (tmp_path / "s" / "summary.json").exists()


def test_tracker_that_fails_holds_the_beam_and_is_our_fault(case, tmp_path, capsys, monkeypatch, linac):
    def track(self, image):
        raise np.linalg.LinAlgError("singular\nmatrix")

    monkeypatch.setattr(StructureTracker, "track", track)
    err = refused(capsys, "replay", case, "--out", tmp_path / "s", code=1)
    assert "frame 0: the engine failed with LinAlgError: singular matrix; the beam is held" in err
    assert {command.state.value for command in linac.commands} == {"HOLD"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--speed", "fast"), "speed = 'fast'"),
        (("--speed", "0"), "speed = '0'"),
        (("--speed", "-1"), "speed = '-1'"),
        (("--speed", "nan"), "speed = 'nan'"),
        (("--speed", "inf"), "speed = 'inf'"),
        (("--margin-mm", "-1"), "envelope.margin_mm = -1.0"),
        (("--margin-mm", "nan"), "envelope.margin_mm = nan"),
        (("--margin-mm", "1000"), "envelope.margin_mm = 1000.0"),
        (("--outside-percent", "101"), "gate.outside_percent = 101.0"),
        (("--outside-percent", "inf"), "gate.outside_percent = inf"),
        (("--config", "nowhere.toml"), "nowhere.toml: cannot be read as TOML"),
    ],
)
def test_option_out_of_its_limits(case, tmp_path, capsys, options, words):
    assert words in refused(capsys, "replay", case, "--out", tmp_path / "s", *options)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[gate]\nmargin_mm = 3.0", "gate.margin_mm = 3.0"),
        ("[gate]\noutside_percent = '5'", "gate.outside_percent = '5'"),
        ("[gate]\noutside_percent = nan", "gate.outside_percent = nan"),
        ("[gate", "cannot be read as TOML"),
    ],
)
def test_settings_file_that_is_wrong(case, tmp_path, capsys, text, words):
    (tmp_path / "f.toml").write_text(text)
    err = refused(capsys, "replay", case, "--out", tmp_path / "s", "--config", tmp_path / "f.toml")
    assert words in err
    assert "f.toml" in err


@pytest.mark.parametrize(
    "args", [("replay",), ("replay", "x", "--margin-mm", "wide"), ("repaly", "x"), ("replay", "x", "--what")]
)
def test_command_line_that_is_not_understood(capsys, args):
    assert gatekeeper(*args) == 2
    assert "Traceback" not in capsys.readouterr().err
