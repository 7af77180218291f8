"""An operator's commands: what each does, what is refused, and that a course with commands can be had again."""

import math
from dataclasses import asdict

import numpy as np
import pytest

from gatekeeper.config import BreathHoldConfig, GateConfig, LinacProfile
from gatekeeper.core.command import Action, Command
from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import InputError
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.motion import LearnedRange
from gatekeeper.gating.zones import KeepOutZone, TargetZone
from gatekeeper.session.engine import Engine
from tests.support.gates import ENVELOPE, HOLD, ON, frame, gate, gate_on, resting, track


def ask(action, time_s=0.1, shift_mm=(0.0, 0.0)):
    return Command(action, "physicist", time_s, shift_mm)


@pytest.mark.parametrize(("action", "reason"), [(Action.DISARM, Reason.NOT_ARMED), (Action.HOLD, Reason.OPERATOR_HOLD)])
def test_a_hold_is_there_for_the_linac_before_the_next_frame(action, reason):
    judge = gate_on()
    event = judge.apply(ask(action, 0.13))
    assert (event.decision.state, event.decision.reasons) == (HOLD, (reason,))
    assert (event.decision.time_s, event.decision.sequence) == (0.13, -1)
    assert judge.decide(track(), frame(1)).reasons == (reason,)


@pytest.mark.parametrize("action", [Action.ARM, Action.RELEASE, Action.RESET])
def test_what_changes_nothing_leaves_the_beam_on(action):
    judge = gate_on()
    assert judge.apply(ask(action)).decision is None
    assert judge.decide(track(), frame(1)).state is ON


def test_no_command_switches_the_beam_on():
    judge = gate(armed=False)
    judge.decide(track(), frame(0))
    assert judge.apply(ask(Action.ARM)).decision.reasons == (Reason.RESUMING,)
    judge.apply(ask(Action.HOLD))
    assert judge.apply(ask(Action.RELEASE)).decision.reasons == (Reason.RESUMING,)
    assert judge.decide(track(), frame(1)).state is ON


def test_a_reset_says_which_faults_it_forgets():
    judge = gate_on()
    judge.latch(Reason.RECORDING_LOST)
    assert judge.decide(track(), frame(1)).reasons == (Reason.RECORDING_LOST,)
    event = judge.apply(ask(Action.RESET))
    assert event.note == "reset by physicist: recording_lost"
    assert judge.decide(track(), frame(2)).state is ON


def test_a_rebase_moves_the_envelope_and_good_frames_are_counted_anew():
    judge = resting(gate(frames_to_resume=2), 7.0)
    assert judge.decide(track(7.0), frame(40)).reasons == (Reason.OUTSIDE,)
    event = judge.apply(ask(Action.REBASE, shift_mm=(2.5, 0.0)))
    assert event.accepted
    assert "moved by 2.5 mm inferior, " in event.note
    np.testing.assert_allclose(judge.envelope.contour_px, np.add(ENVELOPE.contour_px, (2.5, 0.0)))
    assert judge.decide(track(7.0), frame(41)).reasons == (Reason.RESUMING,)
    judge.apply(ask(Action.HOLD))
    assert judge.apply(ask(Action.REBASE, shift_mm=(0.1, 0.0))).accepted
    judge.apply(ask(Action.RELEASE))
    assert judge.decide(track(7.0), frame(42)).reasons == (Reason.RESUMING,)
    assert judge.decide(track(7.0), frame(43)).state is ON


def test_a_rebase_is_bounded_in_one_go_and_in_all():
    judge = resting(gate(rebase_step_mm=3.0, rebase_total_mm=5.0), 0.0, 9.0)
    assert judge.apply(ask(Action.REBASE, shift_mm=(0.0, 3.0))).accepted
    for shift_mm, limit in (((0.0, 3.01), "rebase_step_mm = 3"), ((0.0, 2.5), "rebase_total_mm = 5")):
        event = judge.apply(ask(Action.REBASE, shift_mm=shift_mm))
        assert not event.accepted
        assert limit in event.note
    assert "treatment couch" in event.note
    np.testing.assert_allclose(judge.envelope.contour_px, np.add(ENVELOPE.contour_px, (0.0, 3.0)))
    assert judge.apply(ask(Action.REBASE, shift_mm=(0.0, 2.0))).accepted


def test_many_small_steps_do_not_get_past_the_bound():
    judge = resting(gate(rebase_total_mm=5.0), 9.0)
    accepted = [judge.apply(ask(Action.REBASE, shift_mm=(0.7, 0.0))).accepted for _ in range(20)]
    assert sum(accepted) == 7


