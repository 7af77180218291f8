"""Define where the envelope lies with each strategy, as a preview shows it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config.course import HELD, Strategy
from gatekeeper.core.breath_holds import breath_holds
from gatekeeper.forecast.breaths import Preview, end_exhales
from gatekeeper.forecast.free_breathing import end_exhale_mm

Array = NDArray[np.float64]

TITLES: dict[Strategy, str] = {
    "inhale_hold": "breath-hold at end-inhale",
    "exhale_hold": "breath-hold at end-exhale",
    "exhale": "free breathing, end-exhale",
    "mid_ventilation": "free breathing, mid-ventilation",
    "exception": "exception gating",
}
LEAST_APART_MM = 4.0
"""Distance from end-exhale from which on a hold is one at end-inhale, in mm."""


@dataclass(frozen=True, slots=True)
class SeenHolds:
    """Breath-holds in a preview that belong to a strategy.

    Attributes
    ----------
    places_mm : tuple of (float, float)
        Median position of each, as (row, col).
    lasted_s : tuple of float
        Duration of each.
    """

    places_mm: tuple[tuple[float, float], ...]
    lasted_s: tuple[float, ...]


def seen_holds(preview: Preview, min_confidence: float, strategy: Strategy) -> SeenHolds:
    """Return the breath-holds of a preview at end-inhale or end-exhale, as the strategy holds the breath."""
    sure = preview.confidence >= min_confidence
    times_s, center_mm = preview.times_s[sure], preview.center_mm[sure]
    exhale_mm = end_exhale_mm(preview, min_confidence)
    places, lasted = [], []
    for hold in breath_holds(times_s.tolist(), center_mm.tolist(), expected=True):
        from_exhale_mm = preview.breath_sign * (hold.mean_mm[0] - exhale_mm[0])
        if (from_exhale_mm >= LEAST_APART_MM) == (HELD.get(strategy) == "inhale"):
            places.append(hold.mean_mm)
            lasted.append(hold.lasted_s)
    return SeenHolds(tuple(places), tuple(lasted))


def place_of(preview: Preview, min_confidence: float, strategy: Strategy) -> tuple[float, float]:
    """Return the position of the target, as (row, col) in mm, at which the envelope of a strategy lies around it.

    A hold's is where holds were seen, or end-inhale or end-exhale of the breathing. Mid-ventilation is the mean over
    time. Exception gating has its envelope in the middle of the range.

    Parameters
    ----------
    preview : Preview
        The preview.
    min_confidence : float
        Positions of less confidence, 0-1, are left out.
    strategy : str
        The strategy.
    """
    sure_mm = preview.center_mm[preview.confidence >= min_confidence]
    if strategy in HELD and (seen := seen_holds(preview, min_confidence, strategy)).places_mm:
        row_mm, col_mm = np.mean(seen.places_mm, axis=0).tolist()
        return row_mm, col_mm
    if strategy == "inhale_hold":
        row_mm, col_mm = _end_inhale_mm(sure_mm, preview.breath_sign).tolist()
    elif strategy in ("exhale_hold", "exhale"):
        return end_exhale_mm(preview, min_confidence)
    elif strategy == "mid_ventilation":
        row_mm, col_mm = sure_mm.mean(axis=0).tolist()
    else:
        row_mm, col_mm = (0.5 * np.percentile(sure_mm, (2.0, 98.0), axis=0).sum(axis=0)).tolist()
    return row_mm, col_mm


def _end_inhale_mm(sure_mm: Array, sign: float) -> Array:
    """Return the mean position at end-inhale; the farthest one without breaths."""
    along_mm = sign * sure_mm[:, 0]
    turns = end_exhales(-along_mm, max(0.3 * float(np.ptp(along_mm)), 1.0))
    at = turns or [int(np.argmax(along_mm))]
    return np.asarray(sure_mm[at].mean(axis=0), dtype=np.float64)
