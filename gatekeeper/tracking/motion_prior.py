"""Model how the target moves: from frame to frame, and along the path of breathing, as learned from a preview.

What is expected before anything was seen depends on the anatomical axes of the image. Where they are unknown, all
directions are alike.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import SAGITTAL, UNKNOWN


@dataclass(frozen=True, slots=True)
class AxisPrior:
    """What is expected along one axis before anything was seen.

    Attributes
    ----------
    translation_mm : float
        Standard deviation of the translation in a fit, in mm.
    jump_mm : float
        Standard deviation of the displacement since the last confident position, in mm. The variance grows with the
        frames lost.
    first_jump_mm : float
        The same where it is learned during the session (`MotionHistory`), before the first frame: wide, in mm.
    wall : float
        Share to which anatomy that stands still lies beside an organ along this axis, 0-1.
    rank : int
        Breathing moves a target mostly along the axis of the highest rank; axes of the same rank are alike.
    """

    translation_mm: float
    jump_mm: float
    first_jump_mm: float
    wall: float
    rank: int


AXIS_PRIORS: dict[str, AxisPrior] = {
    "SI": AxisPrior(translation_mm=30.0, jump_mm=5.0, first_jump_mm=5.0, wall=0.0, rank=2),
    "AP": AxisPrior(translation_mm=6.0, jump_mm=1.5, first_jump_mm=3.0, wall=1.0, rank=1),
    "RL": AxisPrior(translation_mm=6.0, jump_mm=1.5, first_jump_mm=3.0, wall=1.0, rank=0),
    UNKNOWN: AxisPrior(translation_mm=30.0, jump_mm=5.0, first_jump_mm=5.0, wall=0.5, rank=2),
}
"""Breathing moves the liver by centimetres along SI, and by millimetres along AP and RL. Where the image hardly
determines these, as on a smooth dome, the prior limits sliding along the edge; and a match displaced along them is more
likely another part of the same dome."""

FAR_MM = 4.0
"""Standard deviation of the displacement from the path without a preview, in mm; also the upper limit with one."""
NEAR_MM = 2.0
"""Lower limit of the standard deviation, so that a cough or a shift on the couch can still be tracked, in mm."""
SPREADS = 4.0
"""Standard deviation over that observed on the preview."""
SLANT = 0.2
"""Growth of the standard deviation beyond the observed range, per distance along it: the liver's motion is oblique."""
LEAST_RANGE_MM = 3.0
"""Range of displacements below which no path is learned, in mm."""


@dataclass(frozen=True, slots=True)
class MotionPrior:
    """Displacement across the direction of breathing as a linear function of that along it.

    Attributes
    ----------
    axes : tuple of str
        Axes of rows and columns.
    leading : int
        Image axis along which breathing moves the target: 0 for rows, 1 for columns.
    offset_mm : float
        Displacement along the other axis where that along the leading one is 0, in mm.
    slope : float
        Change of the displacement along the other axis per displacement along the leading one.
    spread_mm : float
        Standard deviation of the displacement along the other axis around the line, in mm; infinite without any
        expectation.
    low_mm, high_mm : float
        Observed range of displacement along the leading axis, in mm; beyond it, that along the other axis is constant.
    """

    axes: tuple[str, str] = SAGITTAL.names
    leading: int = 0
    offset_mm: float = 0.0
    slope: float = 0.0
    spread_mm: float = FAR_MM
    low_mm: float = 0.0
    high_mm: float = 0.0

    def path_deviance(self, moved_mm: tuple[float, float]) -> float:
        """Return minus twice the log probability of a displacement (rows, columns) in mm, 0 on the path."""
        along_mm, across_mm = moved_mm[self.leading], moved_mm[1 - self.leading]
        within_mm = min(max(along_mm, self.low_mm), self.high_mm)
        spread_mm = self.spread_mm + SLANT * abs(along_mm - within_mm)
        return float(((across_mm - self.offset_mm - self.slope * within_mm) / spread_mm) ** 2)

    def jump_deviance(self, from_mm: tuple[float, float], to_mm: tuple[float, float]) -> float:
        """Return minus twice the log probability of displacements (rows, columns) in mm on two successive frames."""
        rows, cols = self.axes
        down, right = AXIS_PRIORS[rows].jump_mm, AXIS_PRIORS[cols].jump_mm
        return ((to_mm[0] - from_mm[0]) / down) ** 2 + ((to_mm[1] - from_mm[1]) / right) ** 2

    @property
    def first_jump_mm(self) -> tuple[float, float]:
        """Standard deviation of the displacement from one frame to the next before the first one, in mm."""
        rows, cols = self.axes
        return AXIS_PRIORS[rows].first_jump_mm, AXIS_PRIORS[cols].first_jump_mm

    @property
    def across(self) -> int | None:
        """Image axis along which breathing moves a target less: 0 for rows, 1 for columns; None if both are alike."""
        rows, cols = (AXIS_PRIORS[axis].rank for axis in self.axes)
        return None if rows == cols else int(rows > cols)

    @property
    def wall(self) -> tuple[float, float]:
        """Share to which anatomy that stands still lies beside an organ along rows and columns, 0-1."""
        rows, cols = self.axes
        return AXIS_PRIORS[rows].wall, AXIS_PRIORS[cols].wall

    @property
    def translation_mm(self) -> tuple[float, float]:
        """Standard deviation of the translation in a fit along rows and columns, in mm."""
        rows, cols = self.axes
        return AXIS_PRIORS[rows].translation_mm, AXIS_PRIORS[cols].translation_mm


def first_motion_prior(axes: tuple[str, str]) -> MotionPrior:
    """Return the prior without a preview: motion along the leading axis only, or anywhere where axes are alike."""
    rows, cols = (AXIS_PRIORS[axis].rank for axis in axes)
    return MotionPrior(axes, int(cols > rows), spread_mm=np.inf if cols == rows else FAR_MM)


def learn_motion_prior(first: MotionPrior, moves_mm: NDArray[np.float64]) -> MotionPrior:
    """Fit the path of breathing to observed displacements.

    Parameters
    ----------
    first : MotionPrior
        The prior without a preview.
    moves_mm : ndarray of float64, shape (T, 2)
        Displacements along (rows, columns) in mm.

    Returns
    -------
    MotionPrior
        `first` when the range along the leading axis is below `LEAST_RANGE_MM`. Where the axes are alike, the leading
        one is that of the larger range.
    """
    ranges_mm = np.ptp(moves_mm, axis=0)
    leading = int(np.argmax(ranges_mm)) if np.isinf(first.spread_mm) else first.leading
    if ranges_mm[leading] < LEAST_RANGE_MM:
        return first
    along_mm, across_mm = moves_mm[:, leading], moves_mm[:, 1 - leading]
    slope, offset_mm = np.polyfit(along_mm, across_mm, 1)
    spread_mm = SPREADS * float(np.std(across_mm - offset_mm - slope * along_mm))
    return replace(
        first,
        leading=leading,
        offset_mm=float(offset_mm),
        slope=float(slope),
        spread_mm=min(max(spread_mm, NEAR_MM), FAR_MM),
        low_mm=float(along_mm.min()),
        high_mm=float(along_mm.max()),
    )