def test_a_target_at_rest_where_it_was_planned_keeps_the_envelope_there():
    judge = resting(gate(armed=False), 0.0)
    for shift_mm in ((3.0, 0.0), (2.0, 0.0), (0.0, -1.2), (-1.5, 0.0)):
        event = judge.apply(ask(Action.REBASE, shift_mm=shift_mm))
        assert not event.accepted
        assert "not where the target rests" in event.note
    accepted = [judge.apply(ask(Action.REBASE, shift_mm=(0.4, 0.0))).accepted for _ in range(20)]
    assert sum(accepted) == 2, "small steps end within 1 mm of it"
    assert judge.envelope.contour_px[:, 0].mean() - ENVELOPE.contour_px[:, 0].mean() <= 1.0


@pytest.mark.parametrize(
    ("shift_mm", "accepted"), [((2.0, 0.5), True), ((-2.0, 0.0), False), ((2.0, 1.5), False), ((0.0, 2.0), False)]
)
def test_a_rebase_leads_to_where_the_target_rests(shift_mm, accepted):
    judge = resting(gate(armed=False), 4.0)
    assert judge.apply(ask(Action.REBASE, shift_mm=shift_mm)).accepted is accepted


def test_a_rebase_may_not_pass_the_rest_by_more_than_a_millimetre():
    for beyond_mm, accepted in ((0.9, True), (1.1, False)):
        judge = resting(gate(armed=False), 1.5)
        assert judge.apply(ask(Action.REBASE, shift_mm=(1.5 + beyond_mm, 0.0))).accepted is accepted


def test_a_rebase_may_lead_to_the_newest_hold_though_the_target_rests_elsewhere():
    """Breaths that rest at 0 after a hold 4 mm inferior and 1 mm posterior."""
    judge = Gate(ENVELOPE, GateConfig(rebase_step_mm=2.0), armed=False, breath_hold=BreathHoldConfig(seconds=10.0))
    way = [4.0] * 40 + [10.0 * math.sin(math.pi * k / 16.0) ** 4 for k in range(96)]
    for k, si_mm in enumerate(way):
        judge.decide(track(si_mm, 1.0 if k < 40 else 0.0), frame(k))
    assert judge.rest_mm == pytest.approx((19.0, 17.0), abs=0.5)
    assert judge.hold_mm == pytest.approx((23.0, 18.0), abs=0.01)
    shift_mm = judge.shift_towards(judge.hold_mm)
    assert shift_mm == pytest.approx((2.0 * 4.0 / math.sqrt(17.0), 2.0 / math.sqrt(17.0)), abs=0.01), "one step of it"
    assert not judge.apply(ask(Action.REBASE, shift_mm=(-shift_mm[0], 0.0))).accepted
    assert judge.apply(ask(Action.REBASE, shift_mm=shift_mm)).accepted
    assert judge.apply(ask(Action.REBASE, shift_mm=judge.shift_towards(judge.hold_mm))).accepted
    assert "it is there already" in judge.shift_towards(judge.hold_mm)
    moved_mm = np.add(judge._envelope_shift.moved_mm, judge.shift_towards((40.0, 18.0)))
    assert math.hypot(*moved_mm) == pytest.approx(5.0), "the whole way is bounded"
    judge._envelope_shift.moved_mm = (4.95, 0.0)
    assert "rebase_total_mm = 5 leave no way there" in judge.shift_towards((40.0, 17.0))


def test_a_rebase_is_refused_while_the_beam_is_on():
    judge = resting(gate(), 2.0)
    assert judge.state.beam is ON
    event = judge.apply(ask(Action.REBASE, shift_mm=(2.0, 0.0)))
    assert (event.accepted, event.decision) == (False, None)
    assert "the beam is on; hold it first" in event.note
    assert judge.envelope is ENVELOPE
    judge.apply(ask(Action.HOLD))
    assert judge.apply(ask(Action.REBASE, shift_mm=(2.0, 0.0))).accepted


@pytest.mark.parametrize("confidence", [0.9, 0.2])
def test_a_rebase_is_refused_before_a_rest_was_measured(confidence):
    judge = gate(armed=False)
    frames = 10 if confidence > 0.5 else 80
    for k in range(frames):
        judge.decide(track(3.0, confidence=confidence), frame(k))
    assert "has not been measured" in judge.apply(ask(Action.REBASE, shift_mm=(2.0, 0.0))).note


@pytest.mark.parametrize("shift_mm", [(math.nan, 0.0), (0.0, math.inf), (-math.inf, math.nan)])
def test_a_rebase_by_what_is_no_distance_is_refused(shift_mm):
    judge = gate_on()
    event = judge.apply(ask(Action.REBASE, shift_mm=shift_mm))
    assert (event.accepted, event.decision) == (False, None)
    assert judge.envelope is ENVELOPE


