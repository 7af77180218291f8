"""Learn the pace of events that come at a steady rate, and when it is time to get ready for the next one."""

import math
from collections import deque

REMEMBERED = 8
"""Number of intervals from which the pace is learned."""
LATE_OF = 5
"""The deviation that so many of the intervals, in order of size, do not exceed is the usual one: lost events, or a
pause, are not counted as an unsteady pace."""
UNSTEADY = 0.2
"""Usual deviation of an interval, as a share of it, above which there is no pace."""
LEAD_S = 0.0025
"""Usual time before the earliest usual time of an event at which the first preparation begins, in s."""
EVERY_S = 0.001
"""Shortest time from the beginning of one preparation to that of the next, in s."""
MOST = 5
"""Usual largest number of preparations for one event."""


class Pace:
    """Tell when to get ready for the next event: some milliseconds before it is due, and again until it comes.

    Times are in seconds of any one clock.

    Parameters
    ----------
    lead_s : float
        How long before the earliest usual time of an event the first preparation begins, in s.
    most : int
        Largest number of preparations for one event.

    Examples
    --------
    >>> from gatekeeper.runtime.pace import Pace
    >>> pace = Pace()
    >>> for number in range(10):
    ...     pace.came(0.125 * number)
    >>> round(pace.due_s, 6), round(pace.next_s, 6)
    (1.25, 1.2475)
    """

    def __init__(self, lead_s: float = LEAD_S, most: int = MOST) -> None:
        self._lead_s, self._most = lead_s, most
        self._intervals: deque[float] = deque(maxlen=REMEMBERED)
        self._last_s = math.nan
        self._end_s = self._step_s = math.nan
        self._left = 0
        self.period_s = math.inf
        """Usual interval, in s; infinite while there is none."""
        self.due_s = math.inf
        """Time at which the next event is due; infinite while there is no pace."""
        self.next_s = math.inf
        """Time of the next preparation; infinite when there is none to come."""

    def came(self, time_s: float) -> None:
        """Note that an event came."""
        interval_s, self._last_s = time_s - self._last_s, time_s
        self.due_s = self.next_s = math.inf
        # A clock that stands still, or was set back, tells no pace.
        if not interval_s > 0.0:
            return
        self._intervals.append(interval_s)
        if len(self._intervals) < REMEMBERED:
            return
        self.period_s = period_s = sorted(self._intervals)[REMEMBERED // 2]
        usual_s = sorted([abs(one - period_s) for one in self._intervals])[LATE_OF]
        if usual_s <= UNSTEADY * period_s:
            self.due_s = time_s + period_s
            self.next_s = self.due_s - usual_s - self._lead_s
            self._end_s = self.due_s + usual_s + EVERY_S
            self._step_s = max(EVERY_S, (self._end_s - self.next_s) / max(self._most - 1, 1))
            self._left = self._most

    def prepared(self, began_s: float) -> None:
        """Note that a preparation was made, which began at `began_s`: the next one follows, or none."""
        next_s, self._left = began_s + self._step_s, self._left - 1
        self.next_s = next_s if self._left > 0 and next_s <= self._end_s else math.inf

    def skip(self) -> None:
        """Make no preparation for this event."""
        self.next_s = math.inf
