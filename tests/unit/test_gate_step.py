"""Every state the gate can get into x every combination of findings that matters."""

from itertools import product

import pytest

from gatekeeper.config import GateConfig
from gatekeeper.decision import BeamState, Reason
from gatekeeper.gating.findings import Findings
from gatekeeper.gating.gate import GateState, step

NAN, INF = float("nan"), float("inf")
CONFIG = GateConfig(outside_percent=5.0, min_confidence=0.5, max_age_s=0.5, frames_to_resume=1)

VALID = {True: True, False: False}
AGE_S = {0.0: True, -0.02: True, 0.5: True, 0.501: False, -0.021: False, NAN: False, INF: False, -INF: False}
CONFIDENCE = {0.5: True, 1.0: True, 0.499: False, 0.0: False, 1.01: False, NAN: False, INF: False, -INF: False}
OUTSIDE_PERCENT = {
    0.0: True,
    5.0: True,
    5.001: False,
    100.0: False,
    -1.0: False,
    NAN: False,
    INF: False,
    -INF: False,
}

CASES = [(None, (Reason.NO_FRAME,))] + [
    (
        Findings(valid, age_s, confidence, outside_percent),
        tuple(
            reason
            for reason, good in (
                (Reason.INVALID_FRAME, VALID[valid]),
                (Reason.STALE_FRAME, AGE_S[age_s]),
                (Reason.LOW_CONFIDENCE, CONFIDENCE[confidence]),
                (Reason.OUTSIDE, OUTSIDE_PERCENT[outside_percent]),
            )
            if not good
        ),
    )
    for valid, age_s, confidence, outside_percent in product(VALID, AGE_S, CONFIDENCE, OUTSIDE_PERCENT)
]


def reachable(config):
    """Every state that can follow from the two states a gate is made in."""
    found = {GateState(), GateState(armed=True, reasons=(Reason.RESUMING,))}
    new = set(found)
    while new:
        new = {step(state, findings, config) for state in new for findings, _ in CASES} - found
        found |= new
    return found


@pytest.mark.parametrize("frames_to_resume", [1, 2, 3])
def test_every_state_and_every_finding(frames_to_resume):
    config = CONFIG.model_copy(update={"frames_to_resume": frames_to_resume})
    states = reachable(config)
    assert any(state.beam is BeamState.ON for state in states)
    for state, (findings, violated) in product(states, CASES):
        after = step(state, findings, config)
        expected = violated if state.armed else (Reason.NOT_ARMED, *violated)
        assert after.armed == state.armed
        if expected:
            assert (after.beam, after.reasons, after.good_frames) == (BeamState.HOLD, expected, 0)
        elif state.beam is BeamState.ON or state.good_frames + 1 >= frames_to_resume:
            assert (after.beam, after.reasons) == (BeamState.ON, ())
        else:
            assert (after.beam, after.reasons) == (BeamState.HOLD, (Reason.RESUMING,))
            assert after.good_frames == state.good_frames + 1


@pytest.mark.parametrize("frames_to_resume", [1, 2, 3])
def test_no_reachable_state_is_on_without_its_proof(frames_to_resume):
    config = CONFIG.model_copy(update={"frames_to_resume": frames_to_resume})
    for state in reachable(config):
        assert (state.beam is BeamState.ON) == (state.reasons == ())
        assert (state.beam is BeamState.ON) == (state.armed and state.good_frames == frames_to_resume)


def test_a_state_as_made_holds():
    assert GateState() == GateState(False, 0, BeamState.HOLD, (Reason.NOT_ARMED,))


def test_a_forged_state_that_is_on_without_being_armed_holds_on_the_next_frame():
    forged = GateState(armed=False, good_frames=9, beam=BeamState.ON, reasons=())
    assert step(forged, Findings(True, 0.0, 1.0, 0.0), CONFIG).reasons == (Reason.NOT_ARMED,)
