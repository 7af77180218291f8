"""The loop knows whether its linac answers and its record is kept, how long a source may be silent, who operates."""

import pytest

from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.command import Action, Command, Event
from gatekeeper.core.decision import Reason
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.session.loop import OPERATOR_S, run_loop
from tests.support.loops import MAX_AGE_S, AlwaysOn, Recorder, Source, regular
from tests.support.steps import HOLD, decision, frame


class Watched(AlwaysOn):
    """Remembers what it is told of link and faults, and obeys an operator."""

    def __init__(self):
        super().__init__()
        self.links, self.faults, self.asked = [], [], []

    def step(self, frame, now_s, link_alive=True):
        self.links.append(link_alive)
        return super().step(frame, now_s)

    def silence(self, now_s, link_alive=True):
        self.links.append(link_alive)
        return super().silence(now_s)

    def latch(self, fault):
        self.faults.append(fault)

    def command(self, command):
        self.asked.append(command)
        return Event(command, True, "done", decision(HOLD, Reason.OPERATOR_HOLD, sequence=-1, time_s=command.time_s))


def run_watched(frames, linac=None, recorder=None, **options):
    clock, engine, linac = VirtualClock(), Watched(), linac or DryRunLinac()
    recorder = recorder or Recorder(linac)
    operator = options.pop("operator", None)
    if operator is not None:
        options["operator"] = lambda: operator(clock)
    run_loop(Source(clock, frames), engine, linac, recorder, clock, MAX_AGE_S, **options)
    return engine, linac, recorder


def test_engine_is_told_on_every_pass_whether_the_linac_answers():
    class Flickering(DryRunLinac):
        @property
        def alive(self):
            return len(self.commands) != 2

    engine, _, _ = run_watched([*regular(2), frame(sequence=2, acquired_s=0.9)], Flickering())
    assert engine.links == [True, False, True, True]


def test_record_that_is_lost_is_a_fault_of_the_gate_from_the_next_pass_on_and_the_loop_goes_on():
    class Failing(Recorder):
        @property
        def fault(self):
            return "disk full" if len(self.steps) >= 2 else None

    linac = DryRunLinac()
    engine, _, recorder = run_watched(regular(5), linac, Failing(linac))
    assert engine.faults == [Reason.RECORDING_LOST] * 3
    assert len(recorder.steps) == 5


def test_watchdog_that_is_lost_is_a_fault_of_the_gate_before_the_next_decision():
    passes = []

    def fault():
        passes.append(1)
        return Reason.WATCHDOG_LOST if len(passes) > 2 else None

    engine, linac, _ = run_watched(regular(5), fault=fault)
    assert engine.faults == [Reason.WATCHDOG_LOST] * 3
    assert len(linac.commands) == 2 + len(passes), "asked once for each decision, before it is sent"


@pytest.mark.parametrize("silence_s", [0.3, 0.45])
def test_source_is_silent_so_long_after_its_last_frame_arrived(silence_s):
    late = frame(sequence=1, acquired_s=0.2, received_s=0.25)
    _, linac, _ = run_watched(
        [frame(sequence=0, acquired_s=0.0), late, frame(sequence=2, acquired_s=1.0)], silence_s=silence_s
    )
    held = [command.time_s for command in linac.commands if command.sequence == -1][1]
    assert held == pytest.approx(0.25 + silence_s)


def test_age_of_the_newest_frame_counts_where_that_is_sooner_than_silence():
    _, linac, _ = run_watched([*regular(2), frame(sequence=2, acquired_s=2.0)], silence_s=3.0)
    assert linac.commands[3].time_s == pytest.approx(0.2 + MAX_AGE_S)


def test_operator_is_obeyed_between_two_frames_and_the_linac_and_the_record_are_told():
    asked = []

    def hold(clock):
        if clock.now_s() < 0.25 or asked:
            return None
        asked.append(Command(Action.HOLD, "physicist", clock.now_s()))
        return asked[0]

    class Events(Recorder):
        def event(self, name, time_s, values):
            self.events = [(name, time_s, values, self.linac.commands[-1].time_s)]

    linac = DryRunLinac()
    engine, _, recorder = run_watched(regular(4), linac, Events(linac), operator=hold)
    assert engine.asked == asked
    assert asked[0].time_s <= 0.25 + OPERATOR_S
    [(name, time_s, values, told_s)] = recorder.events
    assert (name, time_s, told_s) == ("hold", asked[0].time_s, asked[0].time_s)
    assert values == {"operator": "physicist", "shift_mm": [0.0, 0.0], "accepted": True, "note": "done"}
    assert [step.frame.sequence for step in recorder.steps] == [0, 1, 2, 3], "listening is no silence"
