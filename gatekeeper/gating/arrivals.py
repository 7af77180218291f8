"""Follow how arrivals move against another time base, and so find a clock that drifts and a delay that grows."""

import math
from itertools import pairwise
from typing import NamedTuple

from gatekeeper.core.addition import add

WINDOW_S = 2.0
"""Length of a window, of which the least offset counts: that of its frame with the shortest delay."""
MOST_WINDOWS = 30
"""Number of windows that are remembered, for one minute."""
DRIFT = 1e-3
"""Largest drift between two clocks, as a share of time."""
SLACK_S = 0.05
"""Largest fall of the least offset without a drift, in s: the delay on the way may become shorter by so much."""
SLOW_S = 0.02
"""Largest rise of the least offset without a drift, in s."""
FEWEST_WINDOWS = 6
"""Number of windows over which a rise must be spread, to be a drift and not a delay that has become longer."""
RATE_WINDOWS = 10
"""Number of windows from which the rate of the frames is learned."""
RATE_SHARE = 0.02
"""Largest deviation of the rate of the frames from the one that is set, as a share of it."""
RATE_RESIDUAL_S = 0.025
"""Largest distance of their least offsets from a steady rate, in s."""

Least = tuple[float, float]
"""Time of arrival and offset of the frame with the least offset in a window, in s."""


class Offsets(NamedTuple):
    """Least offsets of arrivals from another time base, window by window.

    Attributes
    ----------
    begun_s : float
        Begin of the present window, in s; NaN before the first frame.
    least : tuple of float
        Its least offset so far.
    past : tuple of tuple of float
        Those of the last windows, oldest first.
    """

    begun_s: float = math.nan
    least: Least = (math.nan, math.inf)
    past: tuple[Least, ...] = ()

    def added(self, received_s: float, base_s: float) -> "Offsets":
        """Return the offsets with one more frame; one without a finite time is left out."""
        offset_s = received_s - base_s
        if not math.isfinite(offset_s):
            return self
        if received_s - self.begun_s < WINDOW_S:
            return self._replace(least=(received_s, offset_s)) if offset_s < self.least[1] else self
        past = self.past if math.isnan(self.begun_s) else (*self.past, self.least)[-MOST_WINDOWS:]
        return Offsets(received_s, (received_s, offset_s), past)


def is_drifting(past: tuple[Least, ...], reference: Least | None) -> bool:
    """Return whether a sender's clock runs faster or slower than session time.

    A fast clock hides a delay, so that a fall of the least offset beyond `SLACK_S` and `DRIFT` is enough: all frames
    before it were older than they seemed. A rise may be a delay, by which frames look old in any case; it is a drift
    when it is spread over the windows.

    Parameters
    ----------
    past : tuple of tuple of float
        From `Offsets`.
    reference : tuple of float or None
        An earlier window to compare with.
    """
    if not past:
        return False
    at_s, least_s = past[-1]
    for then_s, then_least_s in past if reference is None else (reference, *past):
        if then_least_s - least_s > SLACK_S + DRIFT * (at_s - then_s):
            return True
    if len(past) < FEWEST_WINDOWS:
        return False
    begin_s, begin_least_s = past[0]
    rise_s = least_s - begin_least_s
    largest_s = max(after[1] - before[1] for before, after in pairwise(past))
    return rise_s > SLOW_S + DRIFT * (at_s - begin_s) and largest_s <= 0.5 * rise_s


class Arrivals(NamedTuple):
    """Arrivals against the numbers of the frames, which rise at the frame rate.

    Attributes
    ----------
    first : int
        Number of the first frame.
    first_s : float
        Its arrival, in s; NaN before it.
    period_s : float
        Time from number to number, in s; NaN until it is known roughly.
    offsets : Offsets
        Offsets from a rate of exactly that period, until the rate is known.
    slope : float
        Their drift at the learned rate, in s per s; NaN until it is learned.
    floor_s : float
        Offset without a delay, in s.
    at_s : float
        Arrival of the last frame, in s.
    """

    first: int = 0
    first_s: float = math.nan
    period_s: float = math.nan
    offsets: Offsets = Offsets()
    slope: float = math.nan
    floor_s: float = math.inf
    at_s: float = math.nan

    def added(self, number: int, received_s: float) -> "tuple[float, Arrivals]":
        """Return how late a frame is behind the rate of the frames before, and the arrivals with it.

        The rate is learned within some `RATE_WINDOWS` windows; until then no frame is late. Afterwards a delay counts
        in full unless it grows by less than `DRIFT`.

        Parameters
        ----------
        number : int
            Number of the frame.
        received_s : float
            Session time of its arrival, in s.

        Returns
        -------
        late_s : float
            In s.
        arrivals : Arrivals
            To be used for the next frame.
        """
        if math.isnan(self.first_s):
            return 0.0, Arrivals(number, received_s)
        passed_s, count = received_s - self.first_s, number - self.first
        if math.isnan(self.period_s):
            if passed_s < WINDOW_S or count < 1:
                return 0.0, self
            return 0.0, self._replace(period_s=passed_s / count)
        offset_s = passed_s - count * self.period_s
        if math.isnan(self.slope):
            offsets = self.offsets.added(received_s, received_s - offset_s)
            if offsets.past is self.offsets.past or len(offsets.past) < RATE_WINDOWS:
                return 0.0, self if offsets is self.offsets else self._replace(offsets=offsets)
            slope, floor_s = _line(offsets.past[-RATE_WINDOWS:], received_s)
            return 0.0, self._replace(offsets=offsets, slope=slope, floor_s=floor_s, at_s=received_s)
        floor_s = min(self.floor_s + (self.slope + DRIFT) * max(received_s - self.at_s, 0.0), offset_s)
        return offset_s - floor_s, self._replace(floor_s=floor_s, at_s=received_s)

    def is_rate(self, frames_per_s: float) -> bool:
        """Return whether frames come at a rate, or at a multiple of it, as with several planes in turn.

        Parameters
        ----------
        frames_per_s : float
            The rate, per second.

        Returns
        -------
        bool
            True also while the rate of the frames is not known.
        """
        if math.isnan(self.slope):
            return True
        periods = (1.0 - self.slope) / (frames_per_s * self.period_s)
        return abs(periods / max(round(periods), 1) - 1.0) <= RATE_SHARE

    def begun_anew(self) -> "Arrivals":
        """Return the arrivals with the next frame taken as being in time."""
        return self._replace(floor_s=math.inf)


def _line(windows: tuple[Least, ...], now_s: float) -> tuple[float, float]:
    """Return the slope of least offsets over time, and their lower bound now; NaN when they are on no line."""
    third = max(len(windows) // 3, 1)
    begin_s, begin_least_s = _mean(windows[:third])
    end_s, end_least_s = _mean(windows[-third:])
    slope = (end_least_s - begin_least_s) / (end_s - begin_s)
    moved = [least_s + slope * (now_s - at_s) for at_s, least_s in windows]
    return (slope, min(moved)) if max(moved) - min(moved) <= RATE_RESIDUAL_S else (math.nan, math.inf)


def _mean(windows: tuple[Least, ...]) -> Least:
    return add(at_s for at_s, _ in windows) / len(windows), add(least_s for _, least_s in windows) / len(windows)
