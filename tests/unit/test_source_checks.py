"""Whom frames come from, and whether the sender's clock can be believed, is checked from the frames alone."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.core.command import Action, Command
from gatekeeper.core.decision import Reason
from gatekeeper.gating.arrivals import RATE_WINDOWS, WINDOW_S, Arrivals, Offsets, is_drifting
from tests.support.gates import HOLD, ON, PERIOD_S, frame, gate, track

LEARNED_S = WINDOW_S * (RATE_WINDOWS + 3)


def live(number, connection=1, *, fast=0.0, growing=0.0, late_s=0.0, **changed):
    """Return a frame of a sender whose clock and delay are said, believed as the smallest offset seen has it."""
    true_s = PERIOD_S * number
    received_s = true_s + 0.05 + growing * true_s + late_s
    stamp_s = 500.0 + true_s * (1.0 + fast)
    acquired_s = min(received_s, stamp_s - 500.0 + 0.05) if fast <= growing else received_s
    one = replace(frame(number), acquired_s=acquired_s, received_s=received_s, connection=connection, stamp_s=stamp_s)
    return replace(one, **changed)


def decisions(judge, frames):
    return [judge.decide(track(), one) for one in frames]


def command(judge, action):
    judge.apply(Command(action, "kim", 0.0))


def test_source_changed():
    """A new connection is a fault until a person resets it, whatever its frames show."""
    judge = gate()
    assert [one.state for one in decisions(judge, map(live, range(4)))] == [ON] * 4
    back = decisions(judge, [live(4, connection=2), live(5, connection=2), live(6, connection=2)])
    assert [one.reasons for one in back] == [(Reason.SOURCE_CHANGED,)] * 3
    command(judge, Action.RESET)
    assert judge.decide(track(), live(7, connection=2)).state is ON
    assert judge.decide(track(), live(8, connection=1)).reasons == (Reason.SOURCE_CHANGED,)


def test_a_new_connection_is_shown_and_forgotten_while_the_gate_is_not_armed():
    judge = gate(armed=False)
    decisions(judge, map(live, range(3)))
    assert judge.decide(track(), live(3, connection=2)).reasons == (Reason.NOT_ARMED, Reason.SOURCE_CHANGED)
    assert judge.decide(track(), live(4, connection=2)).reasons == (Reason.NOT_ARMED,)
    command(judge, Action.ARM)
    assert judge.decide(track(), live(5, connection=2)).state is ON


def test_a_recording_that_follows_a_sender_is_another_source():
    judge = gate()
    decisions(judge, map(live, range(3)))
    assert judge.decide(track(), frame(3)).reasons == (Reason.SOURCE_CHANGED,)


def test_a_fault_that_was_latched_stays_when_the_gate_is_disarmed():
    judge = gate()
    decisions(judge, [live(0), live(1, connection=2)])
    command(judge, Action.DISARM)
    command(judge, Action.ARM)
    assert judge.decide(track(), live(2, connection=2)).reasons == (Reason.SOURCE_CHANGED,)


def held_after_s(fast, growing, seconds=600.0, **options):
    """Return after what time the beam is held for good, why, and how old its frame was by then in truth."""
    judge = gate(**options)
    for number in range(round(seconds / PERIOD_S)):
        one = live(number, fast=fast, growing=growing)
        decision = judge.decide(track(), one)
        if decision.state is HOLD:
            return PERIOD_S * number, decision.reasons, one.received_s - PERIOD_S * number
    return math.inf, (), math.nan


def test_clock_drift():
    """A clock 4 % fast hides a delay that grows by 3 %: the frames are believed to be as new as the first one."""
    held_s, reasons, age_s = held_after_s(fast=0.04, growing=0.03)
    assert reasons == (Reason.CLOCK_DRIFT,)
    assert held_s < 10.0
    assert age_s < 0.35


@pytest.mark.parametrize("fast", [0.0013, 0.002, 0.02, 1.5])
def test_a_fast_clock_is_found_before_it_hides_much(fast):
    held_s, reasons, _ = held_after_s(fast=fast, growing=0.0)
    assert Reason.CLOCK_DRIFT in reasons
    assert held_s * fast < 0.3 + (2.0 * WINDOW_S + PERIOD_S) * fast


@pytest.mark.parametrize("fast", [-0.002, -0.0015])
def test_a_slow_clock_is_a_drift_before_its_frames_look_too_old(fast):
    assert held_after_s(fast=fast, growing=0.0, max_age_s=9.0)[1] == (Reason.CLOCK_DRIFT,)


@pytest.mark.parametrize("fast", [0.0, 5e-5, -5e-5, 2e-4])
def test_a_clock_as_good_as_a_quartz_is_believed_for_a_fraction(fast):
    assert held_after_s(fast=fast, growing=0.0, seconds=1500.0) == (math.inf, (), pytest.approx(math.nan, nan_ok=True))


def test_a_drift_before_arming_is_a_fault_with_the_first_armed_frame():
    judge = gate(armed=False)
    count = round(20.0 / PERIOD_S)
    before = decisions(judge, [live(number, fast=0.04, growing=0.03) for number in range(count)])
    assert Reason.CLOCK_DRIFT in before[-1].reasons
    assert judge.state.faults == ()
    command(judge, Action.ARM)
    assert judge.decide(track(), live(count, fast=0.04, growing=0.03)).reasons == (Reason.CLOCK_DRIFT,)


def test_after_a_reset_the_clock_is_observed_anew():
    judge = gate()
    assert decisions(judge, [live(number, fast=0.04) for number in range(80)])[-1].state is HOLD
    command(judge, Action.RESET)
    assert judge.decide(track(), live(80, fast=0.04)).state is ON
    later = decisions(judge, [live(number, fast=0.04) for number in range(81, 160)])
    assert later[-1].reasons == (Reason.CLOCK_DRIFT,)


def test_no_clock():
    """A stamp that never moves is no clock, and a frame without one has no time."""
    judge = gate()
    assert judge.decide(track(), live(0)).state is ON
    still = live(1, stamp_s=live(0).stamp_s)
    assert judge.decide(track(), still).reasons == (Reason.NO_CLOCK,)
    assert judge.decide(track(), live(2)).state is ON
    none = live(3, acquired_s=math.nan, stamp_s=math.nan)
    assert judge.decide(track(), none).reasons == (Reason.NO_CLOCK, Reason.STALE_FRAME)


def test_a_source_that_is_said_to_have_no_clock_is_judged_by_arrival():
    judge = gate()
    none = [live(number, acquired_s=live(number).received_s, stamp_s=math.nan) for number in range(8)]
    assert [one.state for one in decisions(judge, none)] == [ON] * 8


def clockless(number, **how):
    one = live(number, **how)
    return replace(one, acquired_s=one.received_s, stamp_s=math.nan)


def test_late_frames():
    """A delay that grows shows against the rate of the frames, whatever the sender's clock says."""
    judge = gate()
    begin = round(LEARNED_S / PERIOD_S)
    assert decisions(judge, [clockless(number) for number in range(begin)])[-1].state is ON
    for number in range(begin, begin + 4000):
        late_s = 0.03 * PERIOD_S * (number - begin)
        decision = judge.decide(track(), clockless(number, late_s=late_s))
        if decision.state is HOLD:
            break
    assert decision.reasons == (Reason.LATE_FRAMES,)
    assert 0.5 < late_s < 0.55
    command(judge, Action.RESET)
    assert judge.decide(track(), clockless(number + 1, late_s=late_s)).state is ON


