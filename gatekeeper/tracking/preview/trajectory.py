"""Passage: a follower on its way through a recorded sequence, and what it saw."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.template_tracker import SURE, TemplateTracker

Array = NDArray[np.float64]

FOUND = 0.05
"""From this confidence on a frame is learned from; many such frames average to what one alone does not show."""


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """What a follower saw.

    Attributes
    ----------
    params : ndarray of float64, shape (T, 2 K)
        Displacement on each frame.
    centers_mm : ndarray of float64, shape (T, 2)
        Centre of the target on each frame, (row, col) in mm.
    confidence : ndarray of float64, shape (T,)
    unexplained : ndarray of float64, shape (T,)
        Unexplained over explained variance of each frame; infinite where nothing was found.
    """

    params: Array
    centers_mm: Array
    confidence: Array
    unexplained: Array

    @property
    def found(self) -> NDArray[np.bool_]:
        """Frames (T,) on which there is something to learn from, though the follower may not be sure yet."""
        return np.asarray(self.confidence >= FOUND, dtype=np.bool_)

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Frames (T,) on which the follower is sure of the target."""
        return np.asarray(self.confidence >= SURE, dtype=np.bool_)

    @property
    def moves_mm(self) -> Array:
        """Displacement (T, 2) from the reference that all points share, (SI, AP) in mm."""
        return np.asarray(self.params[:, [0, self.params.shape[1] // 2]] * TRANSLATION_SD_MM, dtype=np.float64)


def trajectory(follower: TemplateTracker, frames: Iterable[NDArray[np.float32] | None]) -> Trajectory:
    """Follow canonical frames from first to last; None is a frame that shows nothing."""
    params, centers, confidence, unexplained = [], [], [], []
    for frame in frames:
        sure = follower.follow(frame)
        params.append(follower.params.astype(np.float64))
        centers.append(follower.track(sure).center_mm)
        confidence.append(sure)
        unexplained.append(follower.unexplained)
    return Trajectory(*map(np.array, (params, centers, confidence, unexplained)))
