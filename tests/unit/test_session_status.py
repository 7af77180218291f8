"""The board shows how a session is at this moment."""

import math
from dataclasses import replace

from gatekeeper.core.decision import Reason
from gatekeeper.core.step import Step
from gatekeeper.session.phases import Phase
from gatekeeper.session.status import MOST_LINES, MOST_RECENT, SessionStatus
from tests.support.steps import HOLD, ON, decision, frame


def elapsed(session_status, sequence, time_s, state=HOLD, skipped=0, armed=True):
    reasons = () if state is ON else (Reason.OUTSIDE,) if armed else (Reason.NOT_ARMED,)
    shown = None
    if sequence >= 0:
        shown = replace(frame(sequence=sequence, acquired_s=time_s), skipped=skipped)
    session_status.update(Step(decision(state, *reasons, sequence=sequence, time_s=time_s), shown), 1.0, True)


def test_board_counts_frames_silences_and_what_did_not_come():
    session_status = SessionStatus()
    elapsed(session_status, 0, 0.0)
    elapsed(session_status, 3, 0.3, skipped=1)
    elapsed(session_status, -1, 0.5)
    elapsed(session_status, 4, 0.6)
    status, counts = session_status.current, session_status.current.counts
    assert (counts.frames, counts.silences, counts.skipped, counts.missing) == (3, 1, 1, 1)
    assert status.last_frame_step.frame.sequence == 4
    assert status.latency.percentile_ms(50.0) >= 1.0


def test_numbers_that_begin_anew_are_not_missing():
    session_status = SessionStatus()
    elapsed(session_status, 900, 0.0)
    elapsed(session_status, 0, 0.1)
    assert session_status.current.counts.missing == 0


def test_duty_cycle_is_the_share_of_armed_time_with_the_beam_on():
    session_status = SessionStatus()
    elapsed(session_status, 0, 0.0, armed=False)
    elapsed(session_status, 1, 1.0, armed=False)
    assert session_status.current.counts.armed_duty_cycle == 0.0
    elapsed(session_status, 2, 2.0, ON)
    elapsed(session_status, 3, 3.0, HOLD)
    elapsed(session_status, 4, 6.0, HOLD)
    counts = session_status.current.counts
    assert (counts.armed_s, counts.beam_on_s, counts.armed_duty_cycle) == (4.0, 1.0, 0.25)


def test_frame_rate_is_that_of_the_last_frames():
    session_status = SessionStatus()
    assert math.isnan(session_status.current.rate_hz)
    for number in range(40):
        elapsed(session_status, number, 0.25 * number if number < 20 else 4.75 + 0.125 * (number - 19))
    assert session_status.current.rate_hz == 8.0


def test_what_was_shown_before_stays_as_it_was():
    session_status = SessionStatus()
    elapsed(session_status, 0, 0.0)
    before = session_status.current
    elapsed(session_status, 1, 1.0)
    session_status.enter(Phase.READY, 1.0)
    assert before.counts.frames == 1
    assert before.phase is Phase.CONNECT
    assert session_status.current.phase is Phase.READY


def test_lines_are_numbered_and_the_oldest_go():
    session_status = SessionStatus()
    for number in range(MOST_LINES + 5):
        session_status.add_line(float(number), f"line {number}")
    assert len(session_status.lines) == MOST_LINES
    assert session_status.lines[0].number == 5
    assert session_status.lines[-1].text == f"line {MOST_LINES + 4}"


def test_the_last_decisions_are_kept_for_those_who_must_not_miss_one():
    session_status = SessionStatus()
    for number in range(MOST_RECENT + 5):
        elapsed(session_status, number if number % 2 else -1, 0.1 * number)
    assert [one.number for one in session_status.recent] == list(range(5, MOST_RECENT + 5))
    assert session_status.recent[-1].decision.time_s == 0.1 * (MOST_RECENT + 4)
    assert session_status.recent[-1].center_mm is None
    assert math.isnan(session_status.recent[-1].confidence)


def test_a_line_gives_a_terminal_no_orders():
    status = SessionStatus()
    status.add_line(0.0, "refused: \x1b[2J\x9b31m\u202eGTV")
    assert status.lines[0].text == "refused:  [2J 31m GTV"
