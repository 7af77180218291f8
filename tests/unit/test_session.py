"""A session folder is whole when its summary is there, and nothing half-written ever looks like that."""

import errno
import json
import os
from pathlib import Path

import pytest

from gatekeeper.config import EnvelopeConfig, GateConfig, SessionConfig, load_toml
from gatekeeper.decision import Reason
from gatekeeper.errors import OutputError
from gatekeeper.recording.journal import read_decisions
from gatekeeper.recording.session import Session
from gatekeeper.recording.whole import write_whole
from tests.steps import HOLD, ON, step

CONFIG = SessionConfig(envelope=EnvelopeConfig(margin_mm=3.25), gate=GateConfig(outside_percent=10.0))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_session_holds_settings_decisions_and_summary(tmp_path):
    folder = tmp_path / "sessions" / "one"
    with Session(folder, CONFIG) as session:
        session.record(step(HOLD, Reason.RESUMING, sequence=0), 1.0)
        session.record(step(ON, sequence=1, time_s=0.2), 1.0)
        assert "summary.json" not in names(folder)
        session.finish({"frames": session.summary().frames})
    assert names(folder) == ["config.toml", "decisions.jsonl", "summary.json"]
    assert load_toml(folder / "config.toml", SessionConfig) == CONFIG
    assert [line["state"] for line in read_decisions(folder / "decisions.jsonl")] == ["HOLD", "ON"]
    assert json.loads((folder / "summary.json").read_text()) == {"frames": 2}


def test_session_that_was_not_finished_keeps_its_decisions_and_is_not_whole(tmp_path):
    with Session(tmp_path / "s", CONFIG) as session:
        session.record(step(), 1.0)
    assert names(tmp_path / "s") == ["config.toml", "decisions.jsonl"]
    assert len(read_decisions(tmp_path / "s" / "decisions.jsonl")) == 1


def test_empty_folder_may_be_there_already(tmp_path):
    (tmp_path / "s").mkdir()
    Session(tmp_path / "s", CONFIG).close()


def test_folder_in_use_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds 'notes\.txt' already"):
        Session(tmp_path, CONFIG)
    assert names(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize("below", [".", "deeper/still"])
def test_folder_below_a_file_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="the session folder cannot be made"):
        Session(tmp_path / "file" / below, CONFIG)


def test_summary_that_json_cannot_hold_is_not_written(tmp_path):
    with Session(tmp_path / "s", CONFIG) as session, pytest.raises(ValueError, match="JSON"):
        session.finish({"dsc": float("nan")})
    assert "summary.json" not in names(tmp_path / "s")


@pytest.mark.parametrize(("owner", "call"), [(Path, "open"), (os, "fsync"), (Path, "replace")])
@pytest.mark.parametrize("before", [[], ["summary.json"]])
def test_full_disk_leaves_no_part_of_a_file_and_the_old_one_as_it_was(tmp_path, monkeypatch, owner, call, before):
    def no_space(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    for name in before:
        (tmp_path / name).write_text("old")
    monkeypatch.setattr(owner, call, no_space)
    with pytest.raises(OutputError, match=r"summary\.json: cannot be written \(No space left on device\)"):
        write_whole(tmp_path / "summary.json", b"{}")
    monkeypatch.undo()
    assert names(tmp_path) == before
    assert all((tmp_path / name).read_text() == "old" for name in before)
