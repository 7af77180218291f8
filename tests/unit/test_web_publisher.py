"""The publisher sends what is new, shows regularly that the session is alive, and passes requests to their queue."""

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.display.web import publisher as publisher_module
from gatekeeper.display.web.message import unpacked
from gatekeeper.display.web.publisher import ANSWER_S, MOST_PENDING, NO_REQUESTS, STILL_S, TOO_MANY, WebPublisher
from gatekeeper.operator.pending import Answer
from gatekeeper.operator.request import UNNAMED
from gatekeeper.operator.request_queue import RequestQueue
from gatekeeper.session.contouring.requests import NOT_DRAWN, ContourRequests
from gatekeeper.session.status import SessionStatus
from tests.support.gates import gate
from tests.support.request_queues import obeyed
from tests.support.steps import ON, step


class Console:
    """A console that keeps what it is given."""

    def __init__(self):
        self.alive, self.views, self.told, self.waiting = True, [], [], []

    def show(self, parts):
        self.views.append(unpacked(b"".join(parts)))
        return True

    def take_requests(self):
        waiting, self.waiting = self.waiting, []
        return waiting

    def send_answer(self, answer):
        self.told.append(answer)


class World:
    """A publisher that looks when it is told to, by a stopwatch that is set by hand."""

    def __init__(self, monkeypatch, requests=True):
        self.ns = 10**12
        monkeypatch.setattr(publisher_module, "stopwatch_ns", lambda: self.ns)
        self.status, self.console, clock = SessionStatus(), Console(), VirtualClock()
        self.requests, self.gate = RequestQueue(clock) if requests else None, gate(armed=False)
        self.contour_requests = ContourRequests()
        self.contour_requests.open()
        self.publisher = WebPublisher(self.status, clock, self.console, self.requests, self.contour_requests)

    def look(self, after_s=0.0):
        self.ns += int(after_s * 1e9)
        self.publisher._publish()

    def draw(self, draw, number=1, operator="Anna", login=None):
        self.console.waiting.append({"id": number, "draw": draw, "operator": operator, "login": login})
        self.look()

    def ask(self, *words, number=1, operator="Anna", login=None):
        self.console.waiting.append({"id": number, "command": list(words), "operator": operator, "login": login})
        self.look()


@pytest.fixture
def world(monkeypatch):
    return World(monkeypatch)


def test_what_is_new_is_shown_once(world):
    world.look()
    world.status.update(step(ON, sequence=3), 1.0, True)
    for _ in range(5):
        world.look(0.01)
    assert [head["sequence"] for head, _ in world.console.views] == [None, 3]


def test_the_console_hears_that_the_session_is_alive_when_nothing_is_new(world):
    world.look()
    world.look(0.9 * STILL_S)
    assert len(world.console.views) == 1
    world.look(0.2 * STILL_S)
    assert len(world.console.views) == 2


def test_a_console_that_has_ended_is_said_once_and_left_alone(world):
    world.console.alive = False
    for _ in range(3):
        world.look(1.0)
    assert world.console.views == []
    assert [line.text for line in world.status.lines] == ["the console has ended; the session goes on"]


def test_requests_are_queued_and_answers_come_back(world):
    world.ask("arm")
    assert world.console.told == []
    [command] = obeyed(world.requests, world.gate)
    assert (command.action, command.operator) == ("arm", "Anna (typed)")
    world.look()
    assert world.console.told == [{"id": 1, "accepted": True, "note": "arm by Anna (typed)"}]
    assert world.requests.notices[-1].request.origin == "console"


def test_a_request_that_the_loop_does_not_take_is_withdrawn(world):
    world.ask("arm")
    world.look(1.01 * ANSWER_S)
    assert not world.console.told[0]["accepted"]
    assert "withdrawn" in world.console.told[0]["note"]
    assert obeyed(world.requests, world.gate) == []


def test_a_hold_that_is_late_is_still_done(world):
    world.ask("hold")
    world.look(1.01 * ANSWER_S)
    assert len(obeyed(world.requests, world.gate)) == 1