def test_a_rebase_takes_forbidden_zones_and_the_learned_range_with_it():
    judge = gate(
        (TargetZone(ENVELOPE), KeepOutZone((ENVELOPE,))),
        learned=LearnedRange((10.0, 20.0), (15.0, 18.0), 11.0),
        armed=False,
    )
    for k in range(40):
        judge.decide((track(2.0, -1.0), track(2.0, -1.0)), frame(k))
    assert judge.apply(ask(Action.REBASE, shift_mm=(2.0, -1.0))).accepted
    np.testing.assert_allclose(judge.zones[1].zones[0].contour_px, np.add(ENVELOPE.contour_px, (2.0, -1.0)))
    assert (judge.motion.row_mm, judge.motion.col_mm, judge.motion.reference_mm) == ((12.0, 22.0), (14.0, 17.0), 13.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"operator": "  "}, "give the operator's name"),
        ({"time_s": math.nan}, "give the session time"),
        ({"shift_mm": (1.0, 0.0)}, "only a rebase"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        Command(**{"action": Action.HOLD, "operator": "physicist", "time_s": 0.0, **values})


def test_an_event_is_made_of_plain_values():
    event = gate_on().apply(ask(Action.HOLD, 0.2))
    assert asdict(event)["command"] == {
        "action": "hold",
        "operator": "physicist",
        "time_s": 0.2,
        "shift_mm": (0.0, 0.0),
        "sequence": -1,
    }


def test_a_reference_is_taken_only_while_held_and_holds_until_it_is_released():
    judge = gate_on()
    envelope = judge.envelope
    event = judge.apply(Command(Action.REFERENCE, "physicist", 0.1, sequence=4))
    assert (event.accepted, event.decision) == (False, None)
    assert "the beam is on; hold it first" in event.note
    judge.apply(ask(Action.HOLD))
    judge.apply(ask(Action.RELEASE))
    event = judge.apply(Command(Action.REFERENCE, "physicist", 0.1, sequence=4))
    assert event.accepted
    assert event.note == "reference by physicist: frame 4, held until released"
    assert judge.decide(track(), frame(1)).reasons == (Reason.OPERATOR_HOLD,)
    judge.apply(ask(Action.RELEASE))
    assert judge.decide(track(), frame(2)).state is ON
    assert judge.envelope is envelope


def test_a_reference_without_a_frame_is_refused():
    event = gate(armed=False).apply(ask(Action.REFERENCE))
    assert not event.accepted
    assert "no frame is named" in event.note
    with pytest.raises(InputError, match="only a reference names one"):
        Command(Action.HOLD, "physicist", 0.1, sequence=4)


class Breathing:
    def __init__(self):
        self.k = 0

    def track(self, image):
        self.k += 1
        return track(9.0 * math.sin(0.7 * self.k) ** 4)


def course(commands):
    """Decisions of a session in which commands are given before some frames."""
    gate_under_test = Gate(ENVELOPE, GateConfig(), armed=False)
    engine = Engine(Breathing(), gate_under_test, lambda: 0, LinacProfile(minimum_off_s=0.5))
    made = []
    for k in range(60):
        for command in commands.get(k, ()):
            made.append(engine.command(command))
        made.append(engine.step(frame(k), 0.25 * k + 0.05).decision)
    return made


def test_the_same_commands_between_the_same_frames_decide_the_same():
    commands = {
        2: [ask(Action.ARM, 0.4)],
        9: [ask(Action.HOLD, 2.2)],
        12: [ask(Action.RELEASE, 2.9), ask(Action.REBASE, 2.95, (1.0, 0.5))],
        30: [ask(Action.DISARM, 7.4)],
        33: [ask(Action.ARM, 8.2)],
    }
    first = course(commands)
    assert repr(first) == repr(course(commands))
    assert repr(first) != repr(course({2: commands[2]}))
    assert {decision.state for decision in first if hasattr(decision, "state")} == {ON, HOLD}


def test_a_command_that_holds_counts_as_off_time_for_the_linac():
    engine = Engine(Breathing(), gate(), lambda: 0, LinacProfile(minimum_off_s=1.0))
    engine._tracker.track = lambda image: track()
    assert engine.step(frame(0), 0.05).decision.state is ON
    engine.command(ask(Action.HOLD, 0.1))
    engine.command(ask(Action.RELEASE, 0.2))
    reasons = [engine.step(frame(k), 0.25 * k + 0.05).decision.reasons for k in range(1, 6)]
    # Off since 0.1 s: 1.05 s is too early, 1.3 s is not.
    assert reasons == 4 * [(Reason.MINIMUM_OFF,)] + [()]
