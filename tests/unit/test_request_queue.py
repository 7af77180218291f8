"""Requests of operators are answered or withdrawn, and never keep the loop from its frames."""

import threading

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.command import Action
from gatekeeper.core.decision import Reason
from gatekeeper.operator import request_queue as room
from gatekeeper.operator.request_queue import MOST_AT_ONCE, MOST_WAITING, RequestQueue
from tests.support.gates import gate
from tests.support.request_queues import obeyed, request


@pytest.fixture
def requests():
    return RequestQueue(VirtualClock(5.0))


def test_empty_queue_gives_no_command_and_no_notice(requests):
    assert requests.next_command() is None
    requests.complete(0.0, {"accepted": True, "note": "unasked"})
    assert requests.notices == ()


def test_a_wish_reaches_the_gate_in_session_time_and_its_answer_comes_back(requests):
    pending = requests.submit(request("arm"))
    assert pending.answer is None
    (command,) = obeyed(requests, gate(armed=False))
    assert (command.action, command.operator, command.time_s) == (Action.ARM, "Anna", 5.0)
    assert (pending.answer.accepted, pending.answer.note) == (True, "arm by Anna")
    assert [(told.request.word, told.time_s) for told in requests.notices] == [("arm", 5.0)]


def test_what_the_gate_refuses_is_refused(requests):
    pending = requests.submit(request("rebase", shift_mm=(9.0, 0.0)))
    obeyed(requests, gate())
    assert not pending.answer.accepted
    assert "more than rebase_step_mm" in pending.answer.note


def test_wishes_are_done_in_the_order_in_which_they_were_asked(requests):
    for word in ("arm", "hold", "release", "hold"):
        requests.submit(request(word))
    judge = gate(armed=False)
    assert [command.action for command in obeyed(requests, judge)] == ["arm", "hold", "release", "hold"]
    assert judge.state.operator_hold


def test_a_phase_refuses_what_it_cannot_grant_but_never_a_hold():
    requests = RequestQueue(VirtualClock(), lambda request: "not while learning")
    pending = {word: requests.submit(request(word)) for word in ("arm", "release", "hold", "disarm", "end")}
    judge = gate()
    assert [command.action for command in obeyed(requests, judge)] == ["hold", "disarm", "hold"]
    assert not pending["arm"].answer.accepted
    assert pending["release"].answer.note == "not while learning"
    assert pending["hold"].answer.accepted


def test_to_end_holds_first_and_is_remembered(requests):
    pending = requests.submit(request("end", operator="Ben"))
    assert requests.ending is None
    judge = gate()
    (command,) = obeyed(requests, judge)
    assert command.action is Action.HOLD
    assert Reason.OPERATOR_HOLD in judge.state.reasons
    assert requests.ending.operator == "Ben"
    assert pending.answer.note == "hold by Ben; the session ends"


def test_who_gives_up_has_not_asked(requests):
    pending = requests.submit(request("arm"))
    answer = pending.wait(0.0)
    assert not answer.accepted
    assert "withdrawn" in answer.note
    assert requests.next_command() is None


@pytest.mark.parametrize("word", ["hold", "disarm", "end"])
def test_withdrawn_hold_is_done_nevertheless(requests, word):
    answer = requests.submit(request(word)).wait(0.0)
    assert "as soon as the loop continues" in answer.note
    assert requests.next_command().action in ("hold", "disarm")


def test_a_wish_that_the_loop_has_taken_cannot_be_withdrawn(requests):
    pending = requests.submit(request("arm"))
    command = requests.next_command()
    assert "look at the state" in pending.give_up(2.0).note
    requests.complete(command.time_s, {"accepted": True, "note": "done"})
    assert pending.give_up(2.0).accepted


def test_a_crowd_is_turned_away(requests):
    pending = [requests.submit(request("arm")) for _ in range(MOST_WAITING + 1)]
    assert pending[-2].answer is None
    assert "wait already" in pending[-1].answer.note


def test_frames_come_between_many_commands(requests):
    for _ in range(3 * MOST_AT_ONCE):
        requests.submit(request("reset"))
    judge = gate()
    assert [len(obeyed(requests, judge)) for _ in range(4)] == [MOST_AT_ONCE] * 3 + [0]


def test_refusals_count_as_commands_too():
    refused = []
    requests = RequestQueue(VirtualClock(), lambda request: refused.append(request) or "no")
    for _ in range(3 * MOST_AT_ONCE):
        requests.submit(request("arm"))
    assert requests.next_command() is None
    assert len(refused) == MOST_AT_ONCE


def test_a_closed_desk_answers_everybody(requests):
    taken, waiting = requests.submit(request("arm")), requests.submit(request("release"))
    requests.next_command()
    requests.close()
    late = requests.submit(request("hold"))
    assert [pending.answer.note for pending in (taken, waiting, late)] == [room.CLOSED] * 3
    assert not any(pending.answer.accepted for pending in (taken, waiting, late))


def test_who_asked_for_the_end_is_told_that_it_is_there(requests):
    pending = requests.submit(request("end"))
    requests.close()
    assert pending.answer.accepted


def test_only_one_of_many_has_an_order():
    requests = RequestQueue(VirtualClock())
    for _ in range(50):
        pending, won = requests.submit(request("arm")), []
        start = threading.Barrier(4)
        racers = [
            threading.Thread(target=lambda o=pending, s=start, w=won: (s.wait(), w.append(o.claim()))) for _ in range(4)
        ]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert sorted(won) == [False, False, False, True]
        requests.next_command()


def test_a_hold_is_taken_where_a_crowd_waits_and_done_before_the_next_frame(requests):
    for _ in range(MOST_WAITING):
        requests.submit(request("reset"))
    pending = requests.submit(request("hold"))
    judge = gate()
    done = obeyed(requests, judge)
    assert done[-1].action is Action.HOLD
    assert len(done) == MOST_WAITING + 1
    assert pending.answer.accepted
    assert judge.state.operator_hold


def test_a_flood_of_holds_ends(requests):
    flood = [requests.submit(request("hold")) for _ in range(10 * MOST_WAITING)]
    assert flood[-1].answer.accepted
    assert flood[-1].answer.note == room.HELD_ALREADY
    assert not requests.submit(request("end")).answer.accepted
    judge = gate()
    assert len(obeyed(requests, judge)) == room.MOST_WITH_A_HOLD
    assert judge.state.operator_hold
