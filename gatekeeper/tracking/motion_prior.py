"""Model how the target moves: from frame to frame, and along the path of breathing, as learned from a preview."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

JUMP_SI_MM, JUMP_AP_MM = 5.0, 1.5
"""Standard deviations of the displacement since the last confident position. Breathing moves the liver along SI; a
match displaced along AP is more likely another part of the same dome. The variance grows with the frames lost."""

FAR_AP_MM = 4.0
"""Standard deviation of AP displacement from the path without a preview, in mm; also the upper limit with one."""
NEAR_AP_MM = 2.0
"""Lower limit of the standard deviation, so that a cough or a shift on the couch can still be tracked, in mm."""
SPREADS = 4.0
"""Standard deviation over that observed on the preview."""
SLANT = 0.2
"""Growth of the standard deviation beyond the observed range, per SI distance: the motion of the liver is oblique."""
LEAST_RANGE_MM = 3.0
"""SI range of a preview below which no path is learned, in mm."""


@dataclass(frozen=True, slots=True)
class MotionPrior:
    """AP displacement as a linear function of SI displacement.

    Attributes
    ----------
    offset_mm : float
        AP displacement where SI displacement is 0, in mm.
    slope : float
        Change of AP displacement per SI displacement.
    spread_mm : float
        Standard deviation of AP displacement around the line, in mm.
    low_mm, high_mm : float
        Observed range of SI displacement, in mm; beyond it, AP is constant.
    """

    offset_mm: float = 0.0
    slope: float = 0.0
    spread_mm: float = FAR_AP_MM
    low_mm: float = 0.0
    high_mm: float = 0.0

    def deviance(self, si_mm: float, ap_mm: float) -> float:
        """Return minus twice the log probability of a displacement, 0 on the path."""
        within_mm = min(max(si_mm, self.low_mm), self.high_mm)
        spread_mm = self.spread_mm + SLANT * abs(si_mm - within_mm)
        return float(((ap_mm - self.offset_mm - self.slope * within_mm) / spread_mm) ** 2)


def jump_deviance(from_mm: tuple[float, float], to_mm: tuple[float, float]) -> float:
    """Return minus twice the log probability of displacements (SI, AP) in mm on two successive frames."""
    return ((to_mm[0] - from_mm[0]) / JUMP_SI_MM) ** 2 + ((to_mm[1] - from_mm[1]) / JUMP_AP_MM) ** 2


UNKNOWN = MotionPrior()
"""Prior without a preview: motion along SI only."""


def learn_motion_prior(moves_mm: NDArray[np.float64]) -> MotionPrior:
    """Fit the path of breathing to observed displacements.

    Parameters
    ----------
    moves_mm : ndarray of float64, shape (T, 2)
        Displacements (SI, AP) in mm.

    Returns
    -------
    MotionPrior
        `UNKNOWN` when the SI range is below `LEAST_RANGE_MM`.
    """
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
