"""Every state the gate can get into x every combination of findings that matters x every wish of an operator."""

from itertools import chain, combinations, product

import pytest

from gatekeeper.config import GateConfig
from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.reasons import FAULTS, FAULTS_WHEN_ARMED
from gatekeeper.gating import state_machine as machine
from gatekeeper.gating.hold_reasons import CHECKS, violations
from gatekeeper.gating.measurements import Limits
from gatekeeper.gating.state_machine import GateState, Rules, step
from tests.support.gates import HOLD, ON, measurements
from tests.support.matrices import mostly_slow

NAN, INF = float("nan"), float("inf")
CONFIG = GateConfig(frames_to_resume=1)

# For each reason that is found on a frame: findings at the edge that are good, and findings that are not.
GOOD = {
    Reason.LINK_LOST: [{"link_alive": True}],
    Reason.WRONG_PLANE: [{"frame": {"angle_deg": 1.0, "offset_mm": 1.0}}],
    Reason.GEOMETRY_CHANGED: [{"sequence": {"off_grid": 2}}],
    Reason.SATURATED: [{"frame": {"brightest_percent": 5.0}}],
    Reason.FROZEN: [{"sequence": {"repeats": 0}}],
    Reason.NOT_LIVE: [{"sequence": {"not_live": 0}}],
    Reason.SEQUENCE_GAP: [{"sequence": {"missing": 0}}],
    Reason.PRESCRIBED_DELIVERED: [{"left_s": 0.001}],
    Reason.STALE_FRAME: [{"age_s": -0.02}, {"age_s": 0.5}],
    Reason.LOW_CONFIDENCE: [{"target": {"confidence": c}} for c in (0.55, 1.0)],
    Reason.TARGET_JUMP: [{"target": {"speed_mm_per_s": v}} for v in (0.0, 150.0)],
    Reason.OUTSIDE: [{"target": {"outside_percent": p}} for p in (0.0, 4.0)],
    Reason.CANNOT_PROMISE: [{"target": {"promised": True}}],
    Reason.AVOID_IN_ZONE: [{"target": {"overlaps": o}} for o in (((0.0, 0.0),), ((8.0, 10.0), (0.0, 5.0)))],
    Reason.EXCEPTIONAL_POSITION: [{"target": {"excursion_mm": 5.0}}],
    Reason.BASELINE_DRIFT: [{"target": {"drift_mm": d}} for d in (-3.0, 3.0)],
}
BAD = {
    Reason.PRESCRIBED_DELIVERED: [{"left_s": left_s} for left_s in (0.0, -1.0, -INF, NAN)],
    Reason.LINK_LOST: [{"link_alive": alive} for alive in (False, None, NAN)],
    Reason.SOURCE_CHANGED: [{"source": {"same": False}}],
    Reason.INVALID_FRAME: [{"frame": {"readable": False}}],
    Reason.WRONG_SHAPE: [{"frame": {"shape_right": False}}],
    Reason.WRONG_SPACING: [{"frame": {"spacing_right": False}}],
    Reason.WRONG_PLANE: [
        {"frame": {name: value}} for name in ("angle_deg", "offset_mm") for value in (1.001, NAN, INF)
    ],
    Reason.GEOMETRY_CHANGED: [{"sequence": {"off_grid": n}} for n in (3, 4)],
    Reason.NOT_FINITE: [{"frame": {"finite": False}}],
    Reason.CONSTANT: [{"frame": {"varied": False}}],
    Reason.SATURATED: [{"frame": {"brightest_percent": p}} for p in (5.001, 100.0, NAN)],
    Reason.FROZEN: [{"sequence": {"repeats": n}} for n in (1, 2)],
    Reason.NOT_LIVE: [{"sequence": {"not_live": n}} for n in (1, 2)],
    Reason.SEQUENCE_GAP: [{"sequence": {"missing": n}} for n in (1, 9)],
    Reason.SEQUENCE_NOT_RISING: [{"sequence": {"rising": False}}],
    Reason.CLOCK_BACKWARDS: [{"sequence": {"forward": False}}],
    Reason.CLOCK_DRIFT: [{"source": {"steady": False}}],
    Reason.NO_CLOCK: [{"source": {"has_clock": False}}],
    Reason.LATE_FRAMES: [{"source": {"late_s": late_s}} for late_s in (0.501, NAN, INF)],
    Reason.WRONG_RATE: [{"source": {"rate_right": False}}],
    Reason.STALE_FRAME: [{"age_s": age_s} for age_s in (0.501, -0.021, NAN, INF, -INF)],
    Reason.LOW_CONFIDENCE: [{"target": {"confidence": c}} for c in (0.499, 0.0, 1.01, NAN, INF, -INF)],
    Reason.TARGET_JUMP: [{"target": {"speed_mm_per_s": v}} for v in (150.001, NAN, INF)],
    Reason.OUTSIDE: [{"target": {"outside_percent": p}} for p in (5.001, 100.0, -1.0, NAN, INF, -INF)],
    Reason.CANNOT_PROMISE: [{"target": {"promised": promised}} for promised in (False, None, NAN)],
    Reason.AVOID_IN_ZONE: [
        {"target": {"overlaps": ((0.0, 5.0), overlap)}}
        for overlap in ((5.001, 5.0), (0.001, 0.0), (-1.0, 5.0), (NAN, 5.0), (INF, 5.0), (1.0, NAN))
    ],
    Reason.EXCEPTIONAL_POSITION: [{"target": {"excursion_mm": mm}} for mm in (5.001, NAN, INF)],
    Reason.BASELINE_DRIFT: [{"target": {"drift_mm": mm}} for mm in (3.001, -3.001, NAN, INF, -INF)],
}
FOUND = list(CHECKS)


