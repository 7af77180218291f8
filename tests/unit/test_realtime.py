"""What the loop asks of the machine is granted or refused in words, and undone in either case."""

import gc
import os
import sys
import threading
from pathlib import Path

import pytest

from gatekeeper.config import LoopConfig
from gatekeeper.runtime.realtime import Linux, garbage_collection_paused, prompt_threads, real_time

ALL = LoopConfig(pin_cpu=1, fifo_priority=10, lock_memory=True)


class Machine:
    """Grants everything but what it refuses, and writes down what is done and undone."""

    def __init__(self, refuses=None):
        self.refuses, self.log = refuses, []

    def _grant(self, what):
        if what == self.refuses:
            raise PermissionError(1, "Operation not permitted")
        self.log.append(what)
        return lambda: self.log.append(f"no {what}")

    def pin(self, cpu):
        return self._grant(f"cpu {cpu}")

    def use_fifo(self, priority):
        return self._grant(f"fifo {priority}")

    def lock_memory(self):
        return self._grant("lock")


def test_nothing_is_asked_for_by_default():
    machine = Machine()
    with real_time(LoopConfig(), machine) as grants:
        assert grants == ()
    assert machine.log == []


def test_what_is_granted_is_said_and_undone():
    machine = Machine()
    with real_time(ALL, machine) as grants:
        assert [grant.as_line() for grant in grants] == [
            "memory locked: granted",
            "processor 1: granted",
            "SCHED_FIFO priority 10: granted",
        ]
        assert machine.log == ["lock", "cpu 1", "fifo 10"]
    assert machine.log[3:] == ["no fifo 10", "no cpu 1", "no lock"]


def test_what_is_refused_is_said_with_the_way_out_and_the_rest_is_granted():
    machine = Machine(refuses="fifo 10")
    with real_time(ALL, machine) as grants:
        assert [grant.granted for grant in grants] == [True, True, False]
        assert grants[2].as_line() == (
            "SCHED_FIFO priority 10: not granted, Operation not permitted; raise the limit with ulimit -r, or grant "
            "CAP_SYS_NICE; the loop runs without it"
        )
    assert machine.log == ["lock", "cpu 1", "no cpu 1", "no lock"]


def test_all_is_undone_when_the_loop_fails():
    machine = Machine()
    with pytest.raises(ZeroDivisionError), real_time(ALL, machine):
        raise ZeroDivisionError
    assert len(machine.log) == 6


def test_this_thread_is_pinned_and_let_go_on_this_machine():
    before = os.sched_getaffinity(0)
    cpu = min(before)
    with real_time(LoopConfig(pin_cpu=cpu), Linux()) as grants:
        assert grants[0].granted
        assert os.sched_getaffinity(0) == {cpu}
    assert os.sched_getaffinity(0) == before


def test_processor_that_does_not_exist_is_refused_on_this_machine():
    with real_time(LoopConfig(pin_cpu=4095)) as grants:
        assert grants[0].as_line().startswith("processor 4095: not granted, Invalid argument; name one that exists")


def test_priority_and_locked_memory_are_granted_or_refused_and_never_left_behind():
    policy = os.sched_getscheduler(0)
    with real_time(LoopConfig(fifo_priority=1, lock_memory=True)) as grants:
        is_fifo = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO
        assert is_fifo == grants[1].granted
        assert (_locked_kb() > 0) == grants[0].granted
    assert os.sched_getscheduler(0) == policy
    assert _locked_kb() == 0


def _locked_kb():
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmLck"))


def test_collector_rests_and_goes_on_as_before():
    assert gc.isenabled()
    with garbage_collection_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_exists_is_left_out_of_collections_meanwhile():
    assert gc.get_freeze_count() == 0
    with garbage_collection_paused():
        assert gc.get_freeze_count() > 10_000
    assert gc.get_freeze_count() == 0


def test_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with garbage_collection_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_frozen_before_stays_frozen():
    gc.freeze()
    try:
        with garbage_collection_paused():
            pass
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def slack_and_switch():
    return int(Path(f"/proc/{threading.get_native_id()}/timerslack_ns").read_text()), sys.getswitchinterval()


@pytest.mark.skipif(not Path("/proc/self/timerslack_ns").exists(), reason="the system does not tell it")
def test_threads_are_prompt_within_the_context_and_usual_after_it():
    before_s, inside = sys.getswitchinterval(), []
    with prompt_threads():
        thread = threading.Thread(target=lambda: inside.append(slack_and_switch()))
        thread.start()
        thread.join()
    assert inside == [(1_000, 0.0005)]
    assert slack_and_switch() == (50_000, before_s)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
