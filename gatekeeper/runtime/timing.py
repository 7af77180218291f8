"""Timing of the loop: how late each pass began, how long it took, and how often that was too long."""

import math
from dataclasses import dataclass

import numpy as np

SHORTEST_MS = 1e-3
BINS_PER_DECADE = 64
DECADES = 9
GROWTH = 10.0 ** (1.0 / BINS_PER_DECADE)


class Durations:
    """Histogram of durations with bins that grow by 3.7 %, in constant memory.

    Bins run from 1 microsecond to 1,000 seconds; other durations go into the first or last one.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(BINS_PER_DECADE * DECADES + 1, dtype=np.int64)
        self._longest_ms = 0.0

    def add(self, duration_ms: float) -> None:
        """Add one duration in ms; below 0 counts as 0, and NaN or infinity as the longest."""
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
        """Return the duration, in ms, that `percent` of all do not exceed; 0 when there are none.

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
        """The longest duration in ms; 0 when there are none."""
        return self._longest_ms


@dataclass(frozen=True, slots=True)
class LagSummary:
    """How well the loop kept its deadlines.

    Attributes
    ----------
    passes : int
        Number of passes, with and without a frame.
    skipped : int
        Frames that were left out in favour of newer ones.
    stalls : int
        Passes that began late or took longer than the limit.
    late_p50_ms, late_p99_ms, late_max_ms : float
        Session time from a pass's deadline to its beginning, in ms.
    busy_p50_ms, busy_p99_ms, busy_max_ms : float
        Real time of a pass, recording included, in ms.
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
    """Statistics of the loop while it runs, in constant memory.

    Parameters
    ----------
    stall_ms : float
        Lateness or duration above which a pass counts as a stall, in ms.
    """

    def __init__(self, stall_ms: float = 20.0) -> None:
        self._stall_ms = stall_ms
        self._late = Durations()
        self._busy = Durations()
        self._passes = 0
        self._stalls = 0

    def add(self, late_ms: float, busy_ms: float) -> None:
        """Add one pass: its lateness in session time, and its duration in real time, in ms."""
        self._passes += 1
        self._late.add(late_ms)
        self._busy.add(busy_ms)
        if not (late_ms <= self._stall_ms and busy_ms <= self._stall_ms):
            self._stalls += 1

    def summary(self, skipped: int = 0) -> LagSummary:
        """Return the figures so far."""
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