def merged(*changes):
    """Findings that are good but for these."""
    found = {}
    for change in changes:
        for name, value in change.items():
            found[name] = {**found.get(name, {}), **value} if isinstance(value, dict) else value
    return measurements(**found)


def test_a_bad_finding_is_known_for_every_check():
    assert set(BAD) == set(FOUND)


@pytest.mark.parametrize("limits", [Limits.to_stay_on(CONFIG), Limits.to_resume(CONFIG)])
def test_every_finding_gives_its_own_reason_and_no_other(limits):
    assert violations(measurements(), limits) == ()
    for changes in GOOD.values():
        assert all(violations(merged(change), limits) == () for change in changes)
    for reason, changes in BAD.items():
        assert all(violations(merged(change), limits) == (reason,) for change in changes)


@pytest.mark.slow
def test_every_combination_of_up_to_four_or_all_but_two_violations_is_listed_whole_and_in_order():
    limits, count = Limits.to_stay_on(CONFIG), len(FOUND)
    for bad in chain.from_iterable(combinations(FOUND, size) for size in (*range(5), *range(count - 2, count + 1))):
        assert violations(merged(*(BAD[reason][0] for reason in bad)), limits) == bad


IN_BETWEEN = {
    Reason.LOW_CONFIDENCE: [{"target": {"confidence": c}} for c in (0.5, 0.549)],
    Reason.OUTSIDE: [{"target": {"outside_percent": p}} for p in (4.001, 5.0)],
    Reason.AVOID_IN_ZONE: [{"target": {"overlaps": ((o, 10.0),)}} for o in (8.001, 10.0)],
}


@pytest.mark.parametrize("reason", IN_BETWEEN)
def test_between_both_limits_a_beam_stays_on_and_a_hold_stays_held(reason):
    for change in IN_BETWEEN[reason]:
        assert violations(merged(change), Limits.to_stay_on(CONFIG)) == ()
        assert violations(merged(change), Limits.to_resume(CONFIG)) == (reason,)


@pytest.mark.parametrize("reason", IN_BETWEEN)
def test_a_beam_that_was_held_in_between_comes_on_by_the_stricter_limit_only(reason):
    rules, between = Rules.of(CONFIG), merged(IN_BETWEEN[reason][1])
    on = on_state()
    assert step(on, between, rules).beam is ON
    held = step(on, merged(BAD[reason][0]), rules)
    assert step(held, between, rules).reasons == (reason,)
    assert step(held, measurements(), rules).beam is ON


