"""An operator takes a frame and draws the target on it; until that is accepted the beam is held and nothing begins."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.contour import Role
from gatekeeper.core.decision import BeamState
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.session.contouring.outline import region_of
from gatekeeper.session.contouring.requests import OVER
from gatekeeper.session.live_session import LiveSession
from gatekeeper.session.planned import Planned
from gatekeeper.session.target import Drawn
from tests.support.cases import breathing_case
from tests.support.contouring_sessions import (
    AGAIN,
    BEHIND_MM,
    CASE,
    POINTS_PX,
    SHAPE,
    SPACING_MM,
    TAKE,
    Easels,
    adjusted_plan,
    drawn,
    fixed_plan,
    setup_and_margin,
    sketch,
)
from tests.support.live_sessions import drawn_mm, drawn_plan_of, events, journal, phases
from tests.support.sessions import checked


def proposal_px(contouring):
    return contouring.structures[0].proposal_px


def test_a_session_begins_on_the_frame_that_was_taken_with_the_outline_and_the_margin_that_were_accepted(tmp_path):
    outcome, scanner, _, _ = drawn(tmp_path / "s", {2: [TAKE], 5: [sketch(2)]})
    assert scanner.accepted == [True, True]
    assert phases(tmp_path / "s") == ["drawing", "connect", "ready", "delivery", "ended"]
    setup, margin_mm = setup_and_margin(tmp_path / "s")
    assert np.array_equal(setup.reference, CASE.frames[2])
    assert np.array_equal(setup.target_mask, region_of(np.array(POINTS_PX), 4.0, SHAPE, SPACING_MM).mask)
    assert margin_mm == 4.0
    judged = [one["sequence"] for one in journal(tmp_path / "s") if one["kind"] == "frame"]
    assert judged == list(range(6, 24))
    assert outcome.was_armed
    assert checked(tmp_path / "s").findings == []


def test_nothing_but_hold_is_sent_while_the_target_is_drawn(tmp_path):
    sent = []

    class Told(Easels):
        def next_frame(self, timeout_s):
            if self.session.status.current.phase == "drawing":
                sent.append(linac.commands[-1].state)
            return super().next_frame(timeout_s)

    clock, linac = VirtualClock(), DryRunLinac()
    session = LiveSession(drawn_plan_of(CASE), clock)
    source = Told(CASE, clock, {2: [TAKE], 5: [sketch(2)]})
    source.session = session
    session.run(source, linac, tmp_path / "s")
    assert len(sent) > 5
    assert set(sent) == {BeamState.HOLD}
    assert BeamState.ON in {command.state for command in linac.commands}


def test_new_frames_are_shown_until_one_is_taken_which_then_stands_still(tmp_path):
    _, scanner, _, _ = drawn(tmp_path / "s", {3: [TAKE], 6: [AGAIN], 9: [TAKE], 11: [sketch(9)]})
    assert all(scanner.accepted)
    shown = [(None if one.frame is None else one.frame.sequence, one.taken) for one in scanner.contourings[:12]]
    live = [(None, False), (0, False), (1, False), (2, False)]
    # Given back, it is shown until the next frame comes.
    assert shown == [*live, *[(3, True)] * 3, (3, False), (7, False), (8, False), *[(9, True)] * 2]
    assert {one.structures[0].margin_mm for one in scanner.contourings[:12]} == {5.0}
    assert set(scanner.contourings[12:]) == {None}
    assert np.array_equal(setup_and_margin(tmp_path / "s")[0].reference, CASE.frames[9])


def test_the_journal_says_who_took_what_and_who_drew_what_and_when(tmp_path):
    script = {2: [("Bert", TAKE)], 4: [AGAIN], 6: [TAKE], 8: [("Bert", sketch(6, shape="ellipse"))]}
    drawn(tmp_path / "s", script)
    told = events(tmp_path / "s")[:5]
    assert [(one["event"], one["values"].get("did"), one["values"]["operator"], one["time_s"]) for one in told] == [
        ("phase", None, None, 0.0),
        ("drawing", "take", "Bert (typed)", 0.5),
        ("drawing", "again", "Anna (typed)", 1.0),
        ("drawing", "take", "Anna (typed)", 1.5),
        ("target", None, "Bert (typed)", 2.0),
    ]
    values = told[-1]["values"]
    assert (values["door"], values["shape"], values["sequence"], values["margin_mm"]) == ("test", "ellipse", 6, 4.0)
    assert values["points_px"] == POINTS_PX
    mask = region_of(np.array(values["points_px"]), values["margin_mm"], SHAPE, SPACING_MM).mask
    assert np.array_equal(setup_and_margin(tmp_path / "s")[0].target_mask, mask)
    assert values["note"] == f"target drawn by Bert (typed) on frame 6: {values['area_mm2'] / 100:.1f} cm2, margin 4 mm"


def test_a_source_that_writes_into_the_same_memory_does_not_change_the_frame_that_was_taken(tmp_path):
    class Reused(Easels):
        def next_frame(self, timeout_s):
            frame = super().next_frame(timeout_s)
            if frame is None:
                if self._next == 4 and timeout_s > 0.0 and not self.orders:
                    # The next frame is on its way into the memory already.
                    self.memory[:20] = 0.0
                    self.ask(TAKE)
                return None
            self.memory = getattr(self, "memory", frame.image.copy())
            self.memory[:] = frame.image
            return replace(frame, image=self.memory)

    drawn(tmp_path / "s", {8: [sketch(3)]}, scanner=Reused)
    assert np.array_equal(setup_and_margin(tmp_path / "s")[0].reference, CASE.frames[3])


def test_a_reference_from_a_file_stands_from_the_beginning_and_no_other_can_be_taken(tmp_path):
    script = {1: [TAKE, AGAIN], 3: [sketch(1)], 4: [sketch(-1)]}
    _, scanner, _, _ = drawn(tmp_path / "s", script, definition=fixed_plan(CASE))
    assert scanner.accepted == [False, False, False, True]
    assert "the image is taken already" in scanner.notes[0]
    assert "no other can be taken" in scanner.notes[1]
    contouring = scanner.contourings[0]
    assert (contouring.taken, contouring.fixed, contouring.frame.sequence, proposal_px(contouring)) == (
        True,
        True,
        -1,
        None,
    )
    assert math.isnan(contouring.frame.acquired_s)
    [target] = events(tmp_path / "s", "target")
    assert target["values"]["sequence"] is None
    assert np.array_equal(setup_and_margin(tmp_path / "s")[0].reference, CASE.frames[0])


def test_an_outline_that_is_known_is_offered_and_gives_the_same_mask_when_it_is_left_as_it_is(tmp_path):
    definition = adjusted_plan(CASE, reference=None, target=Drawn("target", (drawn_mm(CASE),)))

    class Adjusts(Easels):
        def next_frame(self, timeout_s):
            frame = super().next_frame(timeout_s)
            if frame is not None and frame.sequence == 4:
                # As the page gets it.
                offered = proposal_px(self.contourings[-1]).astype(np.float32)
                self.ask(sketch(2, np.round(offered.astype(np.float64), 2).tolist(), shape="adjusted"))
            return frame

    _, scanner, _, _ = drawn(tmp_path / "s", {2: [TAKE]}, definition=definition, scanner=Adjusts)
    assert scanner.accepted == [True, True]
    assert proposal_px(scanner.contourings[1]) is None
    assert len(proposal_px(scanner.contourings[3])) < 40
    assert np.array_equal(setup_and_margin(tmp_path / "s")[0].target_mask, CASE.first_mask)
    assert scanner.notes[1].startswith("target adjusted by Anna (typed) on frame 2")


def test_an_outline_on_an_image_from_a_file_is_offered_from_the_beginning(tmp_path):
    _, scanner, _, _ = drawn(tmp_path / "s", {3: [sketch(-1, shape="adjusted")]}, definition=adjusted_plan(CASE))
    assert scanner.accepted == [True]
    contouring = scanner.contourings[0]
    assert (contouring.taken, contouring.fixed, contouring.frame.sequence) == (True, True, -1)
    assert np.array_equal(region_of(proposal_px(contouring), 5.0, SHAPE, SPACING_MM).mask, CASE.first_mask)
    assert scanner.notes[0].startswith("target adjusted by Anna (typed) on the image: ")
    assert checked(tmp_path / "s").findings == []


def test_what_is_to_be_avoided_is_shown_and_spared(tmp_path):
    avoid = Drawn("bowel", (drawn_mm(CASE) + BEHIND_MM,))
    _, scanner, _, _ = drawn(
        tmp_path / "s",
        {2: [TAKE], 4: [sketch(2)]},
        definition=drawn_plan_of(CASE, structures=(Planned(avoid, Role.AVOID),)),
    )
    target, bowel = scanner.contourings[2].structures
    assert (target.by_hand, bowel.name, bowel.by_hand) == (True, "bowel", False)
    assert bowel.outline_px is not None
    assert [one.name for one in setup_and_margin(tmp_path / "s")[0].structures] == ["bowel"]
    assert checked(tmp_path / "s").findings == []


def test_an_operator_may_end_it_while_the_target_is_drawn(tmp_path):
    outcome, scanner, linac, _ = drawn(tmp_path / "s", {2: [TAKE], 4: ["arm"], 6: ["end", sketch(2)]})
    assert phases(tmp_path / "s") == ["drawing", "ended"]
    assert outcome.ended_by.operator == "Anna"
    assert scanner.accepted == [True, False, True, False]
    assert scanner.notes[1] == "the target is not drawn yet, and the beam is held"
    assert scanner.notes[3] == OVER
    assert {command.state for command in linac.commands} == {BeamState.HOLD}
    assert events(tmp_path / "s", "phase")[-1]["values"]["note"] == scanner.notes[1]
    assert json.loads((tmp_path / "s/summary.json").read_text())["frames"] == 0


def test_the_time_limit_ends_it_while_the_target_is_drawn(tmp_path):
    outcome, _, linac, _ = drawn(tmp_path / "s", {2: [TAKE]}, definition=drawn_plan_of(CASE, seconds=3.0))
    assert outcome.ended_by.operator == "the time limit"
    assert phases(tmp_path / "s") == ["drawing", "ended"]
    assert {command.state for command in linac.commands} == {BeamState.HOLD}


def test_a_source_that_ends_while_the_target_is_drawn_ends_the_session(tmp_path):
    outcome, _, linac, session = drawn(tmp_path / "s", {2: [TAKE]})
    assert (outcome.ended_by, outcome.fault) == (None, None)
    assert phases(tmp_path / "s") == ["drawing", "ended"]
    assert {command.state for command in linac.commands} == {BeamState.HOLD}
    assert session.status.current.contouring is None


@pytest.mark.parametrize(("script", "held"), [({3: ["hold"]}, True), ({3: ["hold"], 4: ["release"]}, False)])
def test_a_hold_that_is_asked_for_while_the_target_is_drawn_stands_in_the_session(tmp_path, script, held):
    case = breathing_case(frames=24, amplitude_px=0.0)
    _, scanner, linac, _ = drawn(tmp_path / "s", {2: [TAKE], 5: [sketch(2)], **script}, case)
    assert all(scanner.accepted)
    assert (BeamState.ON in {command.state for command in linac.commands}) is not held
    assert phases(tmp_path / "s")[3:] == (["paused", "ended"] if held else ["delivery", "ended"])
    assert checked(tmp_path / "s").findings == []
