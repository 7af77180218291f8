"""Whatever happens to the folder of a running session is a fault of the record, which holds the beam."""

import os
import shutil

import pytest

from gatekeeper.config import SessionConfig
from gatekeeper.core.errors import OutputError
from gatekeeper.recording.session_folder import SessionRecorder
from tests.support.sessions import small_setup
from tests.support.steps import step
from tests.support.waiting import until


def _replace(path):
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)


def _append(path):
    with path.open("ab") as file:
        file.write(b"{}\n")


CHANGES = {
    "folder renamed": (lambda folder: folder.rename(folder.with_name("moved")), "was moved or deleted"),
    "folder deleted": (shutil.rmtree, "was moved or deleted"),
    "parent renamed": (lambda folder: folder.parent.rename(folder.parent.with_name("p2")), "was moved or deleted"),
    "journal cut": (lambda folder: os.truncate(folder / "decisions.jsonl", 100), "has 100 bytes"),
    "journal continued": (lambda folder: _append(folder / "decisions.jsonl"), "another program has changed it"),
    "journal replaced": (lambda folder: _replace(folder / "decisions.jsonl"), "was replaced by another file"),
    "frames cut": (lambda folder: os.truncate(folder / "frames.h5", 2000), "has 2000 bytes"),
    "frames deleted": (lambda folder: (folder / "frames.h5").unlink(), "was moved or deleted"),
    "settings deleted": (lambda folder: (folder / "config.toml").unlink(), "was moved or deleted"),
    "signatures cut": (lambda folder: os.truncate(folder / "signatures.jsonl", 10), "has 10 bytes"),
}


QUICK = ("folder renamed", "journal cut", "frames cut")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CHANGES]
)
def test_folder_that_is_changed_meanwhile_is_a_fault(tmp_path, name):
    change, words = CHANGES[name]
    folder = tmp_path / "p" / "s"
    with SessionRecorder(folder, SessionConfig(), small_setup()) as session:
        session.record(step(), 1.0)
        until(lambda: (folder / "signatures.jsonl").stat().st_size > 0)
        assert session.fault is None
        change(folder)
        until(lambda: session.fault is not None)
        assert words in session.fault
        with pytest.raises(OutputError):
            session.finish({})


@pytest.mark.parametrize("name", ["journal cut", pytest.param("frames cut", marks=pytest.mark.slow)])
def test_frame_that_comes_at_once_does_not_hide_the_change(tmp_path, name):
    """A write at the old end would give the file its length back."""
    change, words = CHANGES[name]
    folder = tmp_path / "p" / "s"
    with SessionRecorder(folder, SessionConfig(), small_setup()) as session:
        session.record(step(), 1.0)
        until(lambda: (folder / "signatures.jsonl").stat().st_size > 0)
        change(folder)
        for number in range(1, 50):
            session.record(step(sequence=number), 1.0)
        until(lambda: session.fault is not None)
        assert words in session.fault
