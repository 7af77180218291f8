"""A frame of a live session becomes the reference: shown, confirmed, journalled, and decided again alike."""

import re
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.config import GateConfig
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.errors import InputError, TargetError
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.display.web.live_message import LiveMessage
from gatekeeper.display.web.message import for_page, unpacked
from gatekeeper.gating.gate import BEAM_ON
from gatekeeper.gating.state_machine import GateState
from gatekeeper.operator.request import Request, request_from_json
from gatekeeper.operator.terminal import parse
from gatekeeper.report.reference_picture import draw_reference
from gatekeeper.session import arming
from gatekeeper.session.taken_frame import TakenFrame, refusal
from replay import run
from replay.formats.session import open_session
from replay.run import replay_input
from replay.sessions.compare import replay_input_of_session
from replay.sessions.rejudge import Rejudged
from tests.support.cases import SPACING_MM, breathing_case
from tests.support.live_sessions import (
    PREVIEW_S,
    Scanner,
    events,
    journal,
    learn_at_once,
    live_config,
    phases,
    plan_of,
    run_live,
)
from tests.support.sessions import checked, recorded

CASE = breathing_case(frames=40)
HELD, ASKED, CONFIRMED, RELEASED = 15, 19, 21, 24
"""Frames before which the operator does what the names say. The breath is deepest on frame 18."""
TAKEN = ASKED - 1


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    monkeypatch.setattr(run, "overview_png", lambda seen: b"undrawn")


def confirmed(sequence=TAKEN, origin="test"):
    return Request("reference", "kim", origin, confirmed=True, sequence=sequence)


SCRIPT = {HELD: ["hold"], ASKED: ["reference"], CONFIRMED: [confirmed()], RELEASED: ["release"]}


class Operator(Scanner):
    """A scanner whose script also holds requests, and that waits for the tracker before a confirmation."""

    def __init__(self, case, clock, script=()):
        super().__init__(case, clock)
        self.asks, self.messages = dict(script), []

    def next_frame(self, timeout_s):
        frame = super().next_frame(timeout_s)
        if frame is not None:
            if self.session.status.reference is not None:
                parts = LiveMessage(self.session.status).parts(0.0, {})
                self.messages.append(unpacked(for_page(b"".join(parts), 1)))
            for ask in self.asks.pop(frame.sequence, ()):
                request = Request(ask, "kim", "test") if isinstance(ask, str) else ask
                if request.confirmed:
                    self.session._controller._reference.close()
                self.orders.append(self.session.requests.submit(request))
        return frame


def moved(folder, script=SCRIPT, case=CASE, draw=None, **plan):
    """Run a session in which a frame becomes the reference; return its outcome and the scanner."""
    outcome, scanner, _ = run_live(folder, case, plan_of(case, **plan), script, Operator, draw_reference=draw)
    return outcome, scanner


def frames(folder):
    return [one for one in journal(folder) if one["kind"] == "frame"]


def test_it_is_shown_confirmed_and_used_and_the_journal_says_who(tmp_path):
    _, scanner = moved(tmp_path / "s")
    hold, asked, done, released = (order.answer for order in scanner.orders)
    assert (hold.accepted, asked.accepted, done.accepted, released.accepted) == (True, False, True, True)
    assert re.match(
        rf"reference {TAKEN}: frame {TAKEN} becomes the reference, with the target 1[12]\.\d mm inferior", asked.note
    )
    assert asked.note.endswith(f"held until it is released; type reference {TAKEN} confirm")
    assert done.note == f"reference by kim: frame {TAKEN}, held until released"
    ((event,), (was_confirmed,)) = events(tmp_path / "s", "reference"), events(tmp_path / "s", "confirmed")
    assert (event["values"]["operator"], event["values"]["sequence"]) == ("kim", TAKEN)
    assert (event["values"]["accepted"], event["values"]["shift_mm"]) == (True, [0.0, 0.0])
    assert (was_confirmed["values"]["wish"], was_confirmed["values"]["operator"]) == ("reference", "kim")
    assert was_confirmed["values"]["note"] in asked.note
    assert checked(tmp_path / "s").findings == []


