"""Steps before the delivery are marked by operators, journalled at their own time, and measured."""

from contextlib import closing

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.errors import InputError
from gatekeeper.core.workflow import marked_steps
from gatekeeper.operator import request_queue
from gatekeeper.operator.request import Request, request_from_json
from gatekeeper.operator.request_queue import RequestQueue
from gatekeeper.report.phases import parts_of
from replay.formats.session import open_session
from replay.sessions.report import session_data_of
from tests.support.cases import breathing_case
from tests.support.live_sessions import Scanner, drawn_plan_of, events, plan_of, run_live
from tests.support.sessions import checked


class Marking(Scanner):
    """Asks for marks, and for a message to the patient, at given frames."""

    def next_frame(self, timeout_s):
        frame = super().next_frame(timeout_s)
        step = {4: "contouring", 12: "re-optimisation"}.get(-1 if frame is None else frame.sequence)
        if step is not None:
            self.orders.append(self.session.requests.submit(Request("mark", "kim", "test", step=step)))
        if frame is not None and frame.sequence == 6:
            self.session.requests.submit(Request("message", "kim", "test", phrase="relax"))
        if frame is not None and frame.sequence == 8:
            self.shown = self.session.status.message
        return frame


def marks(*turns):
    return [
        {"event": "mark", "time_s": time_s, "values": {"step": name}}
        if name not in ("preview", "connect", "ready")
        else {"event": "phase", "time_s": time_s, "values": {"phase": name}}
        for time_s, name in turns
    ]


def test_a_step_lasts_until_the_next_mark_the_next_phase_or_the_end():
    found = marked_steps(
        marks((0.0, "connect"), (3.0, "set-up"), (40.0, "connect"), (63.0, "contouring"), (90.0, "preview")), 300.0
    )
    assert [(one.step, one.begin_s, one.lasted_s) for one in found] == [
        ("set-up", 3.0, 60.0),
        ("contouring", 63.0, 27.0),
    ]
    (last,) = marked_steps(marks((100.0, "ready"), (120.0, "other")), 300.0)
    assert last.lasted_s == 180.0


def test_a_mark_in_words_is_one_of_the_steps_and_needs_a_name():
    request = request_from_json(["mark", "High-resolution", "scan"], "kim", "terminal", "kim")
    assert (request.word, request.step, request.operator) == ("mark", "high-resolution scan", "kim")
    with pytest.raises(InputError, match="'anna berg' is not a step; use one of set-up, "):
        request_from_json(["mark", "Anna", "Berg"], "kim", "terminal", "kim")
    with pytest.raises(InputError, match="give a name"):
        request_from_json(["mark", "set-up"], "", "console")


def test_marks_are_kept_in_order_and_never_reach_the_gate(monkeypatch):
    monkeypatch.setattr(request_queue, "MOST_NOTES", 2)
    requests = RequestQueue(VirtualClock(7.0))
    requests._notes_left = 2
    pending = [requests.submit(Request("mark", "kim", "test", step=step)) for step in ("set-up", "other", "other")]
    assert requests.next_command() is None
    assert [one.answer.accepted for one in pending] == [True, True, False]
    assert [requests.next_note()[1].step, requests.next_note()[1].step, requests.next_note()] == [
        "set-up",
        "other",
        None,
    ]


def test_marks_of_a_live_session_are_journalled_measured_and_change_no_decision(tmp_path):
    case = breathing_case()
    _, scanner, _ = run_live(tmp_path / "s", case, plan_of(case, arm_by=None), scanner=Marking)
    assert [order.answer.note for order in scanner.orders] == ["contouring begins", "re-optimisation begins"]
    assert [one["values"]["step"] for one in events(tmp_path / "s", "mark")] == ["contouring", "re-optimisation"]
    assert scanner.shown == ("relax", events(tmp_path / "s", "message")[0]["time_s"])
    assert events(tmp_path / "s", "message")[0]["values"] == {"phrase": "relax", "operator": "kim", "door": "test"}
    assert checked(tmp_path / "s").findings == []
    with closing(open_session(tmp_path / "s")) as session:
        parts = {part.name: part.lasted_s for part in parts_of(session_data_of(session))}
    assert parts["marked: contouring"] == pytest.approx(8 / 4.0, abs=0.1)


def test_a_mark_that_is_made_while_the_target_is_drawn_is_journalled_at_its_own_time(tmp_path):
    case = breathing_case()
    _, scanner, _ = run_live(tmp_path / "s", case, drawn_plan_of(case), scanner=Marking)
    assert scanner.shown[0] == "relax", "the patient is told at once, though the record has not begun"
    assert [one["values"]["step"] for one in events(tmp_path / "s", "mark")] == ["contouring", "re-optimisation"]
    first, second = (one["time_s"] for one in events(tmp_path / "s", "mark"))
    assert second - first == pytest.approx(2.0, abs=0.1)
