"""A tracker and a source of one's own leave a session that verify, report and console take."""

from contextlib import closing
from pathlib import Path

import pytest

from gatekeeper.core.errors import PluginError
from gatekeeper.recording.journal import read_decisions
from replay import verify_folder
from replay.formats.session import open_session
from replay.sessions.rejudge import Rejudged
from replay.sessions.report import write_report
from replay.sessions.review import Review
from tests.support import own_tracker
from tests.support.cases import breathing_case

TRACKER = "tests.support.own_tracker:Correlation"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    case = breathing_case()
    folder = tmp_path_factory.mktemp("own") / "session"
    own_tracker.gate(case.frames.astype("float32"), case.first_mask, case.spacing_mm, folder)
    return folder


def test_it_is_forty_lines_and_gates_the_beam(session):
    lines = [line for line in Path(own_tracker.__file__).read_text().splitlines() if line.strip()]
    assert len(lines) <= 40
    states = [entry["state"] for entry in read_decisions(session / "decisions.jsonl")]
    assert {"ON", "HOLD"} == set(states)


def test_its_decisions_are_made_again_when_the_tracker_is_named(session):
    found = verify_folder(session, tracker=TRACKER)
    assert found.findings == []
    assert found.compared == 24
    assert verify_folder(session, tracker=own_tracker.Correlation).good


def test_its_tracker_is_never_imported_because_the_folder_names_it(session):
    found = verify_folder(session)
    assert found.findings == [
        f"cannot be judged again: tracker {TRACKER!r} was given from Python; name it with --tracker module:object"
    ]
    with closing(open_session(session)) as opened, pytest.raises(PluginError, match="given from Python"):
        Rejudged(opened)


def test_another_tracker_is_named_beside_the_one_that_it_was_recorded_with(session):
    found = verify_folder(session, tracker="template")
    assert any(
        note.startswith(f"recorded with tracker {TRACKER} (injected), checked with template") for note in found.notes
    )


@pytest.mark.slow
def test_it_is_reported_and_looked_at(session, tmp_path):
    assert write_report(session, tmp_path / "report.html", tracker=TRACKER).stat().st_size > 1000
    with closing(open_session(session)) as opened:
        review = Review(opened, Rejudged(opened, tracker=TRACKER))
        assert review.length == 24
