"""Path: the way along which breathing moves the target, as far as a preview tells."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FAR_AP_MM = 4.0
"""Standard deviation of the distance from the path along AP before anything is known of the patient, in mm."""
NEAR_AP_MM = 2.0
"""It is never taken to be less, so that a cough or a shift on the couch is still followed."""
SPREADS = 4.0
"""Else it is so many times what was seen on the preview."""
SLANT = 0.2
"""Beyond the range that was seen, the spread grows by this share of the way along SI: breathing moves livers askew."""
LEAST_RANGE_MM = 3.0
"""A preview with less motion along SI tells nothing about the path."""


@dataclass(frozen=True, slots=True)
class MotionPrior:
    """AP displacement as a straight line over SI displacement, as breathing moves the liver.

    Attributes
    ----------
    offset_mm : float
        AP displacement where SI displacement is 0, in mm.
    slope : float
        AP per SI displacement.
    spread_mm : float
        Standard deviation of AP displacement around the line, in mm.
    low_mm, high_mm : float
        Range of SI displacement that the line was seen over, in mm; beyond it, AP stays as at its end.
    """

    offset_mm: float = 0.0
    slope: float = 0.0
    spread_mm: float = FAR_AP_MM
    low_mm: float = 0.0
    high_mm: float = 0.0

    def surprise(self, si_mm: float, ap_mm: float) -> float:
        """Return minus twice the log probability of being so far from the path."""
        within_mm = min(max(si_mm, self.low_mm), self.high_mm)
        spread_mm = self.spread_mm + SLANT * abs(si_mm - within_mm)
        return float(((ap_mm - self.offset_mm - self.slope * within_mm) / spread_mm) ** 2)


UNKNOWN = MotionPrior()
"""Nothing but that breathing moves the liver along SI."""


def learn_motion_prior(moves_mm: NDArray[np.float64]) -> MotionPrior:
    """Return the path of displacements (T, 2), (SI, AP) in mm; the default when there is hardly any motion."""
    si_mm, ap_mm = moves_mm.T
    if np.ptp(si_mm) < LEAST_RANGE_MM:
        return UNKNOWN
    slope, offset_mm = np.polyfit(si_mm, ap_mm, 1)
    spread_mm = SPREADS * float(np.std(ap_mm - offset_mm - slope * si_mm))
    return MotionPrior(
        float(offset_mm),
        float(slope),
        min(max(spread_mm, NEAR_AP_MM), FAR_AP_MM),
        float(si_mm.min()),
        float(si_mm.max()),
    )
