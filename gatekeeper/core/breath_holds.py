"""Recognise breath-holds in a target's motion, sample by sample, the same for the gate, the displays and the report.

A hold is a time in which the target keeps still, for longer than any pause of the patient's own breathing lasts.
Without a breath in between, what follows a hold is the same hold. It counts once the patient has been seen to breathe,
since a target that always keeps still, such as a prostate, is not held.
"""

import math
from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gatekeeper.core.usual_breath import RECENT_S, Breaths, UsualBreath

SHORTEST_S = 5.0
"""Shortest breath-hold, in s, and the time within which stillness is judged."""
PAUSES = 2.0
"""A hold lasts longer than this multiple of the usual breath; a pause of free breathing is part of one breath."""
STILL_MM = 2.5
"""Largest range of the target along its main axis within `SHORTEST_S` of a hold, in mm."""
STILL_SHARE = 0.25
"""The same as a share of the usual breath's size, so that shallow breaths do not pass for a hold."""
LONGEST_GAP_S = 1.0
"""Longest time without a position within a hold, in s."""
OUTLIER_S = 0.6
"""Positions away from a hold for no longer than this do not end it, in s."""
EDGE_S = 0.5
"""Begin and end of a hold that are left out of its figures, in s, as the target is still arriving or leaving."""
SAMPLES, KEPT = 1024, 512
"""Numbers of positions and holds that are kept."""

Sample = tuple[float, float, float]
"""Time in s, and position along rows and columns in mm."""


class BreathHold(NamedTuple):
    """One breath-hold.

    Attributes
    ----------
    number : int
        From 1.
    begin_s, end_s : float
        Time of its first and of its last position so far, in s.
    mean_mm : tuple of float
        Mean position along rows and columns, in mm.
    sd_mm : float
        Standard deviation along rows within the hold, in mm.
    drift_mm : tuple of float
        Displacement along rows and columns from begin to end, on a straight line through the positions, in mm.
    """

    number: int
    begin_s: float
    end_s: float
    mean_mm: tuple[float, float]
    sd_mm: float
    drift_mm: tuple[float, float]

    @property
    def lasted_s(self) -> float:
        """Duration in s."""
        return self.end_s - self.begin_s

    @property
    def drift_mm_per_min(self) -> float:
        """Speed of the drift along rows, in mm per minute."""
        return 60.0 * self.drift_mm[0] / self.lasted_s if self.lasted_s > 0.0 else 0.0

    def beside_mm(self, first: "BreathHold") -> tuple[float, float]:
        """Return the distance of its mean position from that of another one along rows and columns, in mm."""
        return self.mean_mm[0] - first.mean_mm[0], self.mean_mm[1] - first.mean_mm[1]


class _Sums:
    """Running sums of the positions of one hold, from which its figures follow."""

    __slots__ = ("begin", "col", "count", "end_s", "row", "row2", "time", "time2", "time_col", "time_row")

    def __init__(self, begin: Sample) -> None:
        self.begin, self.end_s, self.count = begin, begin[0], 0
        self.time = self.time2 = self.row = self.row2 = self.col = self.time_row = self.time_col = 0.0

    def add(self, time_s: float, row_mm: float, col_mm: float) -> None:
        begin_s, first_row_mm, first_col_mm = self.begin
        time, row, col = time_s - begin_s, row_mm - first_row_mm, col_mm - first_col_mm
        self.count += 1
        self.time += time
        self.time2 += time * time
        self.row += row
        self.row2 += row * row
        self.col += col
        self.time_row += time * row
        self.time_col += time * col

    def join(self, later: "_Sums") -> None:
        """Add the positions of a later hold, which turned out to be the same one."""
        count = later.count
        time, row, col = (theirs - ours for ours, theirs in zip(self.begin, later.begin, strict=True))
        self.time2 += later.time2 + 2.0 * time * later.time + count * time * time
        self.row2 += later.row2 + 2.0 * row * later.row + count * row * row
        self.time_row += later.time_row + row * later.time + time * later.row + count * time * row
        self.time_col += later.time_col + col * later.time + time * later.col + count * time * col
        self.time += later.time + count * time
        self.row += later.row + count * row
        self.col += later.col + count * col
        self.count += count

    def hold(self, number: int) -> BreathHold:
        begin_s, row_mm, col_mm = self.begin
        count, lasted_s = max(self.count, 1), self.end_s - begin_s
        spread = self.time2 - self.time * self.time / count
        along = (self.time_row - self.time * self.row / count, self.time_col - self.time * self.col / count)
        variance = (self.row2 - self.row * self.row / count) / (count - 1) if count > 1 else 0.0
        return BreathHold(
            number,
            begin_s,
            self.end_s,
            (row_mm + self.row / count, col_mm + self.col / count),
            math.sqrt(max(variance, 0.0)),
            (lasted_s * along[0] / spread, lasted_s * along[1] / spread) if spread > 0.0 else (0.0, 0.0),
        )


