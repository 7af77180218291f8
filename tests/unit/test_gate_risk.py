"""A gate with a risk limit: when it can promise nothing, and that its sessions verify."""

import math
from dataclasses import replace

import pytest

from gatekeeper.config import GateConfig, PredictionConfig, SessionConfig, build
from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import ConfigError
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.lookahead import USUAL_ERROR_MM, WITH_RISK_LIMIT, passed_levels
from gatekeeper.gating.risk import LEVELS
from tests.support.cases import breathing_case
from tests.support.gates import ENVELOPE, HOLD, ON, frame, track
from tests.support.sessions import checked, recorded

PERIOD_S = 0.125
FULL = PredictionConfig(mode="full", burn_in_s=5.0)
LIMIT_MM = 5.0
"""The envelope is 4 mm around the target, and up to 5 % of it may be outside."""


def at_mm(now_s):
    return 10.0 * math.cos(math.pi * (now_s + 0.05) / 4.0) ** 4


def played(gate, frames, begin=0, confidence=1.0, spread_mm=0.0):
    """Return the decisions of a gate on a target that breathes regularly."""
    decisions = []
    for index in range(begin, begin + frames):
        now_s = PERIOD_S * index
        found = replace(track(at_mm(now_s), confidence=confidence), spread_mm=spread_mm)
        decisions.append(gate.decide(found, frame(index, acquired_s=now_s), now_s))
    return decisions


def test_the_beam_is_held_until_the_limit_can_be_promised():
    gate = Gate(ENVELOPE, GateConfig(risk_percent=1.0), prediction=FULL)
    decisions = played(gate, 360)
    held = [Reason.CANNOT_PROMISE in one.reasons for one in decisions]
    assert all(held[:100])
    assert not any(held[140:])
    assert ON in {one.state for one in decisions[140:]}
    assert all(one.state is HOLD for one, is_held in zip(decisions, held, strict=True) if is_held)


def test_a_smaller_risk_never_lets_the_beam_on_where_a_larger_one_holds_on_regular_breathing():
    small, large = (Gate(ENVELOPE, GateConfig(risk_percent=risk), prediction=FULL) for risk in (0.5, 5.0))
    on = [[one.state is ON for one in played(gate, 400)] for gate in (small, large)]
    assert sum(on[0]) < sum(on[1])


def test_with_a_limit_the_beam_comes_on_by_two_usual_errors_at_most():
    limits = GateConfig(risk_percent=5.0, frames_to_resume=1, outside_hysteresis_percent=0.0)
    gate = Gate(ENVELOPE, limits, prediction=FULL.model_copy(update={"linac_s": 0.35}))
    decisions = played(gate, 480)
    on_mm = [at_mm(PERIOD_S * index) for index, one in enumerate(decisions) if one.state is ON]
    assert LIMIT_MM + USUAL_ERROR_MM < max(on_mm) <= LIMIT_MM + WITH_RISK_LIMIT * USUAL_ERROR_MM


def test_an_uncertain_position_must_be_further_inside_only_with_a_limit():
    def on(limits, spread_mm):
        gate = Gate(ENVELOPE, limits, prediction=FULL)
        return [one.state is ON for one in played(gate, 300, spread_mm=spread_mm)], gate

    limited, unlimited = GateConfig(risk_percent=5.0), GateConfig()
    sure, _ = on(limited, 0.0)
    unsure, gate = on(limited, 1.0)
    assert 0 < sum(unsure) < sum(sure)
    assert all(min(one.spread_mm) >= 1.0 for one in gate.interval)
    assert on(unlimited, 1.0)[0] == on(unlimited, 0.0)[0]


def test_after_the_envelope_was_moved_nothing_is_promised_at_first():
    gate = Gate(ENVELOPE, GateConfig(risk_percent=1.0), prediction=FULL)
    assert Reason.CANNOT_PROMISE not in played(gate, 240)[-1].reasons
    gate._structures.primary.lookahead.reset()
    assert Reason.CANNOT_PROMISE in played(gate, 20, begin=240)[-1].reasons


@pytest.mark.parametrize("near", range(len(LEVELS) + 1))
def test_the_levels_at_which_it_is_inside_are_found_wherever_one_begins(near):
    for count in range(len(LEVELS) + 1):
        asked = []
        found = passed_levels(
            lambda level, count=count, asked=asked: asked.append(level) or level in LEVELS[:count], near
        )
        assert found == count
        assert len(asked) <= 6
        assert found != near or len(asked) <= 2


def test_a_risk_limit_needs_a_prediction():
    values = {"gate": {"risk_percent": 1.0}}
    with pytest.raises(ConfigError, match=r"gate\.risk_percent needs a prediction"):
        build(SessionConfig, values, "session.toml")
    assert build(SessionConfig, values | {"prediction": {"mode": "full"}}, "session.toml").gate.risk_percent == 1.0


def test_a_session_with_a_risk_limit_verifies(tmp_path, monkeypatch):
    monkeypatch.setattr("replay.run.overview_png", lambda seen: b"undrawn")
    config = SessionConfig(gate=GateConfig(risk_percent=10.0), prediction=FULL)
    found = checked(recorded(tmp_path / "s", breathing_case(frames=96), config))
    assert found.findings == []
    assert found.compared >= 96


def test_what_is_shown_is_the_share_so_far_and_where_the_target_is_expected():
    gate = Gate(ENVELOPE, GateConfig(risk_percent=1.0), prediction=FULL)
    assert gate.interval == ()
    assert gate.exposure[0] == 1.0
    assert math.isnan(gate.exposure[1])
    played(gate, 360)
    limit, so_far, minute = gate.exposure
    assert (limit, so_far) == (1.0, pytest.approx(gate._primary.lookahead.risk.realised_percent))
    assert 0.0 <= minute <= 100.0
    now_s, latency_s = 359 * PERIOD_S, FULL.latency_s
    expected = gate.interval
    assert [one.time_s - now_s for one in expected] == pytest.approx(
        [latency_s, latency_s + 0.5 * PERIOD_S, latency_s + PERIOD_S]
    )
    assert all(min(one.spread_mm) >= 0.0 and math.isfinite(one.center_mm[0]) for one in expected)
    assert Gate(ENVELOPE, GateConfig()).exposure is None
    assert Gate(ENVELOPE, GateConfig()).interval == ()
