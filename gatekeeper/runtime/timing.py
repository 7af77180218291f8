"""Lag: how late each pass of the loop began, how long it kept the loop busy, and how often that was too long."""

import math
from dataclasses import dataclass

import numpy as np

SHORTEST_MS = 1e-3
BINS_PER_DECADE = 64
DECADES = 9
GROWTH = 10.0 ** (1.0 / BINS_PER_DECADE)


class Durations:
    """Counts durations in bins that grow by 3.7 %, so that a session of any length takes the same memory.

    Bins run from 1 microsecond to 1,000 seconds; what is shorter or longer goes into the first or last one.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(BINS_PER_DECADE * DECADES + 1, dtype=np.int64)
        self._longest_ms = 0.0

    def add(self, duration_ms: float) -> None:
        """Count one duration in milliseconds; below 0 counts as 0, and what is no number as the longest there is."""
        if not duration_ms < math.inf:
            self._counts[-1] += 1
            self._longest_ms = math.inf
            return
        if duration_ms > self._longest_ms:
            self._longest_ms = duration_ms
        if duration_ms <= SHORTEST_MS:
            self._counts[0] += 1
            return
        index = math.ceil(BINS_PER_DECADE * math.log10(duration_ms / SHORTEST_MS))
        self._counts[min(index, len(self._counts) - 1)] += 1

    def percentile_ms(self, percent: float) -> float:
        """Return the duration, in ms, that `percent` of all do not exceed; 0 when there is none.

        It is never too short, and at most 3.7 % too long.
        """
        total = int(self._counts.sum())
        if total == 0:
            return 0.0
        needed = max(1, math.ceil(total * percent / 100.0))
        index = int(np.searchsorted(np.cumsum(self._counts), needed))
        upper_ms: float = SHORTEST_MS * GROWTH**index
        return min(upper_ms, self._longest_ms)

    @property
    def longest_ms(self) -> float:
        """The longest duration in milliseconds; 0 when there is none."""
        return self._longest_ms


@dataclass(frozen=True, slots=True)
class LagSummary:
    """How well the loop kept its deadlines, in numbers.

    Attributes
    ----------
    passes : int
        Passes of the loop, one for each frame and each silence.
    skipped : int
        Frames that were left out because a newer one was waiting.
    stalls : int
        Passes that began late or kept the loop busy for longer than the limit.
    late_p50_ms, late_p99_ms, late_max_ms : float
        Session time from a pass's deadline to its begin, in milliseconds.
    busy_p50_ms, busy_p99_ms, busy_max_ms : float
        Real time of a pass, recording included, in milliseconds.
    """

    passes: int
    skipped: int
    stalls: int
    late_p50_ms: float
    late_p99_ms: float
    late_max_ms: float
    busy_p50_ms: float
    busy_p99_ms: float
    busy_max_ms: float


class LoopStats:
    """Keeps account of the loop while it runs, in constant memory.

    Parameters
    ----------
    stall_ms : float
        A pass that begins later than this, or keeps the loop busy for longer, counts as a stall; in milliseconds.
    """

    def __init__(self, stall_ms: float = 20.0) -> None:
        self._stall_ms = stall_ms
        self._late = Durations()
        self._busy = Durations()
        self._passes = 0
        self._stalls = 0

    def add(self, late_ms: float, busy_ms: float) -> None:
        """Count one pass: how late it began in session time, and how long it took in real time, in milliseconds."""
        self._passes += 1
        self._late.add(late_ms)
        self._busy.add(busy_ms)
        if not (late_ms <= self._stall_ms and busy_ms <= self._stall_ms):
            self._stalls += 1

    def summary(self, skipped: int = 0) -> LagSummary:
        """Return the numbers so far.

        Parameters
        ----------
        skipped : int
            Frames that were left out because a newer one was waiting, which the session counts.
        """
        late, busy = self._late, self._busy
        return LagSummary(
            passes=self._passes,
            skipped=skipped,
            stalls=self._stalls,
            late_p50_ms=late.percentile_ms(50.0),
            late_p99_ms=late.percentile_ms(99.0),
            late_max_ms=late.longest_ms,
            busy_p50_ms=busy.percentile_ms(50.0),
            busy_p99_ms=busy.percentile_ms(99.0),
            busy_max_ms=busy.longest_ms,
        )
