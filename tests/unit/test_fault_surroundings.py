"""Clocks that jump, linacs that die or hang, consumers that are slow: how long the beam can be on for an old frame."""

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.decision import BeamState
from gatekeeper.linac.dry_run import DryRunLinac
from replay.faults.clock import JumpingClock
from replay.faults.linac import DyingLinac, HangingLinac
from replay.faults.slow import SlowRecorder, SlowTracker
from replay.faults.spec import When
from tests.support.faulty_sessions import HOLD, MAX_AGE_S, ON, session
from tests.support.matrices import mostly_slow
from tests.support.steps import decision

JUMP_S = 3.05


@pytest.mark.parametrize("by_s", mostly_slow([-1.0, 0.6, -100.0, 50.0], 2))
def test_clock_that_jumps_away_from_the_scanners_holds_the_beam(by_s):
    found = session(loop_clock=lambda clock, _: JumpingClock(clock, JUMP_S, by_s))
    assert found.error is None
    assert any(state is ON for begin_s, state, _ in found.told if begin_s < JUMP_S)
    assert all(state is HOLD for begin_s, state, _ in found.told if begin_s >= JUMP_S + 1.0 / 8.0)
    assert found.oldest_s() <= MAX_AGE_S


def test_clock_that_runs_backwards_is_told():
    found = session(loop_clock=lambda clock, _: JumpingClock(clock, JUMP_S, -0.2))
    assert any("clock_backwards" in one.reasons for one in found.decisions)


def test_jumping_clock_sleeps_until_it_shows_the_time():
    true = VirtualClock()
    clock = JumpingClock(true, 2.0, 5.0)
    clock.sleep_until(1.0)
    assert (clock.now_s(), true.now_s(), clock.jumped) == (1.0, 1.0, False)
    clock.sleep_until(3.0)
    assert (clock.now_s(), true.now_s(), clock.jumped) == (7.0, 2.0, True)
    clock.sleep_until(8.0)
    assert (clock.now_s(), true.now_s()) == (8.0, 3.0)


def test_jump_back_is_slept_through_twice():
    true = VirtualClock()
    clock = JumpingClock(true, 2.0, -1.0)
    clock.sleep_until(3.0)
    assert (clock.now_s(), true.now_s()) == (3.0, 4.0)


def test_linac_that_dies_ends_the_session_and_says_so():
    found = session(linac=lambda linac, _: DyingLinac(linac, When(20, None)))
    assert isinstance(found.error, ConnectionResetError)
    assert len(found.decisions) == 20


def test_linac_that_dies_without_a_word_keeps_the_last_state_and_loses_all_others():
    under, dead = DryRunLinac(), []
    found = session(linac=lambda *_: dead.append(DyingLinac(under, When(20, None), silent=True)) or dead[0])
    assert found.error is None
    assert under.beam_on, "that is why permission is lent, and dies by itself at the receiver"
    assert dead[0].lost == [*range(20, 64), -1]


def test_link_that_comes_back_passes_decisions_on_again():
    under = DryRunLinac()
    link = DyingLinac(under, When(1, 2), silent=True)
    for sequence in [0, 1, -1, 2, 3, -1]:
        link.send(decision(sequence=sequence))
    assert [command.sequence for command in under.commands] == [0, 3, -1]
    assert link.lost == [1, -1, 2]
    link.close()
    assert not under.beam_on


def test_frames_that_became_too_old_while_the_linac_hung_are_held():
    slow = []
    found = session(linac=lambda linac, clock: slow.append(HangingLinac(linac, When(20, 1), clock, 1.0)) or slow[0])
    assert slow[0].late == [20]
    after = [one for one in found.decisions if one.sequence in range(21, 24)]
    assert [one.state for one in after] == [HOLD] * 3
    assert all("stale_frame" in one.reasons for one in after)
    assert found.decisions[-1].state is ON
    assert found.oldest_s() <= MAX_AGE_S + 1.0


def test_tracker_that_takes_too_long_never_lets_the_beam_on():
    found = session(tracker=lambda tracker, clock: SlowTracker(tracker, When(20, None), clock, 0.6))
    assert found.error is None
    assert all(sequence < 20 for _, _, sequence in found.beam())
    assert [one.state for one in found.decisions if one.sequence == -1]


def test_beam_stands_on_the_last_frame_for_as_long_as_a_tracker_hangs():
    """The loop cannot speak while it is judging: this is what the lease and the watchdog are for."""
    found = session(tracker=lambda tracker, clock: SlowTracker(tracker, When(20, 1), clock, 2.0))
    assert found.oldest_s() == pytest.approx(2.0 + 1.0 / 8.0)


def test_slow_recorder_keeps_the_loop_and_no_old_frame_is_let_through_afterwards():
    found = session(recorder=lambda recorder, clock: SlowRecorder(recorder, When(20, 1), clock, 1.0))
    assert found.error is None
    assert [one.state for one in found.decisions if one.sequence in range(21, 25)] == [HOLD] * 4
    assert found.decisions[-1].state is BeamState.ON
    assert found.oldest_s() <= 1.0 + 1e-9
