"""Measure the usual breath of a patient from the turns of the motion along one axis, sample by sample."""

import math
from collections import deque
from statistics import median
from typing import NamedTuple

BREATH_MM = 4.0
"""Smallest usual size of a breath from which holds are told, in mm."""
TURN_MM = 3.0
"""Motion back from an extreme by this much ends an inhalation or exhalation, in mm."""
LONGEST_BREATH_S = 15.0
"""Longest breath, in s; slower motion is none."""
FEWEST_TURNS = 4
"""Number of turns with a breath's size and length, two for each breath, from which a patient is known to breathe."""
QUICK_SHARE = 0.3
"""Share of the turns whose breaths are the quickest, and as long as the usual breath; others may span a hold."""
RECENT_S = 180.0
"""Time within which breaths are counted, and after which a patient without a hold no longer holds the breath, in s."""
TURNS = 32
"""Number of turns that are kept."""


class UsualBreath(NamedTuple):
    """The usual breath of a patient.

    Attributes
    ----------
    period_s : float
        Its length in s.
    size_mm : float
        Distance of its turns, in mm.
    low_mm, high_mm : float
        Positions of its turns along rows, in mm.
    """

    period_s: float
    size_mm: float
    low_mm: float
    high_mm: float


NO_BREATH = UsualBreath(math.inf, 0.0, math.nan, math.nan)


class Breaths:
    """The turns of a breathing motion along one axis, and the usual breath among the recent ones."""

    def __init__(self) -> None:
        self.turns = 0
        self._direction = 0
        self._extreme = self._last = (-math.inf, math.nan)
        self._before_s = -math.inf
        self._quick = 0
        # Of the last turns time, length of the breath, and both ends of the way to it.
        self._recent: deque[tuple[float, float, float, float]] = deque(maxlen=TURNS)
        self._usual = NO_BREATH

    def restart(self, time_s: float, position_mm: float) -> None:
        """Begin anew at the end of a hold; `turns` counts from there."""
        self.turns, self._direction, self._extreme = 0, 0, (time_s, position_mm)

    def add(self, time_s: float, position_mm: float) -> None:
        """Add a position."""
        if math.isnan(self._extreme[1]):
            self._extreme = (time_s, position_mm)
        gone_mm = position_mm - self._extreme[1]
        if self._direction == 0:
            if abs(gone_mm) >= TURN_MM:
                self._direction, self._extreme = (1 if gone_mm > 0.0 else -1), (time_s, position_mm)
        elif self._direction * gone_mm > 0.0:
            self._extreme = (time_s, position_mm)
        elif abs(gone_mm) >= TURN_MM:
            self.turn(*self._extreme)
            self._direction, self._extreme = -self._direction, (time_s, position_mm)

    def turn(self, time_s: float, position_mm: float) -> None:
        """Add a turn: the end of an inhalation or an exhalation, or the begin of a hold."""
        before_mm, period_s = self._last[1], time_s - self._before_s
        if abs(position_mm - before_mm) >= TURN_MM and math.isfinite(period_s):
            self._recent.append((time_s, period_s, min(before_mm, position_mm), max(before_mm, position_mm)))
            self._measure()
        self.turns += 1
        self._before_s, self._last = self._last[0], (time_s, position_mm)

    def usual(self, now_s: float) -> UsualBreath | None:
        """Return the usual breath; None where too few were seen lately or they are too small."""
        if self._recent and self._recent[0][0] < now_s - RECENT_S:
            while self._recent and self._recent[0][0] < now_s - RECENT_S:
                self._recent.popleft()
            self._measure()
        return None if self._quick < FEWEST_TURNS or not self._usual.size_mm >= BREATH_MM else self._usual

    def _measure(self) -> None:
        periods_s = sorted([one[1] for one in self._recent])
        self._quick = sum(period_s <= LONGEST_BREATH_S for period_s in periods_s)
        self._usual = NO_BREATH
        if periods_s:
            self._usual = UsualBreath(
                periods_s[int(QUICK_SHARE * len(periods_s))],
                median([high - low for _, _, low, high in self._recent]),
                median([low for _, _, low, _ in self._recent]),
                median([high for _, _, _, high in self._recent]),
            )
