"""Signals: SIGINT, SIGTERM and SIGHUP hold the beam and end the session."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gatekeeper.operator.request import END, Request
from gatekeeper.operator.request_queue import RequestQueue

ORIGIN = "signal"
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ends_on_signals(requests: RequestQueue) -> Iterator[None]:
    """End the session on a signal instead of the process; a second Ctrl-C interrupts whatever is running then.

    Use it on the main thread, on which Python handles signals.
    """

    def end(number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and requests.ending is not None:
            raise KeyboardInterrupt
        requests.submit(Request(END, signal.Signals(number).name, ORIGIN))

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
