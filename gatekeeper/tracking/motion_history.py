"""Learn during a session how the target moves: the path of breathing, and the steps from frame to frame.

Both begin wide. Only sure positions count. What was seen in one state of breathing is not forgotten in another.
"""

import math
from bisect import bisect_left, insort

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.motion_prior import LEAST_RANGE_MM, MotionPrior

NO_PREVIEW: NDArray[np.float64] = np.empty((0, 2))

BIN_MM = 4.0
"""Length of the parts of the path, in mm."""
LEAST_FRAMES, MOST_FRAMES = 3, 50
"""Frames in a part of the path from which on it is known, and time constant of its mean in frames: earlier frames are
forgotten only as the part is visited again."""
SPREADS = 4.0
"""Standard deviation of the displacement across the path over that observed."""
NEAR_MM, FAR_MM, FARTHEST_MM = 2.0, 4.0, 8.0
"""Lower limit of that standard deviation, so that a cough or a shift on the couch can still be tracked, its value
before anything was observed, and its upper limit, in mm."""
SLANT = 0.6
"""Growth of it per distance from the known part of the path: the largest ratio of displacement across and along, as in
a deep breath-hold."""

STEPS = 2.0
"""Standard deviation of a step over that observed: breathing is faster at times."""
LEAST_STEP_MM = 0.5
"""Standard deviation of a step that is added to the observed one, in mm."""

FIRST_FRAMES, FIRST_STEPS = 20, 10
"""Number of frames, and of steps, as which the expectation before the first one counts."""
TYPICAL_FRAMES = 200
"""Time constant of the variances, in frames."""
OUTLIER = 3.0
"""Deviation, in standard deviations, to which larger ones are reduced before they count."""


class BreathingPath:
    """Displacement across the direction of breathing, by that along it.

    Parameters
    ----------
    reach_mm : float
        Greatest displacement along it to either side, in mm.
    """

    def __init__(self, reach_mm: float) -> None:
        self._middle = math.ceil(reach_mm / BIN_MM)
        self._counts, self._means_mm = ([0.0] * (2 * self._middle + 1) for _ in range(2))
        self._known: list[int] = []
        self.restart()

    def restart(self) -> None:
        """Forget all displacements; the reference position is known."""
        for part in range(len(self._counts)):
            self._counts[part] = self._means_mm[part] = 0.0
        self._counts[self._middle] = LEAST_FRAMES
        self._known[:] = [self._middle]
        self._variance_mm2, self._frames = (FAR_MM / SPREADS) ** 2, FIRST_FRAMES
        self._low_mm = self._high_mm = 0.0

    @property
    def range_mm(self) -> float:
        """Range of the displacements along the path, in mm."""
        return self._high_mm - self._low_mm

    def add(self, along_mm: float, across_mm: float) -> None:
        """Add a sure displacement."""
        part = min(max(round(along_mm / BIN_MM) + self._middle, 0), len(self._counts) - 1)
        off_mm = across_mm - self._means_mm[part]
        if self._counts[part] >= LEAST_FRAMES:
            self._frames = min(self._frames + 1, TYPICAL_FRAMES)
            square = min(off_mm * off_mm, OUTLIER**2 * self._variance_mm2)
            self._variance_mm2 += (square - self._variance_mm2) / self._frames
        self._counts[part] = min(self._counts[part] + 1.0, MOST_FRAMES)
        self._means_mm[part] += off_mm / self._counts[part]
        if self._counts[part] == LEAST_FRAMES:
            insort(self._known, part)
        self._low_mm, self._high_mm = min(self._low_mm, along_mm), max(self._high_mm, along_mm)

    def deviance(self, along_mm: float, across_mm: float) -> float:
        """Return minus twice the log probability of a displacement, 0 on the path.

        The path is a line between neighbouring known parts, and constant beyond the outermost.
        """
        place = along_mm / BIN_MM + self._middle
        after = bisect_left(self._known, place)
        high = self._known[min(after, len(self._known) - 1)]
        low = self._known[max(after - 1, 0)]
        share = (place - low) / (high - low) if 0 < after < len(self._known) else 0.0
        path_mm = self._means_mm[low] + share * (self._means_mm[high] - self._means_mm[low])
        beyond_mm = BIN_MM * max(min(abs(place - low), abs(place - high)) - 0.5, 0.0)
        spread_mm = min(max(SPREADS * math.sqrt(self._variance_mm2), NEAR_MM), FARTHEST_MM)
        return ((across_mm - path_mm) / (spread_mm + SLANT * beyond_mm)) ** 2


