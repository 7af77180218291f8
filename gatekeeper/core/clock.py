"""The only place that reads time. Clocks are passed in, so that tests and replays can bring their own."""

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
    """A monotonic clock that runs `speed` times as fast as the machine's own.

    Parameters
    ----------
    speed : float
        Session seconds per real second, above 0; 1 is real time.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0.0:
            raise ValueError(f"clock speed is {speed}; it must be above 0")
        self.speed = speed
        self._start_s = time.monotonic()

    def now_s(self) -> float:
        """Return the session seconds since the clock was made."""
        return (time.monotonic() - self._start_s) * self.speed

    def sleep_until(self, time_s: float) -> None:
        """Sleep until the session time is `time_s`."""
        while (left_s := (time_s - self.now_s()) / self.speed) > 0.0:
            time.sleep(left_s)


class VirtualClock:
    """A clock that costs no time: waiting moves it, nothing else does.

    Replays as fast as the machine goes and tests run on it; two runs on it see the same times.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s

    def now_s(self) -> float:
        """Return the session time in seconds."""
        return self._now_s

    def sleep_until(self, time_s: float) -> None:
        """Move the clock on to `time_s`; never back."""
        self._now_s = max(self._now_s, time_s)


def stopwatch_ns() -> int:
    """Return a reading of the machine's performance counter in nanoseconds, to measure how long work took."""
    return time.perf_counter_ns()


def pause(seconds: float) -> None:
    """Sleep for some seconds of real time; never called between a frame and its decision."""
    time.sleep(seconds)


def monotonic_ns() -> int:
    """Return the machine's monotonic clock in nanoseconds: the same for all its processes, and never set back."""
    return time.monotonic_ns()


def utc_stamp() -> str:
    """Return the date and time of day in UTC, to name a folder by, for example ``20260131T115902.123Z``."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
