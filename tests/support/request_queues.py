"""Provide a request queue with its own loop, for tests of terminal, socket and web."""

import threading
import time
from contextlib import contextmanager

from gatekeeper.core.clock import PacedClock
from gatekeeper.core.command import Action
from gatekeeper.operator.request import Request
from gatekeeper.operator.request_queue import RequestQueue
from tests.support.gates import gate


def request(word, operator="Anna", origin="terminal", shift_mm=(0.0, 0.0)):
    return Request(word, operator, origin, shift_mm)


def obeyed(requests, judge):
    """Do what waits on the desk as the loop does, and return the commands."""
    done = []
    while (command := requests.next_command()) is not None:
        event = judge.apply(command)
        requests.complete(command.time_s, {"accepted": event.accepted, "note": event.note})
        done.append(command)
    return done


class Loop:
    """Listens as often as the real one does, and says what it has done."""

    def __init__(self, refuse=None, judge=None):
        self.requests = RequestQueue(PacedClock(), refuse)
        self.gate = gate(armed=False) if judge is None else judge
        self.done, self.passes_s = [], []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name="loop")

    def _run(self):
        while not self.stop.wait(0.01):
            began_s = time.perf_counter()
            self.done += obeyed(self.requests, self.gate)
            self.passes_s.append(time.perf_counter() - began_s)

    @property
    def actions(self):
        return [command.action for command in self.done]


@contextmanager
def looping(**options):
    """Run a loop behind a desk."""
    loop = Loop(**options)
    loop.thread.start()
    try:
        yield loop
    finally:
        loop.stop.set()
        loop.thread.join()
        loop.requests.close()


ARM, HOLD, RELEASE = Action.ARM, Action.HOLD, Action.RELEASE
