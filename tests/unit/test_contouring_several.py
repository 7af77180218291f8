"""Several structures are drawn or adjusted, and the session begins once those are confirmed that are required."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.core.contour import Role
from gatekeeper.session.contouring.outline import region_of
from gatekeeper.session.planned import NotDrawn, Planned
from gatekeeper.session.target import Drawn
from replay.formats.session import open_session
from tests.support.cases import SHAPE
from tests.support.contouring_sessions import AGAIN, CASE, POINTS_PX, SPACING_MM, TAKE, drawn, sketch
from tests.support.contours import ellipse_px
from tests.support.live_sessions import events, live_config, plan_of, reference_of
from tests.support.recordings import disc
from tests.support.sessions import checked

NODE_PX, BOWEL_PX = (ellipse_px(disc(SHAPE, center, 5.0)) for center in ((30.0, 12.0), (16.0, 31.0)))
NODE = {**sketch(2, NODE_PX, margin_mm=2.0), "structure": "node"}
BOWEL = {**sketch(2, BOWEL_PX, margin_mm=None), "structure": "bowel"}
GTV = {**sketch(2), "structure": "GTV"}


def plan(node=None, bowel_required=True, **values):
    """Return the plan of a session whose target, node and bowel are drawn, or the node adjusted."""
    by_hand = {"kind": "drawn"}
    config = live_config(
        target=[{**by_hand, "name": "GTV"}, {**by_hand, "name": "node", "margin_mm": 3.0}],
        oar=[{**by_hand, "name": "bowel", "required": bowel_required}],
    )
    planned = (
        Planned(NotDrawn("node") if node is None else node, Role.TARGET, by_hand=True),
        Planned(NotDrawn("bowel"), Role.AVOID, required=bowel_required, by_hand=True),
    )
    return plan_of(CASE, config, **{"target": None, "reference": None, "structures": planned, **values})


def test_a_session_begins_once_all_are_confirmed_with_a_margin_for_each_target(tmp_path):
    script = {2: [TAKE], 4: [NODE], 6: [BOWEL], 8: [GTV]}
    outcome, scanner, _, _ = drawn(tmp_path / "s", script, definition=plan())
    assert scanner.accepted == [True] * 4
    assert outcome.was_armed
    shown = [tuple(one.confirmed for one in contouring.structures) for contouring in scanner.contourings[3:8]]
    assert shown == [(False,) * 3, (False,) * 3, (False, True, False), (False, True, False), (False, True, True)]
    with closing(open_session(tmp_path / "s")) as session:
        setup, config = session.setup, session.config()
    assert setup.names == ("GTV", "node", "bowel")
    assert np.array_equal(setup.target_mask, region_of(np.array(POINTS_PX), 4.0, SHAPE, SPACING_MM).mask)
    assert (config.envelope.margin_mm, config.structures.target["node"].margin_mm) == (4.0, 2.0)
    values = [one["values"] for one in events(tmp_path / "s", "target")]
    assert [(one["structure"], one["margin_mm"]) for one in values] == [("node", 2.0), ("bowel", None), ("GTV", 4.0)]
    assert values[1]["note"].startswith("bowel drawn by Anna (typed) on frame 2: ")
    assert checked(tmp_path / "s").findings == []


def test_a_session_begins_without_what_is_optional_and_says_so(tmp_path):
    script = {2: [TAKE], 4: [NODE, GTV]}
    _, scanner, _, session = drawn(tmp_path / "s", script, definition=plan(bowel_required=False))
    assert scanner.accepted == [True] * 3
    said = "without bowel, which is not required: has not been drawn; draw it on the console's page"
    assert said in session.status.warnings
    with closing(open_session(tmp_path / "s")) as opened:
        assert opened.setup.names == ("GTV", "node")


@pytest.mark.slow
def test_a_known_outline_is_proposed_for_each_that_is_adjusted(tmp_path):
    mask = disc(SHAPE, (30.0, 12.0), 5.0)
    known = Drawn.of_mask("node", mask, reference_of(CASE))
    _, scanner, _, _ = drawn(tmp_path / "s", {2: [TAKE]}, definition=plan(known))
    before, after = (contouring.structures for contouring in (scanner.contourings[1], scanner.contourings[3]))
    assert [one.proposal_px is not None for one in before] == [False, False, False]
    assert [one.proposal_px is not None for one in after] == [False, True, False]
    assert np.array_equal(region_of(after[1].proposal_px, 3.0, SHAPE, SPACING_MM).mask, mask)
    assert [one.margin_mm for one in after] == [5.0, 3.0, None]


@pytest.mark.slow
def test_another_frame_forgets_what_was_confirmed(tmp_path):
    script = {2: [TAKE], 4: [NODE], 6: [AGAIN], 8: [TAKE], 10: [GTV | {"sequence": 8}]}
    outcome, scanner, _, _ = drawn(tmp_path / "s", script, definition=plan())
    assert scanner.accepted == [True] * 5
    assert not outcome.was_armed
    assert [one.confirmed for one in scanner.contourings[-1].structures] == [True, False, False]


def test_what_is_wrong_with_one_outline_is_named(tmp_path):
    refused = [
        (NODE | {"structure": "liver"}, "outline of liver: is not drawn here; draw one of GTV, node, bowel"),
        (NODE | {"margin_mm": None}, "outline of node: a target has a margin, and an organ at risk has none"),
        (BOWEL | {"margin_mm": 3.0}, "outline of bowel: a target has a margin"),
        (NODE | {"points_px": [[1.0, 1.0], [1.1, 1.0], [1.1, 1.1]]}, "outline of node: encloses the centre of no"),
        (NODE | {"structure": 4}, "drawing: the structure is 4; give its name"),
    ]
    script = {2: [TAKE], 4: [asked for asked, _ in refused]}
    _, scanner, _, _ = drawn(tmp_path / "s", script, definition=plan())
    assert scanner.accepted == [True, *[False] * len(refused)]
    for note, (_, says) in zip(scanner.notes[1:], refused, strict=True):
        assert says in note


@pytest.mark.slow
def test_one_that_cannot_be_tracked_is_refused_while_the_others_stay(tmp_path):
    flat = replace(CASE, frames=CASE.frames.copy())
    flat.frames[:, 44:, 34:] = 500
    node = NODE | {"points_px": ellipse_px(disc(SHAPE, (58.0, 47.0), 5.0))}
    _, scanner, _, _ = drawn(tmp_path / "s", {2: [TAKE], 4: [BOWEL, node]}, flat, plan())
    assert scanner.accepted == [True, True, False]
    assert scanner.notes[2].startswith("node: ")
    assert [one.confirmed for one in scanner.contourings[-1].structures] == [False, False, True]
