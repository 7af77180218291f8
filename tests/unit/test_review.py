"""A recorded session is shown as it was: the frame, the decision and what it had come to by then."""

import json
from contextlib import closing

import numpy as np
import pytest

from gatekeeper.core.decision import Reason
from gatekeeper.display.web.message import WHITE, unpacked
from gatekeeper.display.web.trace_row import BITS, COLUMNS, STRUCTURE_COLUMNS
from gatekeeper.operator.request import Request
from replay.formats.session import open_session
from replay.sessions.rejudge import Rejudged
from replay.sessions.review import Review
from tests.support.cases import breathing_case
from tests.support.live_sessions import Scanner, journal, long_case, run_live
from tests.support.sessions import recorded
from tests.support.several_structures import several_session


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("reviewed") / "session", breathing_case(frames=48))


@pytest.fixture(scope="module")
def review(folder):
    with closing(open_session(folder)) as session:
        yield Review(session, Rejudged(session))


@pytest.fixture(scope="module")
def decisions(folder):
    return [one for one in journal(folder) if one["kind"] in ("frame", "silence")]


def test_every_decision_is_in_the_trace_with_its_reasons(review, decisions):
    head, arrays = unpacked(review.trace())
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in arrays["recent"]]
    assert head["length"] == review.length == len(rows) == len(decisions)
    for number, (row, entry) in enumerate(zip(rows, decisions, strict=True)):
        assert row["number"] == number
        assert row["sequence"] == entry["sequence"]
        assert row["t"] == pytest.approx(entry["decided_s"] - decisions[0]["decided_s"])
        assert row["on"] == (entry["state"] == "ON")
        assert row["outside"] == pytest.approx(entry["outside_percent"])
        assert row["confidence"] == pytest.approx(entry["confidence"])
        bits = int(row["reasons"])
        assert [one for place, one in enumerate(Reason) if bits >> place & 1] == entry["reasons"]


def test_a_decision_is_shown_with_its_own_frame_and_outline(review, folder):
    case = breathing_case(frames=48)
    for index in (0, 17, 47):
        head, arrays = unpacked(review.view(index))
        assert (head["index"], head["sequence"]) == (index, index)
        image = head["low"] + arrays["image"] * (head["high"] - head["low"]) / WHITE
        assert np.abs(image - case.frames[index]).max() <= 1.0
        middle = np.argwhere(case.labels[index]).mean(axis=0)
        assert np.allclose(arrays["target"].mean(axis=0), middle, atol=0.6)


def test_an_index_beyond_the_ends_is_the_nearest(review):
    assert unpacked(review.view(-5))[0]["index"] == 0
    assert unpacked(review.view(10_000))[0]["index"] == review.length - 1


def test_at_the_end_it_has_come_to_what_the_summary_says(review, folder):
    summary = json.loads((folder / "summary.json").read_text())
    head, _ = unpacked(review.view(review.length - 1))
    assert head["duty_cycle"] == pytest.approx(summary["duty_cycle"])
    assert head["beam_on_s"] == pytest.approx(summary["beam_on_s"])
    assert head["holds"] == summary["holds"]
    assert head["hold_reasons"] == summary["hold_reasons"]
    assert head["frames"] == summary["frames"]
    assert head["latency_ms"][2] == pytest.approx(summary["latency_ms"]["max"], rel=0.01, abs=0.01)


def test_a_live_session_is_shown_with_its_phases_and_what_operators_did(tmp_path):
    run_live(tmp_path / "s", script={8: ["hold"], 12: ["release"]})
    with closing(open_session(tmp_path / "s")) as session:
        review = Review(session, Rejudged(session))
        phases = [unpacked(review.view(index))[0]["phase"] for index in range(review.length)]
        lines = unpacked(review.view(review.length - 1))[0]["lines"]
    assert phases.index("paused") < len(phases) - phases[::-1].index("paused") <= phases.index("delivery", 12)
    assert "hold by kim" in [text for _, text in lines]


def test_the_envelope_is_shown_where_it_was_moved_to(tmp_path):
    class Rebasing(Scanner):
        def next_frame(self, timeout_s):
            frame = super().next_frame(timeout_s)
            if frame is not None and frame.sequence == 40:
                self.session.requests.submit(Request("hold", "kim", "test"))
                # The first shows the shift, the second confirms it.
                for confirmed in (False, True):
                    asked = Request("rebase", "kim", "test", (0.8, 0.0), confirmed)
                    pending.append(self.session.requests.submit(asked))
            return frame

    pending = []
    run_live(tmp_path / "s", long_case(frames=60), scanner=Rebasing)
    assert [one.answer.accepted for one in pending] == [False, True]
    assert "moves the envelope" in pending[0].answer.note
    assert "treatment couch" in pending[0].answer.note
    with closing(open_session(tmp_path / "s")) as session:
        review = Review(session, Rejudged(session))
        before, after = (unpacked(review.view(index))[1]["envelope"] for index in (5, review.length - 1))
    assert np.allclose((after - before) * [2.0, 2.0], [0.8, 0.0], atol=1e-3)


@pytest.mark.slow
def test_each_of_several_structures_has_its_own_limits_and_what_was_recorded_of_it(tmp_path):
    folder = several_session(tmp_path / "several")
    with closing(open_session(folder)) as session:
        review = Review(session, Rejudged(session))
        _, arrays = unpacked(review.trace())
        structures = json.loads(json.dumps(review.facts.as_json()))["structures"]
        _, shown = unpacked(review.view(5))
    assert [(one["name"], one["limit"]) for one in structures] == [("GTV", 5.0), ("node", 2.0), ("bowel", 30.0)]
    assert structures[0]["margin_mm"] != structures[1]["margin_mm"] == 3.0
    entries = [one for one in journal(folder) if one["kind"] == "frame"]
    assert arrays["structures"].shape == (len(entries), 3, len(STRUCTURE_COLUMNS))
    for entry, parts in zip(entries, arrays["structures"], strict=True):
        for one, part in zip(structures, parts, strict=True):
            told = entry["structures"][one["name"]]
            assert part[2] == pytest.approx(told.get("outside_percent", told.get("overlap_mm2")))
            assert part[3] == pytest.approx(told["confidence"])
            assert part[4] == sum(BITS[Reason(word)] for word in told["reasons"])
    assert {"target", "envelope", "other0", "zone0", "other1"} <= shown.keys()
    assert "zone1" not in shown
