"""Check which threads are started."""

import threading
from contextlib import contextmanager

from tests.support.waiting import until


@contextmanager
def threads_ended(make):
    """Yield what `make()` returns, close it, and wait until the threads that it has started are over."""
    before = set(threading.enumerate())
    made = make()
    started = set(threading.enumerate()) - before
    try:
        yield made
    finally:
        made.close()
        until(lambda: not any(thread.is_alive() for thread in started))
