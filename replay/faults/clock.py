"""Simulate a session clock that jumps forward or back."""

from gatekeeper.core.clock import Clock


class JumpingClock:
    """A clock that is off by `by_s` from a given time on.

    Parameters
    ----------
    clock : Clock
        The correct clock.
    at_s : float
        Time of the jump on the correct clock, in seconds.
    by_s : float
        Size of the jump, in seconds; negative is backwards.
    """

    def __init__(self, clock: Clock, at_s: float, by_s: float) -> None:
        self._clock, self._at_s, self._by_s = clock, at_s, by_s

    @property
    def jumped(self) -> bool:
        """True from the jump on."""
        return self._clock.now_s() >= self._at_s

    def now_s(self) -> float:
        """Return the session time in seconds, off from the jump on."""
        now_s = self._clock.now_s()
        return now_s + self._by_s if now_s >= self._at_s else now_s

    def sleep_until(self, time_s: float) -> None:
        """Sleep until this clock shows `time_s`, across a jump too."""
        if not self.jumped:
            self._clock.sleep_until(min(time_s, self._at_s))
        if self.jumped:
            self._clock.sleep_until(time_s - self._by_s)
