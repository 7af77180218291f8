"""The loop tells the linac about every frame, and holds the beam on every way in and out."""

import gc
import math

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import EngineError, OutputError, RecordingError, TargetError
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.runtime.timing import LoopStats
from gatekeeper.session.loop import run_loop
from tests.support.loops import MAX_AGE_S, AlwaysOn, Recorder, Source, regular
from tests.support.steps import HOLD, ON, frame


def run(frames, engine=None, recorder_failure=None):
    clock, linac = VirtualClock(), DryRunLinac()
    recorder = Recorder(linac, recorder_failure)
    error = None
    try:
        run_loop(Source(clock, frames), engine or AlwaysOn(), linac, recorder, clock, MAX_AGE_S)
    except BaseException as raised:
        error = raised
    return linac, recorder, error


def states(linac):
    return [command.state for command in linac.commands]


def test_every_frame_is_judged_in_order_between_two_holds():
    linac, recorder, error = run(regular(3))
    assert error is None
    assert [command.sequence for command in linac.commands] == [-1, 0, 1, 2, -1]
    assert states(linac) == [HOLD, ON, ON, ON, HOLD]
    assert [step.frame.sequence for step in recorder.steps] == [0, 1, 2]
    assert all(total_ms > 0.0 for total_ms in recorder.totals_ms)


def test_source_without_frames_never_lets_the_beam_on():
    linac, recorder, error = run([])
    assert (states(linac), recorder.steps, error) == ([HOLD, HOLD], [], None)


def test_source_that_ends_while_it_is_waited_for_is_not_silent():
    class Ending(Source):
        def next_frame(self, timeout_s):
            return None if self.frames.pop(0) is None else frame()

    clock, linac = VirtualClock(), DryRunLinac()
    recorder = Recorder(linac)
    run_loop(Ending(clock, [frame(), None]), AlwaysOn(), linac, recorder, clock, MAX_AGE_S)
    assert [step.decision.sequence for step in recorder.steps] == [0]


def test_beam_is_held_when_the_newest_frame_is_older_than_the_limit():
    linac, recorder, _ = run([*regular(2), frame(sequence=2, acquired_s=1.5)])
    held = recorder.steps[2]
    assert held.frame is None
    assert held.decision.reasons == (Reason.NO_FRAME,)
    assert held.decision.time_s == pytest.approx(0.2 + MAX_AGE_S)
    assert states(linac) == [HOLD, ON, ON, HOLD, HOLD, ON, HOLD]


def test_silence_is_counted_from_the_acquisition_and_not_from_the_arrival():
    late = frame(sequence=0, acquired_s=0.0, received_s=0.3)
    _, recorder, _ = run([late, frame(sequence=1, acquired_s=0.9)])
    assert recorder.steps[1].frame is None
    assert recorder.steps[1].decision.time_s == pytest.approx(MAX_AGE_S)


@pytest.mark.parametrize(
    ("acquired_s", "decided"),
    [(-3.0, [0, -1, 1, -1, 2]), (7.0, [0, 1, -1, 2]), (math.nan, [0, -1, 1, -1, 2]), (math.inf, [0, 1, -1, 2])],
)
def test_impossible_time_of_acquisition_neither_hides_nor_invents_silence(acquired_s, decided):
    odd = frame(sequence=0, acquired_s=acquired_s, received_s=0.1)
    _, recorder, error = run([odd, frame(sequence=1, acquired_s=0.4), frame(sequence=2, acquired_s=1.1)])
    assert error is None
    assert [step.decision.sequence for step in recorder.steps] == decided