@pytest.mark.slow
def test_tracking_goes_on_from_it_and_the_envelope_stays(tmp_path):
    outcome, scanner = moved(tmp_path / "s")
    _, armed = scanner.session.status.begun
    assert armed.reference.sequence == TAKEN
    assert np.array_equal(armed.reference.image, CASE.frames[TAKEN])
    np.testing.assert_array_equal(armed.gate.envelope.contour_px, armed.envelope.contour_px)
    plain = tmp_path / "plain"
    run_live(plain, CASE, plan_of(CASE), {HELD: ["hold"], RELEASED: ["release"]}, Operator)
    away, changed = [], 0
    for one, before in zip(frames(tmp_path / "s"), frames(plain), strict=True):
        number = one["sequence"]
        rows, cols = np.nonzero(CASE.labels[number])
        away.append(np.hypot(*np.subtract(one["center_mm"], np.multiply(SPACING_MM, (rows.mean(), cols.mean())))))
        assert one["confidence"] > 0.5
        changed += one["contour_hash"] != before["contour_hash"]
    assert max(away) < 1.0
    assert changed == sum(one["sequence"] >= CONFIRMED for one in frames(plain)), "the very next frame is another's"
    assert outcome.summary.frames == 40


def test_the_beam_is_held_until_it_is_released(tmp_path):
    script = {ASKED: ["reference"], CONFIRMED: [confirmed()], 30: ["release"]}
    moved(tmp_path / "s", script)
    for one in frames(tmp_path / "s"):
        if CONFIRMED <= one["sequence"] < 30:
            assert "operator_hold" in one["reasons"]
    assert phases(tmp_path / "s") == ["connect", "ready", "delivery", "paused", "delivery", "ended"]
    assert "ON" in [one["state"] for one in frames(tmp_path / "s")[30:]]


@pytest.mark.slow
def test_while_it_is_asked_every_page_shows_the_frame_with_the_outline(tmp_path):
    _, scanner = moved(tmp_path / "s")
    assert len(scanner.messages) == CONFIRMED - ASKED
    head, arrays = scanner.messages[0]
    assert head["reference"]["frame"] == TAKEN
    assert head["reference"]["words"] in scanner.orders[1].answer.note
    low, high = head["reference"]["low"], head["reference"]["high"]
    shown = low + arrays["reference"] * (high - low) / 65535.0
    np.testing.assert_allclose(shown, CASE.frames[TAKEN], atol=0.6)
    _, armed = scanner.session.status.begun
    np.testing.assert_allclose(arrays["reference_target"], armed.reference.target_px, atol=1e-4)
    assert scanner.session.status.reference is None


@pytest.mark.slow
def test_what_was_learned_from_the_preview_is_learned_again(tmp_path, monkeypatch):
    learn_at_once(monkeypatch)
    case = breathing_case(frames=72)
    script = {60: ["hold"], 65: ["reference"], 67: [confirmed(64)]}
    _, scanner = moved(tmp_path / "s", script, case, config=live_config(preview_s=PREVIEW_S))
    assert scanner.orders[-1].answer.accepted
    _, armed = scanner.session.status.begun
    model = armed.engine.tracker.template_trackers[0].model
    assert len(model.states_mm) > 1
    assert armed.motion is not None
    assert checked(tmp_path / "s").findings == []


def test_a_session_with_it_is_played_again_and_judged_again_alike(tmp_path):
    moved(tmp_path / "s")
    session = open_session(tmp_path / "s")
    try:
        recorded(tmp_path / "again", material=replay_input_of_session(session), config=session.config())
        again = Rejudged(session)
        judged = again.judge(again.config)
    finally:
        session.close()
    alike = ("sequence", "state", "reasons", "contour_hash", "outside_percent")
    assert [[one[name] for name in alike] for one in frames(tmp_path / "s")] == [
        [one[name] for name in alike] for one in frames(tmp_path / "again")
    ]
    assert [decision.state for decision in judged.decisions] == [one["state"] for one in frames(tmp_path / "s")]
    assert checked(tmp_path / "again").findings == []


