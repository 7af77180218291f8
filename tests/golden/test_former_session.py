"""A session that version 0.1 recorded opens, verifies and replays."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.command_line import gatekeeper
from tests.support.sessions import checked

RECORDED = Path(__file__).parent / "session-0.1"


@pytest.fixture
def session(tmp_path):
    """A copy, so that the original stays as it is."""
    return shutil.copytree(RECORDED, tmp_path / "session")


def test_it_verifies_with_a_note_of_other_versions(session):
    found = checked(session)
    assert found.findings == []
    assert (found.finished, found.frames, found.different) == (True, 20, 0)
    assert found.compared > 20, "the silences count too"
    assert any(note.startswith("recorded with kernels") for note in found.notes)


def test_it_replays_and_decides_the_same(session, tmp_path, capsys):
    assert gatekeeper("replay", session, "--out", tmp_path / "again", "--json") == 0
    values = json.loads(capsys.readouterr().out.splitlines()[-1])
    summary = json.loads((session / "summary.json").read_text())
    for name in ("frames", "holds", "hold_reasons", "duty_cycle", "beam_on_s"):
        assert values[name] == summary[name], name


def test_it_gives_a_report(session):
    assert gatekeeper("report", session) == 0
    assert "<html" in (session / "report.html").read_text()