class MotionHistory:
    """Displacements of a target in a session so far.

    Parameters
    ----------
    prior : MotionPrior
        What is expected before the session.
    reach_mm : tuple of float
        Greatest displacement along rows and columns to either side, in mm.
    preview_mm : ndarray of float64, shape (T, 2), optional
        Displacements (rows, columns) on successive frames of a preview, in mm; NaN where the target was not sure.
    """

    def __init__(
        self, prior: MotionPrior, reach_mm: tuple[float, float], preview_mm: NDArray[np.float64] = NO_PREVIEW
    ) -> None:
        self._prior, self._preview_mm = prior, preview_mm
        # By the displacement along rows and along columns.
        self._paths = BreathingPath(reach_mm[0]), BreathingPath(reach_mm[1])
        self.restart()

    def restart(self) -> None:
        """Forget all displacements but those of the preview."""
        for path in self._paths:
            path.restart()
        down_mm, right_mm = self._prior.first_jump_mm
        self._down_mm2, self._right_mm2, self._both_mm2 = (down_mm / STEPS) ** 2, (right_mm / STEPS) ** 2, 0.0
        self._steps, self._last_mm = FIRST_STEPS, (0.0, 0.0)
        follows = False
        for down_mm, right_mm in self._preview_mm.tolist():
            if sure := math.isfinite(down_mm) and math.isfinite(right_mm):
                self.add((down_mm, right_mm), follows)
            follows = sure

    def add(self, moved_mm: tuple[float, float], follows: bool) -> None:
        """Add a sure displacement.

        Parameters
        ----------
        moved_mm : tuple of float
            Displacement along rows and columns, in mm.
        follows : bool
            Whether the frame before was sure as well.
        """
        for axis, path in enumerate(self._paths):
            path.add(moved_mm[axis], moved_mm[1 - axis])
        if follows:
            deviance = STEPS**2 * self.jump_deviance(self._last_mm, moved_mm)
            weight = OUTLIER**2 / max(deviance, OUTLIER**2)
            down_mm, right_mm = moved_mm[0] - self._last_mm[0], moved_mm[1] - self._last_mm[1]
            self._steps = min(self._steps + 1, TYPICAL_FRAMES)
            self._down_mm2 += (weight * down_mm * down_mm - self._down_mm2) / self._steps
            self._right_mm2 += (weight * right_mm * right_mm - self._right_mm2) / self._steps
            self._both_mm2 += (weight * down_mm * right_mm - self._both_mm2) / self._steps
        self._last_mm = moved_mm

    def jump_deviance(self, from_mm: tuple[float, float], to_mm: tuple[float, float]) -> float:
        """Return minus twice the log probability of displacements (rows, columns) in mm on two successive frames."""
        down_mm, right_mm = to_mm[0] - from_mm[0], to_mm[1] - from_mm[1]
        down_mm2, right_mm2, both_mm2 = (
            self._down_mm2 + LEAST_STEP_MM**2,
            self._right_mm2 + LEAST_STEP_MM**2,
            self._both_mm2,
        )
        square = right_mm2 * down_mm**2 - 2.0 * both_mm2 * down_mm * right_mm + down_mm2 * right_mm**2
        return square / (down_mm2 * right_mm2 - both_mm2**2) / STEPS**2

    def path_deviance(self, moved_mm: tuple[float, float]) -> float:
        """Return minus twice the log probability of a displacement (rows, columns) in mm, 0 on the path.

        Where the axes are unknown it is 0 until the target has moved.
        """
        along = self._leading
        return 0.0 if along is None else self._paths[along].deviance(moved_mm[along], moved_mm[1 - along])

    @property
    def _leading(self) -> int | None:
        """Image axis along which breathing moves the target; None where it is not known yet."""
        if self._prior.across is not None:
            return 1 - self._prior.across
        rows_mm, cols_mm = (path.range_mm for path in self._paths)
        return None if max(rows_mm, cols_mm) < LEAST_RANGE_MM else int(cols_mm > rows_mm)
