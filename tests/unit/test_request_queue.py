"""The desk: who asks is answered, who gives up has not asked, and nobody keeps the loop from its frames."""

import threading

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.command import Action
from gatekeeper.core.decision import Reason
from gatekeeper.operator import request_queue as room
from gatekeeper.operator.request_queue import MOST_AT_ONCE, MOST_WAITING, RequestQueue
from tests.support.gates import gate
from tests.support.request_queues import obeyed, wish


@pytest.fixture
def desk():
    return RequestQueue(VirtualClock(5.0))


def test_nobody_asks_and_nothing_is_heard(desk):
    assert desk.listen() is None
    desk.heard(0.0, {"accepted": True, "note": "unasked"})
    assert desk.told == ()


def test_a_wish_reaches_the_gate_in_session_time_and_its_answer_comes_back(desk):
    order = desk.ask(wish("arm"))
    assert order.answer is None
    (command,) = obeyed(desk, gate(armed=False))
    assert (command.action, command.operator, command.time_s) == (Action.ARM, "Anna", 5.0)
    assert (order.answer.accepted, order.answer.note) == (True, "arm by Anna")
    assert [(told.wish.word, told.time_s) for told in desk.told] == [("arm", 5.0)]


def test_what_the_gate_refuses_is_refused(desk):
    order = desk.ask(wish("rebase", shift_mm=(9.0, 0.0)))
    obeyed(desk, gate())
    assert not order.answer.accepted
    assert "more than rebase_step_mm" in order.answer.note


def test_wishes_are_done_in_the_order_in_which_they_were_asked(desk):
    for word in ("arm", "hold", "release", "hold"):
        desk.ask(wish(word))
    judge = gate(armed=False)
    assert [command.action for command in obeyed(desk, judge)] == ["arm", "hold", "release", "hold"]
    assert judge.state.operator_hold


def test_a_phase_refuses_what_it_cannot_grant_but_never_a_hold():
    desk = RequestQueue(VirtualClock(), lambda wish: "not while learning")
    orders = {word: desk.ask(wish(word)) for word in ("arm", "release", "hold", "disarm", "end")}
    judge = gate()
    assert [command.action for command in obeyed(desk, judge)] == ["hold", "disarm", "hold"]
    assert not orders["arm"].answer.accepted
    assert orders["release"].answer.note == "not while learning"
    assert orders["hold"].answer.accepted


def test_to_end_holds_first_and_is_remembered(desk):
    order = desk.ask(wish("end", operator="Ben"))
    assert desk.ending is None
    judge = gate()
    (command,) = obeyed(desk, judge)
    assert command.action is Action.HOLD
    assert Reason.OPERATOR_HOLD in judge.state.reasons
    assert desk.ending.operator == "Ben"
    assert order.answer.note == "hold by Ben; the session ends"


def test_who_gives_up_has_not_asked(desk):
    order = desk.ask(wish("arm"))
    answer = order.wait(0.0)
    assert not answer.accepted
    assert "withdrawn" in answer.note
    assert desk.listen() is None


@pytest.mark.parametrize("word", ["hold", "disarm", "end"])
def test_a_hold_is_done_even_when_nobody_waits_for_it_any_more(desk, word):
    answer = desk.ask(wish(word)).wait(0.0)
    assert "as soon as the loop goes on" in answer.note
    assert desk.listen().action in ("hold", "disarm")


def test_a_wish_that_the_loop_has_taken_cannot_be_withdrawn(desk):
    order = desk.ask(wish("arm"))
    command = desk.listen()
    assert "look at the state" in order.give_up(2.0).note
    desk.heard(command.time_s, {"accepted": True, "note": "done"})
    assert order.give_up(2.0).accepted


def test_a_crowd_is_turned_away(desk):
    orders = [desk.ask(wish("arm")) for _ in range(MOST_WAITING + 1)]
    assert orders[-2].answer is None
    assert "wait already" in orders[-1].answer.note


def test_frames_come_between_many_commands(desk):
    for _ in range(3 * MOST_AT_ONCE):
        desk.ask(wish("reset"))
    judge = gate()
    assert [len(obeyed(desk, judge)) for _ in range(4)] == [MOST_AT_ONCE] * 3 + [0]


def test_refusals_count_as_commands_too():
    refused = []
    desk = RequestQueue(VirtualClock(), lambda wish: refused.append(wish) or "no")
    for _ in range(3 * MOST_AT_ONCE):
        desk.ask(wish("arm"))
    assert desk.listen() is None
    assert len(refused) == MOST_AT_ONCE


def test_a_closed_desk_answers_everybody(desk):
    taken, waiting = desk.ask(wish("arm")), desk.ask(wish("release"))
    desk.listen()
    desk.close()
    late = desk.ask(wish("hold"))
    assert [order.answer.note for order in (taken, waiting, late)] == [room.CLOSED] * 3
    assert not any(order.answer.accepted for order in (taken, waiting, late))


def test_who_asked_for_the_end_is_told_that_it_is_there(desk):
    order = desk.ask(wish("end"))
    desk.close()
    assert order.answer.accepted


def test_only_one_of_many_has_an_order():
    desk = RequestQueue(VirtualClock())
    for _ in range(50):
        order, won = desk.ask(wish("arm")), []
        start = threading.Barrier(4)
        racers = [
            threading.Thread(target=lambda o=order, s=start, w=won: (s.wait(), w.append(o.claim()))) for _ in range(4)
        ]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert sorted(won) == [False, False, False, True]
        desk.listen()
