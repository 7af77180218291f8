"""Recognise breath-holds in the recorded motion, and measure how well they are repeated."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.still_runs import still_runs
from gatekeeper.report.session_data import SessionData


@dataclass(frozen=True, slots=True)
class BreathHold:
    """One breath-hold.

    Attributes
    ----------
    number : int
        From 1.
    begin_s, lasted_s : float
        Start since the first decision, and duration, in s.
    mean_mm : float
        Mean position along the main axis, in mm from the reference.
    sd_mm : float
        Standard deviation of the position within the hold, in mm.
    drift_mm_per_s : float
        Slope of the position within the hold, in mm/s.
    beside_first_mm : float
        Mean position less that of the first hold, in mm.
    """

    number: int
    begin_s: float
    lasted_s: float
    mean_mm: float
    sd_mm: float
    drift_mm_per_s: float
    beside_first_mm: float


def mean_and_sd(holds: Sequence[BreathHold]) -> dict[str, dict[str, float]]:
    """Return mean and standard deviation of each figure over some holds; the deviation of one is NaN."""
    names = ("lasted_s", "mean_mm", "sd_mm", "drift_mm_per_s")
    values = {name: np.array([getattr(hold, name) for hold in holds]) for name in names}
    return {
        name: {"mean": float(one.mean()), "sd": float(one.std(ddof=1)) if len(one) > 1 else math.nan}
        for name, one in values.items()
    }


def breath_holds_of(session: SessionData) -> list[BreathHold]:
    """Return the breath-holds of a session along the rows' axis, on frames with sufficient confidence."""
    return breath_holds(session.times_s()[session.sure()], session.moved_mm()[session.sure(), 0])


def breath_holds(times_s: NDArray[np.float64], position_mm: NDArray[np.float64]) -> list[BreathHold]:
    """Return the breath-holds in a motion.

    Parameters
    ----------
    times_s : ndarray of float64, shape (N,)
        Time of each sample, in s.
    position_mm : ndarray of float64, shape (N,)
        Position at each, in mm; NaN where it was not known.

    Returns
    -------
    list of BreathHold
        In the order of time; see `gatekeeper.core.still_runs`.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper.report.breath_holds import breath_holds
    >>> times_s = np.arange(0.0, 60.0, 0.25)
    >>> holds = breath_holds(times_s, np.where(times_s % 20.0 < 12.0, 15.0, 8.0 * np.sin(2.0 * times_s)))
    >>> [(hold.number, round(hold.lasted_s), round(hold.mean_mm)) for hold in holds]
    [(1, 12, 15), (2, 12, 15), (3, 12, 15)]
    """
    known = np.isfinite(times_s) & np.isfinite(position_mm)
    times_s, position_mm = times_s[known], position_mm[known]
    found: list[BreathHold] = []
    for first, after in still_runs(times_s, position_mm):
        run_s, run_mm = times_s[first:after], position_mm[first:after]
        mean_mm = float(run_mm.mean())
        found.append(
            BreathHold(
                len(found) + 1,
                float(run_s[0]),
                float(run_s[-1] - run_s[0]),
                mean_mm,
                float(run_mm.std(ddof=1)),
                float(np.polyfit(run_s, run_mm, 1)[0]),
                mean_mm - found[0].mean_mm if found else 0.0,
            )
        )
    return found