def test_failing_engine_holds_the_beam_and_says_on_which_frame():
    linac, recorder, error = run(regular(4), AlwaysOn(ZeroDivisionError("division by zero"), failing=2))
    assert states(linac) == [HOLD, ON, ON, HOLD]
    assert len(recorder.steps) == 2
    assert isinstance(error, EngineError)
    assert str(error).startswith("frame 2: the engine failed with ZeroDivisionError: division by zero")
    assert isinstance(error.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("failure", [TargetError("no target"), KeyboardInterrupt(), SystemExit(3)])
def test_whatever_ends_the_engine_ends_in_hold(failure):
    linac, _, error = run(regular(3), AlwaysOn(failure, failing=1))
    assert states(linac) == [HOLD, ON, HOLD]
    assert error is failure


@pytest.mark.parametrize("failure", [RecordingError("cut short"), OSError("link down"), KeyboardInterrupt()])
def test_failing_source_holds_the_beam(failure):
    linac, _, error = run([*regular(2), failure])
    assert states(linac) == [HOLD, ON, ON, HOLD]
    assert error is failure


def test_lost_record_holds_the_beam():
    linac, _, error = run(regular(3), recorder_failure=OutputError("disk full"))
    assert states(linac) == [HOLD, ON, HOLD]
    assert isinstance(error, OutputError)


def run_with_stats(frames, wake_late_s=0.0):
    class LateClock(VirtualClock):
        def sleep_until(self, time_s):
            super().sleep_until(time_s + wake_late_s)

    clock, linac, stats, beats = LateClock(), DryRunLinac(), LoopStats(stall_ms=20.0), []
    run_loop(
        Source(clock, frames),
        AlwaysOn(),
        linac,
        Recorder(linac),
        clock,
        MAX_AGE_S,
        stats,
        lambda: beats.append(linac.commands[-1].sequence),
    )
    return linac, stats.summary(), beats


def test_every_pass_is_counted_and_gives_a_sign_of_life_once_the_linac_was_told():
    linac, stats, beats = run_with_stats([*regular(2), frame(sequence=2, acquired_s=1.5)])
    assert beats == [command.sequence for command in linac.commands[1:-1]] == [0, 1, -1, -1, 2]
    assert (stats.passes, stats.stalls, stats.late_max_ms) == (5, 0, 0.0)
    assert stats.busy_max_ms > 0.0


def test_waking_late_is_counted_against_the_arrival_and_the_deadline():
    _, stats, _ = run_with_stats([*regular(2, begin_s=0.1), frame(sequence=2, acquired_s=1.0)], wake_late_s=0.03)
    assert stats.late_max_ms == pytest.approx(30.0)
    assert (stats.passes, stats.stalls) == (4, 4)


def test_deadlines_in_a_silence_are_absolute_and_being_late_does_not_add_up():
    linac, _, _ = run_with_stats([frame(sequence=0, acquired_s=0.0), frame(sequence=1, acquired_s=2.3)], 0.03)
    times_s = [command.time_s for command in linac.commands if command.sequence == -1][1:-1]
    assert times_s == pytest.approx([0.53, 1.03, 1.53, 2.03])


@pytest.mark.parametrize("failure", [None, KeyboardInterrupt()])
def test_collector_rests_while_the_loop_runs_and_goes_on_after_it(failure):
    class Watching(AlwaysOn):
        def step(self, frame, now_s, link_alive=True):
            assert not gc.isenabled()
            return super().step(frame, now_s)

    _, recorder, error = run(regular(3), Watching(failure, failing=1 if failure else -1))
    assert error is failure
    assert len(recorder.steps) == (3 if failure is None else 1)
    assert gc.isenabled()


class Slow(AlwaysOn):
    """An engine that takes its time on frame 1."""

    def __init__(self, clock, takes_s):
        super().__init__()
        self.clock, self.takes_s = clock, takes_s

    def step(self, frame, now_s, link_alive=True):
        if frame.sequence == 1:
            self.clock.sleep_until(now_s + self.takes_s)
        return super().step(frame, now_s)


@pytest.mark.parametrize(("takes_s", "is_sent"), [(0.45, True), (0.55, False), (5.0, False)])
def test_beam_on_is_not_sent_when_its_frame_became_too_old_while_it_was_judged(takes_s, is_sent):
    clock, linac = VirtualClock(), DryRunLinac()
    recorder = Recorder(linac)
    run_loop(Source(clock, regular(2)), Slow(clock, takes_s), linac, recorder, clock, MAX_AGE_S)
    sent = [(command.sequence, command.state) for command in linac.commands[1:-1]]
    assert sent == [(0, ON), (1, ON) if is_sent else (-1, HOLD)]
    decided = [(step.decision.sequence, step.decision.state) for step in recorder.steps]
    assert decided == [(0, ON), (1, ON)] + ([] if is_sent else [(-1, HOLD)])
    assert is_sent or recorder.steps[2].decision.time_s == pytest.approx(0.2 + takes_s)


@pytest.mark.parametrize("recording_s", [0.0, 0.1, 0.3, 0.45, 3.0])
def test_beam_is_held_at_once_when_the_frame_became_too_old_while_it_was_recorded(recording_s):
    class SlowRecorder(Recorder):
        def record(self, step, total_ms):
            super().record(step, total_ms)
            if step.decision.sequence == 0:
                clock.sleep_until(clock.now_s() + recording_s)

    clock, linac = VirtualClock(), DryRunLinac()
    late = frame(sequence=0, acquired_s=0.0, received_s=0.4)
    run_loop(
        Source(clock, [late, frame(sequence=1, acquired_s=9.0)]),
        AlwaysOn(),
        linac,
        SlowRecorder(linac),
        clock,
        MAX_AGE_S,
    )
    on, held = linac.commands[1:3]
    assert (on.sequence, on.state, held.sequence, held.state) == (0, ON, -1, HOLD)
    assert held.time_s == pytest.approx(max(MAX_AGE_S, 0.4 + recording_s))