@pytest.mark.slow
def test_a_picture_is_in_the_sealed_folder(tmp_path):
    _, scanner = moved(tmp_path / "s", draw=draw_reference)
    name = f"reference-{TAKEN}.png"
    assert f"look at {name} in the session's folder" in scanner.orders[1].answer.note
    assert (tmp_path / "s" / name).read_bytes().startswith(b"\x89PNG")
    assert name in journal(tmp_path / "s")[-1]["files"]
    assert checked(tmp_path / "s").findings == []


@pytest.mark.parametrize(
    ("asks", "said"),
    [
        ({CONFIRMED: [confirmed()]}, "has not been shown here lately"),
        ({ASKED: ["reference"], CONFIRMED: [confirmed(TAKEN + 1)]}, "has not been shown here lately"),
        ({ASKED: ["reference"], CONFIRMED: [confirmed(origin="console")]}, "has not been shown here lately"),
        ({ASKED: ["reference", "release"], CONFIRMED + 5: [confirmed()]}, BEAM_ON),
    ],
    ids=["not asked", "another frame", "another face", "beam on again"],
)
def test_what_was_not_shown_or_is_not_held_is_not_used(tmp_path, asks, said):
    _, scanner = moved(tmp_path / "s", {HELD: ["hold"], **asks})
    assert not scanner.orders[-1].answer.accepted
    assert said in scanner.orders[-1].answer.note
    assert scanner.session.status.begun[1].reference is None
    assert checked(tmp_path / "s").findings == []


def test_it_is_refused_while_the_beam_is_on(tmp_path):
    _, scanner = moved(tmp_path / "s", {4: ["reference"]})
    assert scanner.orders[0].answer.note == f"reference: {BEAM_ON}"
    assert events(tmp_path / "s", "refused")[0]["values"]["operator"] == "kim"


@pytest.mark.slow
def test_a_minute_later_it_has_to_be_asked_for_again(tmp_path):
    times_s = CASE.times_s.copy()
    times_s[CONFIRMED:] += 61.0
    _, scanner = moved(tmp_path / "s", case=replace(CASE, times_s=times_s))
    assert "has not been shown here lately" in scanner.orders[2].answer.note


@pytest.mark.slow
def test_a_frame_on_which_the_target_cannot_be_tracked_is_named_when_it_is_confirmed(tmp_path, monkeypatch):
    def refuse(self, taken):
        raise TargetError("target: no")

    monkeypatch.setattr(arming.Armed, "tracker_on", refuse)
    _, scanner = moved(tmp_path / "s")
    assert scanner.orders[2].answer.note == f"reference: frame {TAKEN} is not used: target: no"
    assert checked(tmp_path / "s").findings == []


@pytest.mark.slow
def test_before_the_first_frame_it_is_refused_and_does_no_harm(tmp_path):
    script = {0: ["reference"]}
    case = breathing_case(frames=12)
    outcome, scanner = moved(tmp_path / "s", script, case, reference=None)
    assert not scanner.orders[0].answer.accepted
    assert outcome.summary.frames >= 11


# What speaks against a frame.

SQUARE = np.array([[10.0, 10.0], [10.0, 20.0], [20.0, 20.0], [20.0, 10.0]])
HELD_STATE = GateState(armed=True, operator_hold=True, beam=BeamState.HOLD, reasons=(Reason.OPERATOR_HOLD,))
LEAST = {"target": 0.5, "bowel": 0.5}


def step_of(confidence=0.9, reasons=(Reason.OUTSIDE, Reason.OPERATOR_HOLD), others=0.9, contour_px=SQUARE, **frame):
    from tests.support.steps import frame as make_frame

    track = None if confidence is None else Track(contour_px, (15.0, 15.0), confidence)
    one = make_frame()
    decision = Decision(one.sequence, one.received_s, BeamState.HOLD, tuple(reasons), 50.0)
    return Step(decision, replace(one, **frame), track, others=(Track(SQUARE, (15.0, 15.0), others),))


