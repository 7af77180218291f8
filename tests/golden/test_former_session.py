"""Sessions that earlier versions recorded open, verify and replay: schema 2, and schema 3 with an organ at risk."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.command_line import gatekeeper
from tests.support.sessions import checked

RECORDED = Path(__file__).parent


@pytest.fixture(params=["session-0.1", "session-0.2"])
def session(request, tmp_path):
    """A copy, so that the original stays as it is."""
    return shutil.copytree(RECORDED / request.param, tmp_path / "session")


def test_it_verifies_with_a_note_of_other_versions(session):
    found = checked(session)
    assert found.findings == []
    assert (found.finished, found.frames, found.different) == (True, 20, 0)
    lines = [json.loads(line) for line in (session / "decisions.jsonl").read_text().splitlines()]
    assert found.compared == sum(line["kind"] in ("frame", "silence") for line in lines)
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
