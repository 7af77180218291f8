"""A session is counted by the same rules everywhere, and every display, summary and report shows the same numbers."""

import json
import math
import re
from contextlib import closing
from dataclasses import replace

import pytest

from gatekeeper.core.decision import Reason
from gatekeeper.core.frame import SEQUENCE_BREAK
from gatekeeper.core.session_counts import SessionCounts, counts_of
from gatekeeper.core.step import Step
from gatekeeper.display.terminal.publisher import snapshot_of
from gatekeeper.display.web.live_message import LiveMessage, counts_for_page
from gatekeeper.display.web.message import unpacked
from gatekeeper.recording.journal import entry_of
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.report.facts import facts_of
from gatekeeper.report.html import report_html
from gatekeeper.session.status import SessionStatus
from replay.formats.session import open_session
from replay.sessions.rejudge import Rejudged
from replay.sessions.report import session_data_of
from replay.sessions.review import Review
from tests.support.live_sessions import Scanner, journal, long_case, run_live
from tests.support.steps import HOLD, ON, decision, frame, silent_step, step


def counted(*steps):
    """The counts of steps, which their journal lines give as well."""
    counts = SessionCounts()
    for one in steps:
        counts = counts.with_step(one)
    assert counts == counts_of(entry_of(one, 1.0) for one in steps)
    return counts


def after(sequence, skipped=0, time_s=0.0, aside=0):
    return Step(decision(ON, sequence=sequence, time_s=time_s), replace(frame(sequence), skipped=skipped, aside=aside))


def test_a_decision_stands_until_the_next_one():
    counts = counted(
        step(HOLD, Reason.NOT_ARMED, sequence=0, time_s=10.0),
        step(HOLD, Reason.RESUMING, sequence=1, time_s=10.5),
        step(ON, sequence=2, time_s=11.0),
        step(HOLD, Reason.OUTSIDE, sequence=3, time_s=11.75),
        step(HOLD, Reason.NOT_ARMED, sequence=4, time_s=12.0),
        step(HOLD, Reason.NOT_ARMED, sequence=5, time_s=15.0),
    )
    assert (counts.beam_on_s, counts.armed_s) == (0.75, 1.5)
    assert (counts.duty_cycle, counts.armed_duty_cycle) == (0.15, 0.5)
    assert counts.holds == 2


def test_images_of_other_planes_are_neither_missing_nor_left_out_for_newer_ones():
    counts = counted(after(0), after(3, skipped=2, aside=2), after(7, skipped=3, aside=1), after(9, skipped=0))
    assert (counts.skipped, counts.missing) == (2, 1)


def test_the_jump_of_the_numbers_at_a_reconnection_is_not_missing():
    begun = 1 + SEQUENCE_BREAK
    counts = counted(after(0), after(begun), after(begun + 3), after(2 * begun + 3), after(3 * begun + 9, skipped=2))
    assert counts.missing == 2 + 4, "what is known to be missing"


def test_frames_that_are_skipped_or_missing_are_told_apart():
    counts = counted(after(0), after(1), after(5, skipped=2), silent_step(), after(7))
    assert (counts.frames, counts.silences, counts.skipped, counts.missing) == (4, 1, 2, 2)


@pytest.mark.parametrize("sequences", [(5, 5), (5, 4), (900, 0)])
def test_numbers_that_do_not_rise_are_not_missing(sequences):
    assert counted(*map(after, sequences)).missing == 0


def test_a_number_of_skipped_frames_below_zero_counts_as_none():
    counts = counted(after(0), after(3, skipped=-5))
    assert (counts.skipped, counts.missing) == (0, 2)


@pytest.mark.parametrize("second_s", [4.0, math.nan])
def test_time_that_is_not_forward_or_not_known_adds_nothing(second_s):
    counts = counted(step(ON, sequence=0, time_s=5.0), step(ON, sequence=1, time_s=second_s))
    assert (counts.beam_on_s, counts.duty_cycle) == (0.0, 0.0)


def test_reasons_are_counted_in_the_order_of_the_table():
    counts = counted(
        step(HOLD, Reason.OUTSIDE, Reason.LOW_CONFIDENCE), step(HOLD, Reason.OUTSIDE, sequence=1), silent_step()
    )
    assert list(counts.hold_reasons.items()) == [("no_frame", 1), ("low_confidence", 1), ("outside", 2)]