def test_the_limits_to_resume_are_never_looser_than_those_to_stay_on():
    for outside, hysteresis, confidence, more in product((0.0, 3.0, 100.0), (0.0, 50.0), (0.01, 1.0), (0.0, 1.0)):
        config = GateConfig(
            outside_percent=outside,
            outside_hysteresis_percent=hysteresis,
            min_confidence=confidence,
            confidence_hysteresis=more,
        )
        on, resume = Limits.to_stay_on(config), Limits.to_resume(config)
        assert 0.0 <= resume.outside_percent <= on.outside_percent
        assert on.min_confidence <= resume.min_confidence <= 1.0
        assert resume.overlap_share <= on.overlap_share


REFUSALS = [(), (Reason.MINIMUM_OFF,), (Reason.TOO_MANY_CYCLES,), (Reason.MINIMUM_OFF, Reason.TOO_MANY_CYCLES)]
SEEN = [
    (),
    *[(reason,) for reason in FOUND],
    (Reason.NOT_FINITE, Reason.OUTSIDE),
    (Reason.GEOMETRY_CHANGED, Reason.CLOCK_BACKWARDS, Reason.LOW_CONFIDENCE),
    tuple(FOUND),
]
FRAMES = [
    (merged(*(BAD[reason][0] for reason in seen), {"refusals": refusals}), seen, refusals)
    for seen, refusals in product(SEEN, REFUSALS)
]
WISHES = {
    "arm": machine.arm,
    "disarm": machine.disarm,
    "hold": machine.hold,
    "release": machine.release,
    "reset": machine.reset,
    "interrupt": machine.interrupt,
    "engine fault": lambda state: machine.latch(state, Reason.ENGINE_FAULT),
    "recording lost": lambda state: machine.latch(state, Reason.RECORDING_LOST),
    "silence": lambda state: machine.silence(state, True),
    "silence, link lost": lambda state: machine.silence(state, False),
}


def reachable(rules, frames):
    """Every state that can follow from the one a gate is made in."""
    found = {GateState()}
    new = set(found)
    while new:
        after = {step(state, frame, rules) for state in new for frame, _, _ in frames}
        after |= {wish(state) for state in new for wish in WISHES.values()}
        new = after - found
        found |= new
    return found


ONE = {Reason.SOURCE_CHANGED}
WORLDS = {
    "one fault": (2, [frame for frame in FRAMES if ONE.issuperset({*frame[1]} & {*FAULTS})]),
    "all faults": (1, FRAMES),
}
"""Frames to resume, and frames that come; each fault that is among them doubles the number of states."""


@pytest.fixture(scope="module", params=mostly_slow(WORLDS))
def world(request):
    frames_to_resume, frames = WORLDS[request.param]
    rules = Rules.of(CONFIG.model_copy(update={"frames_to_resume": frames_to_resume}))
    return rules, reachable(rules, frames)


def in_order(*reasons):
    return tuple(reason for reason in Reason if reason in reasons)


def test_every_state_and_every_finding(world):
    rules, states = world
    assert sum(state.beam is ON for state in states) == 1
    for state, (frame, seen, refusals) in product(states, FRAMES):
        after = step(state, frame, rules)
        latched = set(FAULTS) if state.armed else set(FAULTS) - FAULTS_WHEN_ARMED
        faults = in_order(*state.faults, *(reason for reason in seen if reason in latched))
        standing = (() if state.armed else (Reason.NOT_ARMED,)) + (
            (Reason.OPERATOR_HOLD,) if state.operator_hold else ()
        )
        held = in_order(*seen, *faults, *standing)
        assert (after.armed, after.operator_hold, after.faults) == (state.armed, state.operator_hold, faults)
        if held:
            assert (after.beam, after.reasons, after.good_frames) == (HOLD, held, 0)
            continue
        assert after.good_frames == min(state.good_frames + 1, rules.frames_to_resume)
        waiting = () if after.good_frames == rules.frames_to_resume else (Reason.RESUMING,)
        if state.beam is HOLD:
            waiting += refusals
        assert (after.beam, after.reasons) == ((HOLD, waiting) if waiting else (ON, ()))


