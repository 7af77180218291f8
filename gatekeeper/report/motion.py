"""Measure the range of motion along each axis on frames with sufficient confidence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.report.session_data import SessionData


@dataclass(frozen=True, slots=True)
class Range:
    """Range of motion along one axis, in mm from the reference.

    Attributes
    ----------
    name : str
        Axis, "SI", "AP" or "RL"; superior, posterior and left are positive.
    low, p5, p95, high : float
        Least, 5th and 95th percentile, and largest position, in mm.
    drift_mm_per_min : float
        Slope of a line through all positions.
    """

    name: str
    low: float
    p5: float
    p95: float
    high: float
    drift_mm_per_min: float


def ranges_of(session: SessionData) -> list[Range]:
    """Return the range along each axis over frames with sufficient confidence; an axis with fewer than two has none."""
    sure, times_s, moved_mm = session.sure(), session.times_s(), session.moved_mm()
    ranges = []
    for axis, name in enumerate(session.orientation.names):
        known = sure & np.isfinite(moved_mm[:, axis]) & np.isfinite(times_s)
        if np.count_nonzero(known) >= 2:
            ranges.append(_range(name, times_s[known], moved_mm[known, axis]))
    return ranges


def _range(name: str, times_s: NDArray[np.float64], values_mm: NDArray[np.float64]) -> Range:
    low, p5, p95, high = (float(value) for value in np.percentile(values_mm, (0.0, 5.0, 95.0, 100.0)))
    drift = 60.0 * float(np.polyfit(times_s, values_mm, 1)[0]) if np.ptp(times_s) > 0.0 else 0.0
    return Range(name, low, p5, p95, high, drift)
