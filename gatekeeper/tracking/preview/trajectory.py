"""Track a recorded sequence, and keep the positions found."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.template_tracker import CONFIDENT, TemplateTracker

Array = NDArray[np.float64]

FOUND = 0.05
"""Confidence from which on a frame is used for learning; errors average out over many frames."""


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """Result of tracking a sequence of T frames.

    Attributes
    ----------
    params : ndarray of float64, shape (T, 2 K)
        Displacement on each frame.
    centers_mm : ndarray of float64, shape (T, 2)
        Centre of the target on each frame, (row, col) in mm.
    confidence : ndarray of float64, shape (T,)
        Confidence on each frame, 0-1.
    unexplained : ndarray of float64, shape (T,)
        Ratio of unexplained to explained variance of each frame; infinite where the target was not found.
    """

    params: Array
    centers_mm: Array
    confidence: Array
    unexplained: Array

    @property
    def found(self) -> NDArray[np.bool_]:
        """Mask (T,) of the frames that are used for learning."""
        return np.asarray(self.confidence >= FOUND, dtype=np.bool_)

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Mask (T,) of the frames with confident positions."""
        return np.asarray(self.confidence >= CONFIDENT, dtype=np.bool_)

    @property
    def moves_mm(self) -> Array:
        """Translation (T, 2) from the reference, (rows, columns) in mm."""
        return np.asarray(self.params[:, [0, self.params.shape[1] // 2]] * TRANSLATION_SD_MM, dtype=np.float64)


def track_frames(tracker: TemplateTracker, frames: Iterable[NDArray[np.float32] | None]) -> Trajectory:
    """Track a sequence of frames.

    Parameters
    ----------
    tracker : TemplateTracker
        The tracker; it must not have seen a frame before.
    frames : iterable of ndarray of float32, shape (h, w), or None
        Frames at working resolution in the order of acquisition; None for one that cannot be used.

    Returns
    -------
    Trajectory
        One entry per frame.
    """
    params, centers, confidences, unexplained = [], [], [], []
    for frame in frames:
        confidence = tracker.locate(frame)
        params.append(tracker.params.astype(np.float64))
        centers.append(tracker.track(confidence).center_mm)
        confidences.append(confidence)
        unexplained.append(tracker.unexplained)
    return Trajectory(*map(np.array, (params, centers, confidences, unexplained)))
