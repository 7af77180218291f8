"""What is asked for while the target is drawn and will not do is refused in one line, and the operator tries again."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.contour import Role
from gatekeeper.core.errors import TargetError
from gatekeeper.session.contouring.outline import MOST_POINTS
from gatekeeper.session.contouring.requests import BEGUN, MOST_WAITING, NOT_DRAWN, OVER, ContourRequests, TakeFrame
from gatekeeper.session.live_session import LiveSession
from gatekeeper.session.planned import Planned
from gatekeeper.session.target import Drawn
from tests.support.contouring_sessions import (
    AGAIN,
    BESIDE_MM,
    CASE,
    POINTS_PX,
    TAKE,
    Easels,
    adjusted_plan,
    drawn,
    fixed_plan,
    setup_and_margin,
    sketch,
)
from tests.support.contours import ellipse_px
from tests.support.live_sessions import drawn_mm, drawn_plan_of, events, phases, plan_of
from tests.support.matrices import mostly_slow

BOW_TIE = [[20.0, 20.0], [40.0, 40.0], [40.0, 20.0], [20.0, 40.0]]
DUMB_BELL = [[20, 20], [20, 30], [25.3, 30], [25.3, 35], [20, 35], [20, 45],
             [30, 45], [30, 35], [25.6, 35], [25.6, 30], [30, 30], [30, 20]]  # fmt: skip
BAD = {
    "crossing": (sketch(2, BOW_TIE), "crosses itself"),
    "flat": (sketch(2, [[20.0, 20.0], [30.0, 30.0], [40.0, 40.0]]), "crosses itself or encloses no area"),
    "beside the image": (sketch(2, [[20.0, 20.0], [20.0, 70.0], [40.0, 30.0]]), "point 2 at row 20, column 70 is not"),
    "above the image": (sketch(2, [[-1.0, 20.0], [20.0, 40.0], [40.0, 30.0]]), "point 1 at row -1"),
    "nan": (sketch(2, [[20.0, 20.0], [math.nan, 40.0], [40.0, 30.0]]), "point 2 at row nan"),
    "infinite": (sketch(2, [[20.0, 20.0], [20.0, math.inf], [40.0, 30.0]]), "point 2 at row 20, column inf"),
    "two points": (sketch(2, POINTS_PX[:2]), "has 2 points"),
    "too many points": (sketch(2, ellipse_px(CASE.first_mask, MOST_POINTS + 1)), "has 401 points"),
    "three numbers": (sketch(2, [[1.0, 2.0, 3.0]] * 4), "give its points as"),
    "words": (sketch(2, [["a", "b"]] * 4), "give its points as"),
    "truth": (sketch(2, [[True, False]] * 4), "give its points as"),
    "beyond numbers": (sketch(2, [[10**400, 0], [0, 1], [1, 1]]), "beyond any image"),
    "between pixels": (sketch(2, [[20.1, 20.1], [20.1, 20.4], [20.4, 20.4]]), "centre of no pixel"),
    "thin": (
        sketch(2, DUMB_BELL),
        "its pixels are not connected",
    ),
    "another frame": (sketch(3), "was drawn on frame 3, but frame 2 is taken now"),
    "margin nan": (sketch(2, margin_mm=math.nan), "margin_mm = nan"),
    "margin negative": (sketch(2, margin_mm=-0.1), r"margin_mm = -0.1"),
    "margin too wide": (sketch(2, margin_mm=51.0), "margin_mm = 51.0"),
    "margin in words": (sketch(2, margin_mm="5"), "margin_mm = '5'"),
    "margin beyond numbers": (sketch(2, margin_mm=10**400), "margin_mm = "),
    "shape": (sketch(2, shape="star"), "'star'; give one of polygon, ellipse, adjusted"),
    "frame in words": (sketch("2"), "the frame is '2'"),
    "more": ({**sketch(2), "more": 1}, "not understood"),
    "nothing": ({}, "not understood"),
    "not taken": ({"take": False}, "not understood"),
}


@pytest.mark.parametrize("bad", mostly_slow(BAD, 3), ids=str)
def test_an_outline_that_will_not_do_is_refused_in_one_line_and_drawn_anew(tmp_path, bad):
    asked, says = BAD[bad]
    _, scanner, _, _ = drawn(tmp_path / "s", {2: [TAKE], 4: [asked], 6: [sketch(2)]})
    assert scanner.accepted == [True, False, True]
    assert says in scanner.notes[1]
    assert "\n" not in scanner.notes[1]
    assert setup_and_margin(tmp_path / "s")[1] == 4.0


def test_what_was_refused_is_in_the_journal_with_who_wanted_it(tmp_path):
    drawn(tmp_path / "s", {2: [TAKE, ("Bert", sketch(2, BOW_TIE))], 6: [sketch(2)]})
    [refused] = events(tmp_path / "s", "refused")
    assert (refused["values"]["wish"], refused["values"]["operator"]) == ("outline", "Bert (typed)")
    assert "crosses itself" in refused["values"]["note"]


def test_a_frame_is_taken_once_and_an_outline_needs_one(tmp_path):
    script = {1: [AGAIN, sketch(1)], 2: [TAKE, ("Bert", TAKE)], 4: [sketch(2)]}
    _, scanner, _, _ = drawn(tmp_path / "s", script)
    assert scanner.accepted == [False, False, True, False, True]
    for number, says in ((0, "no frame is taken"), (1, "take one first"), (3, "frame 2 is taken already")):
        assert says in scanner.notes[number]


def test_of_two_operators_the_first_outline_counts(tmp_path):
    script = {2: [TAKE], 4: [sketch(2), ("Bert", sketch(2, margin_mm=9.0))]}
    _, scanner, _, session = drawn(tmp_path / "s", script)
    assert scanner.accepted == [True, True, False]
    assert scanner.notes[2] == BEGUN
    assert setup_and_margin(tmp_path / "s")[1] == 4.0
    assert session.contour_requests.submit(TakeFrame("Anna", "test")).answer.note == OVER


def test_an_outline_is_refused_once_another_operator_has_let_go_of_its_frame(tmp_path):
    script = {2: [TAKE], 3: [("Bert", AGAIN)], 5: [("Bert", TAKE)], 6: [sketch(2)], 7: [("Bert", sketch(5))]}
    _, scanner, _, _ = drawn(tmp_path / "s", script)
    assert scanner.accepted == [True, True, True, False, True]
    assert "was drawn on frame 2, but frame 5 is taken now" in scanner.notes[3]


def test_a_frame_that_shows_nothing_cannot_be_taken(tmp_path):
    frames = CASE.frames.astype(np.float32)
    frames[2], frames[3, 5, 5] = 7.0, np.nan
    _, scanner, _, _ = drawn(tmp_path / "s", {2: [TAKE], 3: [TAKE]}, replace(CASE, frames=frames))
    assert scanner.accepted == [False, False]
    assert "frame 2 is blank or has pixels that are not numbers" in scanner.notes[0]
    assert phases(tmp_path / "s") == ["drawing", "ended"]


def test_nothing_can_be_taken_before_the_first_frame(tmp_path):
    class Asked(Easels):
        def next_frame(self, timeout_s):
            if not self.orders:
                self.ask(TAKE)
                return None
            return super().next_frame(timeout_s)

    _, scanner, _, _ = drawn(tmp_path / "s", {}, scanner=Asked)
    assert "no frame to be taken yet" in scanner.notes[0]


def test_what_should_be_on_a_reference_from_a_file_is_missed_before_the_session_runs():
    elsewhere = Drawn("target", (drawn_mm(CASE) + BESIDE_MM,))
    with pytest.raises(TargetError, match=r"9\.0 mm beside the plane"):
        LiveSession(adjusted_plan(CASE, target=elsewhere), VirtualClock())
    with pytest.raises(TargetError, match=r"9\.0 mm beside the plane"):
        LiveSession(fixed_plan(CASE, structures=(Planned(elsewhere, Role.AVOID),)), VirtualClock())


def test_a_frame_without_what_is_to_be_avoided_is_told_once_and_cannot_be_taken(tmp_path):
    avoid = Drawn("bowel", (drawn_mm(CASE) + BESIDE_MM,))
    _, scanner, _, session = drawn(
        tmp_path / "s", {4: [TAKE]}, definition=drawn_plan_of(CASE, structures=(Planned(avoid, Role.AVOID),))
    )
    assert "bowel: lies 9.0 mm beside the plane" in scanner.notes[0]
    lines = [line.text for line in session.status.lines]
    assert sum(line.startswith("no reference: bowel") for line in lines) == 1
    assert phases(tmp_path / "s") == ["drawing", "ended"]


def test_of_planes_that_come_in_turn_the_one_that_will_not_do_is_told_once(tmp_path):
    class InTurn(Easels):
        def next_frame(self, timeout_s):
            frame = super().next_frame(timeout_s)
            if frame is None or frame.sequence % 2:
                return frame
            return replace(frame, plane=replace(frame.plane, origin_mm=(5.0, 0.0, 0.0)))

    definition = adjusted_plan(CASE, reference=None, target=Drawn("target", (drawn_mm(CASE),)))
    _, scanner, _, session = drawn(tmp_path / "s", {4: [TAKE], 5: [TAKE]}, definition=definition, scanner=InTurn)
    assert scanner.accepted == [False, True]
    assert "5.0 mm beside the plane" in scanner.notes[0]
    assert [line.text[:23] for line in session.status.lines].count("no reference: target: l") == 1


def test_a_session_that_is_not_drawn_takes_no_requests():
    session = LiveSession(plan_of(CASE), VirtualClock())
    assert session.contour_requests.submit(TakeFrame("Anna", "test")).answer.note == NOT_DRAWN


def test_an_easel_lets_only_so_many_wait_and_answers_all_when_it_is_closed():
    contour_requests = ContourRequests()
    contour_requests.open()
    orders = [contour_requests.submit(TakeFrame("Anna", "test")) for _ in range(MOST_WAITING + 1)]
    assert "wait already" in orders[-1].answer.note
    assert orders[0].give_up(1.0).note.endswith("withdrawn; ask again")
    assert contour_requests.next() is orders[1]
    orders[1].settle(None)
    contour_requests.close(BEGUN)
    assert {order.answer.note for order in orders[2:-1]} == {BEGUN}
    assert contour_requests.next() is None
