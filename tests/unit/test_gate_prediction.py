"""A gate that looks ahead: what the prediction may change about a decision, and that the raw one stands beside it."""

import math
from itertools import pairwise

import numpy as np
import pytest

from gatekeeper.config import PredictionConfig, SessionConfig
from gatekeeper.core.command import Action, Command
from gatekeeper.core.decision import Reason
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.lookahead import USUAL_ERROR_MM
from gatekeeper.gating.zones import TargetZone
from tests.support.cases import breathing_case
from tests.support.gates import ENVELOPE, HOLD, ON, frame, shift_to_rest, track
from tests.support.matrices import mostly_slow
from tests.support.sessions import checked, recorded

PERIOD_S = 0.125
FRAMES = 480
LIMIT_MM = 5.0
"""The envelope is 4 mm around the target, and up to 5 % of it may be outside."""


def position_mm(time_s):
    return 10.0 * math.cos(math.pi * time_s / 4.0) ** 4


def judged(mode="off", frames=FRAMES, each=None, zones=ENVELOPE, second=None, **settings):
    """Return the gate and its decisions on a target that breathes regularly."""
    prediction = PredictionConfig(mode=mode, **settings)
    gate = Gate(zones, prediction=prediction)
    decisions = []
    for index in range(frames):
        now_s = PERIOD_S * index
        if each is not None:
            each(gate, index, now_s)
        found = track(position_mm(now_s))
        tracks = found if second is None else (found, second)
        decisions.append(gate.decide(tracks, frame(index, acquired_s=now_s), now_s))
    return gate, decisions


def states(decisions):
    return [one.state for one in decisions]


def starts(decisions):
    """Return on which frames the beam went off."""
    return [
        index for index, (one, other) in enumerate(pairwise(decisions), 1) if (one.state, other.state) == (ON, HOLD)
    ]


def test_without_prediction_the_raw_decision_is_the_decision():
    _, decisions = judged()
    assert all(one.raw_state is one.state for one in decisions)
    assert all(math.isnan(one.predicted_percent) for one in decisions)
    assert {ON, HOLD} == set(states(decisions))


@pytest.mark.parametrize("mode", ["conservative", "full"])
def test_beam_is_held_before_the_target_leaves_once_the_breathing_is_known(mode):
    _, raw = judged()
    _, ahead = judged(mode)
    assert [one.raw_state for one in ahead] == states(raw), "the raw decision is that of a gate without prediction"
    known = 240
    early = [index for index in starts(raw) if index > known]
    for index in early:
        assert min(abs(index - other) for other in starts(ahead)) > 0
        assert any(index - 4 <= other < index for other in starts(ahead)), "0.3 s ahead are two or three frames"
    assert len(early) >= 5


def test_conservative_never_lets_the_beam_on_where_measured_positions_hold():
    _, decisions = judged("conservative")
    assert not any(one.state is ON and one.raw_state is HOLD for one in decisions)
    assert any(one.state is HOLD and one.raw_state is ON for one in decisions)


def test_full_lets_the_beam_on_before_the_target_is_back_but_never_further_out_than_the_usual_error():
    _, decisions = judged("full")
    assert any(one.state is ON and one.raw_state is HOLD for one in decisions[240:])
    assert any(one.predicted_percent != one.outside_percent for one in decisions[240:])
    early = [index for index, one in enumerate(decisions) if one.state is ON and one.raw_state is HOLD]
    assert all(position_mm(PERIOD_S * index) <= LIMIT_MM + USUAL_ERROR_MM for index in early)


@pytest.mark.parametrize("mode", ["off", "conservative", "full"])
@pytest.mark.parametrize("stops_mm", [6.5, 8.0, 9.5])
def test_a_breath_that_stops_outside_holds_at_once_in_every_mode(mode, stops_mm):
    """The prediction goes on to breathe; the target stays where it is."""
    gate, decisions = judged(mode, frames=400)
    before = next(index for index in range(399, 0, -1) if decisions[index].state is ON)
    gate, _ = judged(mode, frames=before + 1)
    for index in range(before + 1, before + 40):
        now_s = PERIOD_S * index
        stopped = gate.decide(track(stops_mm), frame(index, acquired_s=now_s), now_s)
        assert stopped.state is HOLD


def test_prediction_that_is_not_proven_yet_does_not_let_the_beam_on():
    _, decisions = judged("full", frames=150)
    assert not any(one.state is ON and one.raw_state is HOLD for one in decisions)


@pytest.mark.parametrize("what", ["rebase", "plane"])
def test_trace_is_forgotten_when_envelope_or_plane_has_changed(what):
    def change(gate, index, now_s):
        if index == 300 and what == "rebase":
            gate.apply(Command(Action.HOLD, "physicist", now_s))
            assert gate.apply(Command(Action.REBASE, "physicist", now_s, shift_to_rest(gate))).accepted
            gate.apply(Command(Action.RELEASE, "physicist", now_s))
        if index == 300 and what == "plane":
            odd = frame(index, image=np.ones((20, 20), np.float32), acquired_s=now_s)
            gate.decide(None, odd, now_s)

    _, decisions = judged("full", each=change)
    assert any(one.state is ON and one.raw_state is HOLD for one in decisions[240:300])
    assert not any(one.state is ON and one.raw_state is HOLD for one in decisions[300:440])


def test_fault_and_operator_hold_the_raw_decision_too():
    def act(gate, index, now_s):
        if index == 400:
            gate.latch(Reason.RECORDING_LOST)

    _, decisions = judged("full", each=act)
    assert all(one.state is HOLD and one.raw_state is HOLD for one in decisions[400:])


@pytest.mark.parametrize("mode", ["conservative", "full"])
def test_target_that_is_not_measured_holds_whatever_is_predicted(mode):
    gate, _ = judged(mode, frames=300)
    now_s = PERIOD_S * 300
    lost = gate.decide(track(math.nan), frame(300, acquired_s=now_s), now_s)
    assert lost.state is HOLD
    assert Reason.OUTSIDE in lost.reasons


def test_second_target_counts_as_measured():
    zones = [TargetZone(ENVELOPE), TargetZone(ENVELOPE)]
    _, alone = judged("full")
    _, both = judged("full", zones=zones, second=track())
    assert states(both) == states(alone)
    _, away = judged("full", zones=zones, second=track(9.0), frames=300)
    assert set(states(away)) == {HOLD}


@pytest.mark.parametrize("mode", mostly_slow(["conservative", "full"]))
def test_session_with_prediction_verifies(mode, tmp_path, monkeypatch):
    monkeypatch.setattr("replay.run.overview_png", lambda seen: b"undrawn")
    config = SessionConfig(prediction=PredictionConfig(mode=mode, burn_in_s=5.0))
    folder = recorded(tmp_path / "s", breathing_case(frames=96), config)
    found = checked(folder)
    assert found.findings == []
    assert found.compared >= 96


def test_predicted_position_is_given_while_prediction_is_on():
    gate, _ = judged()
    assert gate.ahead_mm is None
    gate, decisions = judged("conservative", frames=473)
    now_s = decisions[-1].time_s
    middle_s = now_s + PredictionConfig().latency_s + 0.5 * PERIOD_S
    assert gate.ahead_mm == pytest.approx(track(position_mm(middle_s)).center_mm, abs=1.0)
    assert gate.ahead_mm != pytest.approx(track(position_mm(now_s)).center_mm, abs=1.0)
    gate.apply(Command(Action.HOLD, "kim", now_s))
    assert gate.apply(Command(Action.REBASE, "kim", now_s, shift_to_rest(gate))).accepted
    assert gate.ahead_mm is None
