"""Define the clocks of live sessions, replays and tests; no other module of the engine reads the time."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Session time in seconds; starts anywhere and never runs backwards."""

    def now_s(self) -> float:
        """Return the session time in seconds."""
        ...

    def sleep_until(self, time_s: float) -> None:
        """Return when the session time has reached `time_s`; at once when that is past."""
        ...


class PacedClock:
    """A clock that runs `speed` times as fast as real time, and on while the machine is suspended.

    Parameters
    ----------
    speed : float
        Session seconds per real second, above 0.

    Raises
    ------
    ValueError
        When `speed` is not above 0.

    Examples
    --------
    >>> from gatekeeper.core.clock import PacedClock
    >>> clock = PacedClock(speed=1000.0)
    >>> clock.sleep_until(1.0)
    >>> clock.now_s() >= 1.0
    True
    """

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0.0:
            raise ValueError(f"clock speed is {speed}; give a number above 0")
        self.speed = speed
        self._start_s = monotonic_ns() * 1e-9

    def now_s(self) -> float:
        """Return the session time since the clock was created, in seconds."""
        return (monotonic_ns() * 1e-9 - self._start_s) * self.speed

    def sleep_until(self, time_s: float) -> None:
        """Sleep until the session time is `time_s`."""
        while (left_s := (time_s - self.now_s()) / self.speed) > 0.0:
            time.sleep(left_s)


class VirtualClock:
    """A simulated clock that advances only when it is waited on.

    It is used for tests and for replays at maximum speed; times are reproducible.

    Parameters
    ----------
    start_s : float
        Initial session time in seconds.

    Examples
    --------
    >>> from gatekeeper.core.clock import VirtualClock
    >>> clock = VirtualClock()
    >>> clock.sleep_until(2.5)
    >>> clock.now_s()
    2.5
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s

    def now_s(self) -> float:
        """Return the session time in seconds."""
        return self._now_s

    def sleep_until(self, time_s: float) -> None:
        """Advance the clock to `time_s`; without effect when that is past."""
        self._now_s = max(self._now_s, time_s)


def stopwatch_ns() -> int:
    """Return the machine's performance counter in nanoseconds, for measuring durations."""
    return time.perf_counter_ns()


def pause(seconds: float) -> None:
    """Sleep for some seconds of real time; never called between a frame and its decision."""
    time.sleep(seconds)


def monotonic_ns() -> int:
    """Return the machine's clock since boot in nanoseconds, which is common to all its processes.

    It never goes back, and counts the time for which the machine was suspended, so that neither a lease nor a decision
    survives that (CLOCK_BOOTTIME; CLOCK_MONOTONIC stands still meanwhile).
    """
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def utc_s() -> float:
    """Return the machine's date and time as seconds since 1970 in UTC; it may be set, and measures no duration."""
    return time.time()


def utc_stamp() -> str:
    """Return date and time in UTC for the name of a folder, for example ``20260131T115902.123Z``."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