def test_no_reachable_state_is_on_without_its_proof(world):
    rules, states = world
    for state in states:
        assert (state.beam is ON) == (state.reasons == ())
        if state.beam is ON:
            assert (state.armed, state.operator_hold, state.faults) == (True, False, ())
            assert state.good_frames == rules.frames_to_resume
        assert set(state.faults) <= set(state.reasons) & set(FAULTS)
        assert (Reason.NOT_ARMED in state.reasons) == (not state.armed)
        assert (Reason.OPERATOR_HOLD in state.reasons) == state.operator_hold


@pytest.mark.parametrize("wish", WISHES)
def test_no_wish_switches_the_beam_on(world, wish):
    _, states = world
    for state in states:
        after = WISHES[wish](state)
        assert after.beam is HOLD or after == state


def test_a_fault_goes_by_a_reset_and_by_nothing_else(world):
    rules, states = world
    for state in states:
        for name, wish in WISHES.items():
            assert set(wish(state).faults) >= set(state.faults) or name == "reset"
        assert machine.reset(state).faults == ()
        assert all(set(step(state, frame, rules).faults) >= set(state.faults) for frame, _, _ in FRAMES)


def test_not_armed():
    state = step(GateState(), measurements(), Rules.of(CONFIG))
    assert (state.beam, state.reasons) == (HOLD, (Reason.NOT_ARMED,))
    armed = machine.arm(state)
    assert (armed.beam, armed.reasons) == (HOLD, (Reason.RESUMING,))
    on = step(armed, measurements(), Rules.of(CONFIG))
    assert on.beam is ON
    assert machine.arm(on) is on
    assert machine.disarm(on).reasons == (Reason.NOT_ARMED,)


def on_state():
    return step(machine.arm(GateState()), measurements(), Rules.of(CONFIG))


def test_operator_hold():
    held = machine.hold(on_state())
    assert step(held, measurements(), Rules.of(CONFIG)).reasons == (Reason.OPERATOR_HOLD,)
    released = machine.release(held)
    assert released.reasons == (Reason.RESUMING,)
    assert step(released, measurements(), Rules.of(CONFIG)).beam is ON
    assert machine.release(on_state()) == on_state()


def test_resuming():
    rules = Rules.of(CONFIG.model_copy(update={"frames_to_resume": 3}))
    state, reasons = machine.arm(GateState()), []
    for _ in range(4):
        state = step(state, measurements(), rules)
        reasons.append(state.reasons)
    assert reasons == [(Reason.RESUMING,), (Reason.RESUMING,), (), ()]


def stays_until_reset(fault):
    state = machine.latch(on_state(), fault)
    for _ in range(5):
        state = step(state, measurements(), Rules.of(CONFIG))
        assert (state.beam, state.reasons) == (HOLD, (fault,))
    assert machine.arm(machine.disarm(machine.release(machine.hold(state)))).faults == (fault,)
    assert step(machine.reset(state), measurements(), Rules.of(CONFIG)).beam is ON


def test_engine_fault():
    stays_until_reset(Reason.ENGINE_FAULT)


def test_recording_lost():
    stays_until_reset(Reason.RECORDING_LOST)


def test_watchdog_lost():
    stays_until_reset(Reason.WATCHDOG_LOST)


def test_a_reset_fault_whose_cause_is_there_is_back_at_once():
    backwards = merged({"sequence": {"forward": False}})
    state = step(on_state(), backwards, Rules.of(CONFIG))
    assert machine.reset(state).faults == ()
    assert step(machine.reset(state), backwards, Rules.of(CONFIG)).faults == (Reason.CLOCK_BACKWARDS,)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in FAULTS])
def test_what_clears_itself_cannot_be_latched(reason):
    with pytest.raises(ValueError, match="clears itself"):
        machine.latch(on_state(), reason)


def test_a_state_as_made_holds():
    assert GateState() == GateState(False, False, 0, BeamState.HOLD, (Reason.NOT_ARMED,), ())


@pytest.mark.parametrize(
    "flaw",
    [{"armed": False}, {"operator_hold": True}, {"faults": (Reason.ENGINE_FAULT,)}],
    ids=lambda flaw: next(iter(flaw)),
)
def test_a_forged_state_that_is_on_without_its_right_holds_on_the_next_frame(flaw):
    forged = GateState(**{"armed": True, "good_frames": 9, "beam": ON, "reasons": (), **flaw})
    assert step(forged, measurements(), Rules.of(CONFIG)).beam is HOLD