def why(step, state=HELD_STATE, late_s=0.2, least=LEAST):
    now_s = 0.0 if step is None or step.frame is None else step.frame.acquired_s + late_s
    return refusal(step, now_s, state, GateConfig(), least)


@pytest.mark.parametrize(
    ("changes", "state", "said"),
    [
        ({"confidence": 0.3}, HELD_STATE, "target is not surely found on frame"),
        ({"confidence": float("nan")}, HELD_STATE, "target is not surely found"),
        ({"others": 0.1}, HELD_STATE, "bowel is not surely found on frame"),
        ({"contour_px": SQUARE - 12.0}, HELD_STATE, "target is not wholly on frame"),
        ({"contour_px": SQUARE * np.nan}, HELD_STATE, "target is not wholly on frame"),
        ({"confidence": None, "reasons": (Reason.NOT_FINITE,)}, HELD_STATE, "was not tracked (not_finite)"),
        ({"reasons": (Reason.NOT_LIVE,)}, HELD_STATE, "is held for not_live"),
        ({"reasons": (Reason.TARGET_JUMP,)}, HELD_STATE, "is held for target_jump"),
        ({}, replace(HELD_STATE, faults=(Reason.SOURCE_CHANGED,)), "source_changed is latched"),
        ({}, replace(HELD_STATE, beam=BeamState.ON), "the beam is on"),
    ],
)
def test_an_unsure_or_unfit_frame_is_refused_in_one_line(changes, state, said):
    note = why(step_of(**changes), state)
    assert note.startswith("not used: ")
    assert said in note
    assert "\n" not in note


def test_a_frame_held_for_its_position_or_by_an_operator_may_be_used():
    assert why(step_of()) is None
    assert why(step_of(reasons=(Reason.NOT_ARMED, Reason.EXCEPTIONAL_POSITION, Reason.RESUMING))) is None


@pytest.mark.parametrize(("limit", "used"), [(0.6, False), (0.4, True)])
def test_each_structure_has_its_own_least_confidence(limit, used):
    note = why(step_of(others=0.55), least={"target": 0.5, "bowel": limit})
    assert (note is None) == used
    if not used:
        assert "bowel is not surely found" in note
        assert "confidence 0.55 is below its min_confidence = 0.6" in note


def test_what_is_carried_over_is_told_of_each_structure():
    words = TakenFrame.of(step_of(others=0.61)).as_words(SQUARE, tuple(LEAST))
    assert "carried over with it, with their confidence: bowel 0.61; the envelope stays" in words


def test_a_stale_frame_and_a_silent_source_are_refused():
    assert "0.51 s old, more than gate.max_age_s = 0.5" in why(step_of(), late_s=0.51)
    silent = Step(Decision(-1, 1.0, BeamState.HOLD, (Reason.NO_FRAME,), float("nan")))
    assert why(silent) == why(None) == "not used: the source is silent; wait for a frame"


def test_masks_are_those_of_the_outlines():
    taken = TakenFrame.of(step_of())
    masks = taken.masks(tuple(LEAST))
    assert tuple(masks) == tuple(LEAST)
    assert masks["target"].sum() == 100


# How it is asked for.


def test_it_is_asked_for_alone_and_confirmed_with_the_number_of_the_frame():
    assert parse("reference by Ben", "Anna", "terminal") == Request("reference", "Ben (typed; login Anna)", "terminal")
    request = request_from_json(["reference", "123", "confirm"], "Anna", "console")
    assert (request.sequence, request.confirmed, request.holds) == (123, True, False)
    command = request.command(4.0)
    assert (command.action, command.sequence) == ("reference", 123)


@pytest.mark.parametrize("words", [["123"], ["confirm"], ["-1", "confirm"], ["1", "2", "confirm"], ["x", "confirm"]])
def test_other_words_are_refused_with_the_way_out(words):
    with pytest.raises(InputError, match="use reference alone"):
        request_from_json(["reference", *words], "Anna", "console")


@pytest.mark.slow
def test_a_replay_of_the_case_without_it_has_none(tmp_path):
    recorded(tmp_path / "s", material=replay_input(breathing_case(frames=4)))
    assert events(tmp_path / "s", "reference") == []
