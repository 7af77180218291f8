"""What a source does not use is told on the faces, in the journal and in the summary, and floods none of them."""

import json

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.session.source_notes import LOOK_S, SourceNotes
from gatekeeper.session.status import SessionStatus
from gatekeeper.sources.statistics import SourceStatistics
from tests.support.cases import breathing_case
from tests.support.live_sessions import Scanner, events, plan_of, run_live


class Counted:
    """A source that counts."""

    def __init__(self):
        self.statistics = SourceStatistics()

    @property
    def counts(self):
        return self.statistics.counts()


@pytest.fixture
def told():
    class Told:
        source, status, clock = Counted(), SessionStatus(), VirtualClock()

        def __init__(self):
            self.notes = SourceNotes(self.source, self.status, self.clock)

        def lines(self):
            self.clock.sleep_until(self.clock.now_s() + LOOK_S)
            self.notes.look()
            return [line.text for line in self.status.lines]

    return Told()


def test_the_first_of_each_kind_is_told_with_its_note(told):
    assert told.lines() == []
    told.source.statistics.add("unfit", "channels", "image 1: it has 2 channels; combine the coils to 1")
    told.source.statistics.add("unfit", "plane", "image 2: is axial")
    told.source.statistics.count_connection("refused", "address", "10.0.0.9")
    assert told.lines() == [
        "source: 1 refused connections (address): 10.0.0.9: may not connect; add it to allow if it is a sender",
        "source: 1 images that are no frame (channels): image 1: it has 2 channels; combine the coils to 1",
        "source: 1 images that are no frame (plane): image 2: is axial",
    ]


def test_more_of_the_same_is_told_when_it_has_doubled(told):
    for number in range(1000):
        told.source.statistics.add("unfit", "plane", f"image {number}")
        told.lines()
    lines = told.lines()
    assert len(lines) == 10
    assert lines[-1] == "source: 512 images that are no frame (plane): image 511"
    assert told.notes.as_json()["unfit"] == {"plane": {"count": 1000, "note": "image 999"}}


def test_messages_that_are_merely_not_needed_are_not_told(told):
    told.source.statistics.add("ignored", "text", "hello")
    assert told.lines() == []


def test_a_source_that_does_not_count_is_quiet():
    notes = SourceNotes(object(), SessionStatus(), VirtualClock())
    notes.look()
    assert notes.as_json() is None


class Choosy(Scanner):
    """A scanner of whose images the source uses none, or only the later ones."""

    last = False

    def __init__(self, *args):
        super().__init__(*args)
        self.statistics = SourceStatistics()

    @property
    def counts(self):
        return self.statistics.counts()

    def next_frame(self, timeout_s):
        frame = super().next_frame(timeout_s)
        if frame is None:
            return None
        self.statistics.add("unfit", "channels", "it has 2 channels; combine the coils to 1")
        return frame if self.last else None


class ChoosyAtFirst(Choosy):
    last = True


@pytest.mark.parametrize("scanner", [Choosy, ChoosyAtFirst])
def test_a_session_says_why_it_waits_and_keeps_it(tmp_path, scanner):
    case = breathing_case(frames=12)
    definition = plan_of(case, reference=None) if scanner is Choosy else None
    outcome, source, _ = run_live(tmp_path / "s", case, definition=definition, scanner=scanner)
    lines = [line.text for line in source.session.status.lines]
    about = "images that are no frame (channels): it has 2 channels; combine the coils to 1"
    assert any(line.startswith("source: ") and line.endswith(about) for line in lines)
    kept = [one["values"] for one in events(tmp_path / "s", "source")]
    note = "it has 2 channels; combine the coils to 1"
    assert kept[0] == {"what": "unfit", "kind": "channels", "count": kept[0]["count"], "note": note}
    summary = json.loads((tmp_path / "s" / "summary.json").read_text())
    assert summary["source"]["unfit"]["channels"]["count"] == source.counts.unfit["channels"]
    assert outcome.source == summary["source"]
