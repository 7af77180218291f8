"""A repeater with a device that a test makes fail, and a clock that is the machine's."""

import threading
import time
from contextlib import contextmanager

from gatekeeper.config import ModbusLinacConfig
from gatekeeper.core.errors import LinkError
from gatekeeper.linac.repeater import Repeater
from tests.support.threads import threads_ended

TIMES = {"refresh_ms": 20, "deadline_ms": 60, "failure_detect_ms": 100, "retry_ms": 20, "fresh_ms": 10_000}


class Device:
    """What it was told, and how it takes it; connecting counts too."""

    def __init__(self):
        self.orders, self.threads, self.closed, self.connected = [], set(), 0, 0
        self.reachable, self.fails, self.takes_s = True, False, 0.0
        self.released = threading.Event()
        self.hangs = False

    def connect(self):
        self.threads.add(threading.get_ident())
        if not self.reachable:
            raise LinkError("nobody there")
        self.connected += 1
        return self

    def deliver(self, order):
        self.threads.add(threading.get_ident())
        if self.hangs:
            self.released.wait(10.0)
            raise LinkError("hung")
        if self.fails:
            raise LinkError("failed")
        time.sleep(self.takes_s)
        self.orders.append(order)

    def close(self):
        self.threads.add(threading.get_ident())
        self.closed += 1

    @property
    def states(self):
        """The states that it was told, equal ones in a row as one."""
        told = [order.beam_on for order in self.orders]
        return [state for at, state in enumerate(told) if at == 0 or state != told[at - 1]]


@contextmanager
def repeater(device, **times):
    with threads_ended(lambda: Repeater(ModbusLinacConfig(**{**TIMES, **times}), device.connect)) as linac:
        try:
            yield linac
        finally:
            device.released.set()