@pytest.mark.parametrize(
    ("frames_per_s", "right"), [(4.0, True), (4.06, True), (2.0, True), (4.12, False), (3.88, False)]
)
def test_wrong_rate(frames_per_s, right):
    """Once their rate is known, frames come at the one that is set, or at a multiple: other planes in turn."""
    judge = gate(frames_per_s=frames_per_s)
    seen = decisions(judge, map(live, range(round(LEARNED_S / PERIOD_S))))
    assert seen[8].state is ON
    assert seen[-1].reasons == (() if right else (Reason.WRONG_RATE,))


def test_a_clock_and_a_delay_that_agree_from_the_first_frame_on_are_found_by_the_rate():
    """Both 3 % off, so that no drift shows and no frame is late."""
    judge = gate(frames_per_s=1.0 / PERIOD_S)
    seen = decisions(judge, [live(number, fast=0.03, growing=0.03) for number in range(round(LEARNED_S / PERIOD_S))])
    assert seen[-1].reasons == (Reason.WRONG_RATE,)


def test_frames_that_are_in_time_again_are_no_longer_late():
    judge = gate()
    begin = round(LEARNED_S / PERIOD_S)
    decisions(judge, [clockless(number) for number in range(begin)])
    assert judge.decide(track(), clockless(begin, late_s=0.6)).reasons == (Reason.LATE_FRAMES,)
    assert judge.decide(track(), clockless(begin + 4)).reasons == (Reason.SEQUENCE_GAP,)
    assert judge.decide(track(), clockless(begin + 5)).state is ON


@pytest.mark.parametrize("rate", [0.93, 1.0, 1.07])
def test_no_frame_is_late_at_a_steady_rate_with_an_uneven_delay(rate):
    """Frames of 20 minutes; their delay is up to 60 ms, and some are lost by their numbers."""
    random = np.random.default_rng(3)
    arrivals, worst_s = Arrivals(), 0.0
    for number in range(4800):
        if random.random() < 0.02:
            continue
        late_s, arrivals = arrivals.added(number, rate * PERIOD_S * number + random.gamma(2.0, 0.008))
        worst_s = max(worst_s, late_s)
    assert not math.isnan(arrivals.slope)
    assert worst_s < 0.2


def test_frames_that_come_at_no_steady_rate_have_none():
    random = np.random.default_rng(4)
    arrivals, at_s = Arrivals(), 0.0
    for number in range(500):
        at_s += random.choice([0.2, 3.0])
        late_s, arrivals = arrivals.added(number, at_s)
        assert late_s == 0.0
    assert math.isnan(arrivals.slope)


def test_a_delay_that_becomes_longer_at_once_is_no_drift():
    offsets = Offsets()
    for number in range(400):
        at_s = PERIOD_S * number
        offsets = offsets.added(at_s + (0.3 if number > 200 else 0.0), at_s)
        assert not is_drifting(offsets.past, None)


def test_times_that_are_not_finite_are_left_out():
    offsets = Offsets().added(1.0, 1.0)
    assert offsets.added(1.2, math.nan) is offsets
    assert offsets.added(1.2, math.inf) is offsets