def test_a_reason_of_another_version_is_left_out():
    entry = entry_of(step(HOLD, Reason.OUTSIDE), 1.0)
    counts = counts_of([{**entry, "reasons": ["unheard_of", "outside"]}])
    assert (counts.hold_reasons, counts.holds) == ({"outside": 1}, 1)


def test_frames_without_an_image_in_the_record_are_counted():
    entry = entry_of(step(), 1.0)
    assert counts_of([{**entry, "frame_row": row} for row in (0, None, 1, None)]).not_kept == 2


def test_nothing_is_zero():
    counts = SessionCounts()
    assert (counts.decisions, counts.holds, counts.duty_cycle, counts.armed_duty_cycle) == (0, 0, 0.0, 0.0)
    assert counts.hold_reasons == {}


class WithGaps(Scanner):
    """A scanner that loses a few frames, and on which the beam is held and armed again."""

    def next_frame(self, timeout_s):
        frame = super().next_frame(timeout_s)
        while frame is not None and frame.sequence in (21, 22, 40):
            frame = super().next_frame(timeout_s)
        return frame


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """The folder of a live session, its status at the end, and its outcome."""
    folder = tmp_path_factory.mktemp("counted") / "s"
    script = {8: ["hold"], 12: ["release"], 30: ["disarm"], 36: ["arm"]}
    outcome, scanner, _ = run_live(folder, long_case(), script=script, scanner=WithGaps)
    return folder, scanner.session.status, outcome


def test_a_running_session_and_its_journal_have_the_same_counts(live):
    folder, status, _ = live
    counts = counts_of(journal(folder))
    assert counts == status.current.counts
    assert counts.missing >= 3
    assert counts.holds >= 3
    assert 0.0 < counts.beam_on_s < counts.armed_s < counts.last_s - counts.begin_s


def test_every_face_of_a_session_shows_the_same_numbers(live):
    folder, status, outcome = live
    counts = counts_of(journal(folder))
    summary = json.loads((folder / "summary.json").read_text())
    assert {name: summary[name] for name in ("frames", "holds", "beam_on_s", "duty_cycle", "hold_reasons")} == {
        "frames": counts.frames,
        "holds": counts.holds,
        "beam_on_s": counts.beam_on_s,
        "duty_cycle": counts.duty_cycle,
        "hold_reasons": counts.hold_reasons,
    }
    assert summary["delivery"]["armed_s"] == counts.armed_s
    assert summary["delivery"]["duty_cycle"] == counts.armed_duty_cycle
    assert (summary["frames_missing"], summary["lag"]["skipped"]) == (counts.missing, counts.skipped)

    now = snapshot_of(status.current, 0.0)
    assert (now.frames, now.silences, now.lost, now.skipped) == (
        counts.frames,
        counts.silences,
        counts.missing,
        counts.skipped,
    )
    assert (now.beam_on_s, now.duty_cycle) == (counts.beam_on_s, counts.armed_duty_cycle)

    shown = counts_for_page(counts)
    page, _ = unpacked(b"".join(LiveMessage(status).parts(0.0, {})))
    assert {name: page[name] for name in shown} == shown
    with closing(open_session(folder)) as session:
        review = Review(session, Rejudged(session))
        recorded, _ = unpacked(review.view(review.length - 1))
        data = session_data_of(session)
        facts, html = dict(facts_of(data)), report_html(data)
    assert {name: recorded[name] for name in shown} == shown
    assert f"{counts.missing} missing" in facts["frames not judged"]
    assert facts["gate armed"] == f"for {counts.armed_s:.1f} s"
    tiles = dict(re.findall(r"<div><b>([^<]*)</b><span>([^<]*)</span>", html))
    assert set(tiles.items()) >= {
        (f"{100.0 * counts.armed_duty_cycle:.1f} %", "duty cycle, of the time armed"),
        (f"{counts.holds}", "holds"),
        (f"{counts.frames}", "frames judged"),
    }
    assert f"{counts.missing} missing" in outcome.as_table()


def test_images_that_are_not_recorded_are_shown_while_the_session_runs():
    status = SessionStatus()
    status.not_kept = lambda: 2
    status.update(step(), 1.0, True)
    assert (snapshot_of(status.current, 0.0).dropped, counts_for_page(status.current.counts)["not_kept"]) == (2, 2)


def test_a_live_session_asks_its_recorder_for_images_that_are_not_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(SessionRecorder, "frames_dropped", property(lambda _: 4))
    _, scanner, _ = run_live(tmp_path / "s")
    assert scanner.session.status.current.counts.not_kept == 4
