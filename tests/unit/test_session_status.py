"""The board shows how a session is at this moment."""

import math
from dataclasses import replace

from gatekeeper.core.decision import Reason
from gatekeeper.core.step import Step
from gatekeeper.session.phases import Phase
from gatekeeper.session.status import MOST_LINES, MOST_RECENT, SessionStatus
from tests.support.steps import HOLD, ON, decision, frame


def passed(board, sequence, time_s, state=HOLD, skipped=0, armed=True):
    reasons = () if state is ON else (Reason.OUTSIDE,)
    shown = None
    if sequence >= 0:
        shown = replace(frame(sequence=sequence, acquired_s=time_s), skipped=skipped)
    board.saw(Step(decision(state, *reasons, sequence=sequence, time_s=time_s), shown), 1.0, True, armed)


def test_board_counts_frames_silences_and_what_did_not_come():
    board = SessionStatus()
    passed(board, 0, 0.0)
    passed(board, 3, 0.3, skipped=1)
    passed(board, -1, 0.5)
    passed(board, 4, 0.6)
    status = board.status
    assert (status.frames, status.silences, status.skipped, status.missing) == (3, 1, 1, 1)
    assert status.seen.frame.sequence == 4
    assert status.latency.percentile_ms(50.0) >= 1.0


def test_numbers_that_begin_anew_are_not_missing():
    board = SessionStatus()
    passed(board, 900, 0.0)
    passed(board, 0, 0.1)
    assert board.status.missing == 0


def test_duty_cycle_is_the_share_of_armed_time_with_the_beam_on():
    board = SessionStatus()
    passed(board, 0, 0.0, armed=False)
    passed(board, 1, 1.0, armed=False)
    assert board.status.duty_cycle == 0.0
    passed(board, 2, 2.0, ON)
    passed(board, 3, 3.0, HOLD)
    passed(board, 4, 5.0, HOLD)
    assert board.status.armed_s == 4.0
    assert board.status.beam_on_s == 1.0
    assert board.status.duty_cycle == 0.25


def test_frame_rate_is_that_of_the_last_frames():
    board = SessionStatus()
    assert math.isnan(board.status.rate_hz)
    for number in range(40):
        passed(board, number, 0.25 * number if number < 20 else 4.75 + 0.125 * (number - 19))
    assert board.status.rate_hz == 8.0


def test_what_was_shown_before_stays_as_it_was():
    board = SessionStatus()
    passed(board, 0, 0.0)
    before = board.status
    passed(board, 1, 1.0)
    board.enter(Phase.READY, 1.0)
    assert before.frames == 1
    assert before.phase is Phase.CONNECT
    assert board.status.phase is Phase.READY


def test_lines_are_numbered_and_the_oldest_go():
    board = SessionStatus()
    for number in range(MOST_LINES + 5):
        board.say(float(number), f"line {number}")
    assert len(board.lines) == MOST_LINES
    assert board.lines[0].number == 5
    assert board.lines[-1].text == f"line {MOST_LINES + 4}"


def test_the_last_decisions_are_kept_for_those_who_must_not_miss_one():
    board = SessionStatus()
    for number in range(MOST_RECENT + 5):
        passed(board, number if number % 2 else -1, 0.1 * number)
    assert [one.number for one in board.recent] == list(range(5, MOST_RECENT + 5))
    assert board.recent[-1].decision.time_s == 0.1 * (MOST_RECENT + 4)
    assert board.recent[-1].center_mm is None
    assert math.isnan(board.recent[-1].confidence)