@pytest.mark.parametrize("words", [["explode"], [], ["arm", "now"], ["rebase", "a", "b"]])
def test_what_cannot_be_asked_is_answered(world, words):
    world.ask(*words)
    assert world.console.told[0]["accepted"] is False
    assert obeyed(world.requests, world.gate) == []


def test_request_without_a_name_is_refused(world):
    world.ask("arm", operator="  ")
    assert "operator" in world.console.told[0]["note"]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"id": "x"},
        {"id": 1, "command": None, "operator": "A"},
        {"arrows": "yes"},
        {"id": 1, "draw": 5, "operator": "A"},
    ],
)
def test_nonsense_from_the_console_changes_nothing(world, asked):
    world.console.waiting.append(asked)
    world.look()
    assert obeyed(world.requests, world.gate) == []
    assert not world.publisher._vectors.wanted


def test_too_many_requests_at_once_are_refused(world):
    for number in range(MOST_PENDING + 1):
        world.ask("release", number=number)
    assert world.console.told == [{"id": MOST_PENDING, "accepted": False, "note": TOO_MANY}]


def test_a_hold_without_a_name_is_passed_on_at_once_however_many_wait(world):
    for number in range(MOST_PENDING):
        world.ask("release", number=number)
    world.ask("hold", number=99, operator="")
    assert world.console.told == []
    assert [command.operator for command in obeyed(world.requests, world.gate)][-1] == UNNAMED
    assert world.gate.state.operator_hold
    world.look()
    assert {"id": 99, "accepted": True, "note": f"hold by {UNNAMED}"} in world.console.told


@pytest.mark.parametrize(
    ("operator", "told"), [("kim", "kim"), ("Anna", "Anna (typed; login kim)"), ("", "kim"), ("A\x1b", "kim")]
)
def test_operator_is_the_user_of_the_machine_where_the_console_knows_that_one(world, operator, told):
    world.ask("hold", operator=operator, login="kim")
    assert [command.operator for command in obeyed(world.requests, world.gate)] == [told]


def test_drawing_names_the_user_of_the_machine_too(world):
    world.draw({"take": True}, login="kim")
    assert world.contour_requests.next().request.operator == "Anna (typed; login kim)"


def test_a_recording_cannot_be_asked(monkeypatch):
    world = World(monkeypatch, requests=False)
    world.ask("hold")
    assert world.console.told == [{"id": 1, "accepted": False, "note": NO_REQUESTS}]


def test_the_last_view_is_shown_when_the_session_ends(world):
    with world.publisher:
        pass
    assert len(world.console.views) >= 1


def test_contouring_requests_are_queued_and_answers_come_back(world):
    world.draw({"take": True}, operator=" Anna ")
    pending = world.contour_requests.next()
    assert (pending.request.word, pending.request.operator, pending.request.origin) == (
        "take",
        "Anna (typed)",
        "console",
    )
    assert world.console.told == []
    pending.settle(Answer(True, "taken"))
    world.look()
    assert world.console.told == [{"id": 1, "accepted": True, "note": "taken"}]
    assert obeyed(world.requests, world.gate) == []


def test_what_cannot_be_drawn_is_answered_without_asking_the_session(world):
    world.draw({"points_px": [[1, 2]], "margin_mm": 5, "sequence": 1, "shape": "polygon"})
    assert "has 1 points" in world.console.told[0]["note"]
    assert world.contour_requests.next() is None


def test_request_that_is_never_handled_is_withdrawn(world):
    world.draw({"take": True})
    world.look(1.01 * ANSWER_S)
    assert "withdrawn" in world.console.told[0]["note"]
    assert world.contour_requests.next() is None


def test_drawing_is_refused_where_no_session_waits_for_it(world):
    world.publisher._contour_requests = ContourRequests()
    world.draw({"again": True})
    assert world.console.told == [{"id": 1, "accepted": False, "note": NOT_DRAWN}]