class HoldRecogniser:
    """Recognise breath-holds as positions come; buffers are allocated once.

    Parameters
    ----------
    expected : bool
        Whether the patient is known to hold the breath: holds then count without a breath seen before, and from
        `SHORTEST_S` on.

    Attributes
    ----------
    holds : tuple of BreathHold
        Finished holds after which the patient has breathed, oldest first.
    holding : bool
        Whether the target keeps still now as in a hold.
    newest_s : float
        Time of the newest position, in s.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper.core.breath_holds import HoldRecogniser
    >>> found = HoldRecogniser()
    >>> for time_s in np.arange(0.0, 70.0, 0.25):
    ...     found.add(time_s, 15.0 if time_s % 20.0 < 12.0 else 15.0 * np.cos(0.25 * np.pi * time_s) ** 2, 0.0)
    >>> [(hold.number, round(hold.lasted_s), round(hold.mean_mm[0])) for hold in found.holds]
    [(1, 12, 15), (2, 13, 15), (3, 13, 15)]
    >>> found.holding, found.latest.number
    (True, 4)
    """

    def __init__(self, expected: bool = False) -> None:
        self.expected = expected
        self.holds: tuple[BreathHold, ...] = ()
        self.holding = False
        self._count = 0
        # Positions that are near each other, up to the newest one, at first to end of the three arrays.
        self._times, self._rows, self._cols = (array("d", [0.0]) * (2 * SAMPLES) for _ in range(3))
        self._first = self._end = 0
        self._low = self._high = math.nan
        self.newest_s = -math.inf
        self._breaths = Breaths()
        # The hold that goes on, or has ended without a breath since; up to where its positions are summed.
        self._sums: _Sums | None = None
        self._summed = 0
        # The same of a time in which the target keeps still, but not yet for long enough.
        self._trial: _Sums | None = None
        self._still_mm = STILL_MM
        self._away: deque[Sample] = deque(maxlen=SAMPLES)
        # Holds before the patient was known to breathe.
        self._unproved: deque[_Sums] = deque(maxlen=KEPT)

    def add(self, time_s: float, row_mm: float, col_mm: float) -> None:
        """Add a position that was found with confidence; one that is not later than the last is left out.

        Parameters
        ----------
        time_s : float
            Time of acquisition, in s.
        row_mm, col_mm : float
            The target's centre on the image, in mm.
        """
        if not (time_s > self.newest_s and math.isfinite(row_mm) and math.isfinite(col_mm)):
            return
        gap_s, self.newest_s = time_s - self.newest_s, time_s
        if gap_s > LONGEST_GAP_S:
            self._leave()
            self._first, self._trial = self._end, None
            if gap_s > SHORTEST_S:
                # Breaths may have been missed.
                self._close()
        if not self.holding:
            self._look(time_s, row_mm, col_mm)
            return
        if max(self._high, row_mm) - min(self._low, row_mm) <= self._still_mm:
            self._away.clear()
            self._push(time_s, row_mm, col_mm)
            assert self._sums is not None  # noqa: S101  (there is one in a hold)
            self._go_on(self._sums)
            return
        self._away.append((time_s, row_mm, col_mm))
        if time_s - self._away[0][0] > OUTLIER_S:
            self._leave()
            self._first = self._end
            for sample in self._away:
                self._look(*sample)
            self._away.clear()

    @property
    def latest(self) -> BreathHold | None:
        """The hold that the patient is in, or has ended without a breath since; None without one."""
        if self._sums is None or not (self.expected or self.breath):
            return None
        return self._sums.hold(self._count + len(self._unproved) + 1)

    @property
    def breath(self) -> UsualBreath | None:
        """The usual breath; None where too few were seen lately."""
        return self._breaths.usual(self.newest_s)

    @property
    def level_mm(self) -> float:
        """Mean position along rows over the last `SHORTEST_S` of the present hold, in mm; NaN outside one."""
        if not self.holding:
            return math.nan
        return sum(self._rows[self._first : self._end]) / (self._end - self._first)

    def _look(self, time_s: float, row_mm: float, col_mm: float) -> None:
        """Add a position outside a hold, with which one may begin."""
        breaths = self._breaths
        breaths.add(time_s, row_mm)
        if self._sums is not None and breaths.turns:
            self._close()
        usual = breaths.usual(time_s)
        still_mm = STILL_MM if usual is None else min(STILL_MM, STILL_SHARE * usual.size_mm)
        self._push(time_s, row_mm, col_mm)
        if not self._high - self._low <= still_mm:
            self._drop(still_mm)
            self._trial = None
        if usual is not None and self._unproved:
            self._prove(usual.period_s)
        first = self._first
        if self._trial is None and time_s - self._times[first] >= SHORTEST_S:
            self._trial, self._summed = _Sums((self._times[first], self._rows[first], self._cols[first])), first
        if self._trial is not None:
            self._go_on(self._trial)
            if time_s - self._trial.begin[0] >= self._shortest_s(None if usual is None else usual.period_s):
                self._begin(self._trial, still_mm)
                self._trial = None

    def _shortest_s(self, period_s: float | None) -> float:
        if self.expected or period_s is None:
            return SHORTEST_S
        return max(SHORTEST_S, PAUSES * period_s)

    def _begin(self, trial: _Sums, still_mm: float) -> None:
        """Enter a hold, or go on with the one before if no breath was between."""
        self._breaths.turn(*trial.begin[:2])
        if self._sums is None or self._breaths.turns > 1:
            self._close()
            self._sums = trial
        else:
            self._sums.join(trial)
            self._sums.end_s = trial.end_s
        self.holding, self._still_mm = True, still_mm

    def _go_on(self, sums: _Sums) -> None:
        """Sum the positions of a still time except its edges, and keep those of its last seconds."""
        sums.end_s = self.newest_s
        while self._summed < self._end and self._times[self._summed] <= self.newest_s - EDGE_S:
            at = self._summed
            if self._times[at] >= sums.begin[0] + EDGE_S:
                sums.add(self._times[at], self._rows[at], self._cols[at])
            self._summed += 1
        dropped = False
        while self._times[self._first] < self.newest_s - SHORTEST_S:
            dropped |= not self._low < self._rows[self._first] < self._high
            self._first += 1
        if dropped:
            rows = self._rows[self._first : self._end]
            self._low, self._high = min(rows), max(rows)

    def _leave(self) -> None:
        """End the hold at its last position; it goes on where the target keeps still again without a breath."""
        if self.holding:
            self.holding = False
            self._breaths.restart(self._times[self._end - 1], self._rows[self._end - 1])

    def _close(self) -> None:
        """Count the hold that has ended."""
        if self._sums is not None:
            self._unproved.append(self._sums)
            self._sums = None
        if self.expected:
            self._prove(SHORTEST_S / PAUSES)

    def _prove(self, period_s: float) -> None:
        """Assign numbers to the holds that have ended, once the patient is known to breathe."""
        for sums in self._unproved:
            lasted_s = sums.end_s - sums.begin[0]
            if lasted_s >= self._shortest_s(period_s) and (self.expected or sums.end_s >= self.newest_s - RECENT_S):
                self._count += 1
                self.holds = (*self.holds, sums.hold(self._count))[-KEPT:]
        self._unproved.clear()

    def _push(self, time_s: float, row_mm: float, col_mm: float) -> None:
        if self._end - self._first == SAMPLES:
            self._first += 1
        if self._end == len(self._times):
            for values in (self._times, self._rows, self._cols):
                values[: self._end - self._first] = values[self._first : self._end]
            self._summed -= self._first
            self._first, self._end = 0, self._end - self._first
        if self._end == self._first:
            self._low = self._high = row_mm
        self._times[self._end], self._rows[self._end], self._cols[self._end] = time_s, row_mm, col_mm
        self._low, self._high = min(self._low, row_mm), max(self._high, row_mm)
        self._end += 1

    def _drop(self, still_mm: float) -> None:
        """Keep only the newest positions that are within a range."""
        at = self._end - 1
        low = high = self._rows[at]
        while at > self._first:
            before = self._rows[at - 1]
            if max(high, before) - min(low, before) > still_mm:
                break
            low, high, at = min(low, before), max(high, before), at - 1
        self._first, self._low, self._high = at, low, high


def breath_holds(
    times_s: Sequence[float], positions_mm: Iterable[Sequence[float]], expected: bool = False
) -> list[BreathHold]:
    """Return the breath-holds in a recorded motion, as they were recognised while it was recorded.

    Parameters
    ----------
    times_s : sequence of float
        Times of acquisition in s, ascending.
    positions_mm : iterable of (float, float)
        Positions along rows and columns in mm; those that are not finite are left out.
    expected : bool
        Whether the patient is known to hold the breath, see `HoldRecogniser`.

    Returns
    -------
    list of BreathHold
        Oldest first, that at the end of the recording included.
    """
    found = HoldRecogniser(expected)
    for time_s, (row_mm, col_mm) in zip(times_s, positions_mm, strict=True):
        found.add(float(time_s), float(row_mm), float(col_mm))
    latest = found.latest
    return [*found.holds, *(() if latest is None else (latest,))]
