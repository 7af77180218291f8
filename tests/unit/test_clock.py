"""Session time counts the time for which the machine was suspended."""

import time

from gatekeeper.core import clock
from gatekeeper.core.clock import PacedClock, monotonic_ns


def test_both_clocks_go_on_while_the_machine_is_suspended(monkeypatch):
    """Only CLOCK_BOOTTIME does; the others stand still, as this simulates."""
    asleep_ns = [0]

    def shown_ns(which):
        return 5_000_000_000 + (asleep_ns[0] if which == time.CLOCK_BOOTTIME else 0)

    monkeypatch.setattr(clock.time, "clock_gettime_ns", shown_ns)
    monkeypatch.setattr(clock.time, "monotonic_ns", lambda: 5_000_000_000)
    monkeypatch.setattr(clock.time, "monotonic", lambda: 5.0)
    session, before_ns = PacedClock(2.0), monotonic_ns()
    asleep_ns[0] = 60_000_000_000
    assert session.now_s() == 120.0
    assert monotonic_ns() - before_ns == 60_000_000_000
