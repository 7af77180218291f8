"""What every peer does to an image before it looks at it, and what it gives back."""

from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]
"""Pixels (H, W) in the type in which they were recorded."""

Mask = NDArray[np.bool_]
Outline = NDArray[np.float64]
Spacing = tuple[float, float]

BRIGHTEST_PERCENT = 99.5
"""Of the reference's pixels this share is below white; the few brightest would take the grey levels of the rest."""


class PeerTracker(Protocol):
    """A target on its way: knows the reference, and is shown one frame after the other."""

    def __call__(self, image: Image, /) -> Outline:
        """Return the outline (N, 2) of the target as (row, col) on a frame (H, W)."""
        ...


class LearningTracker(PeerTracker, Protocol):
    """A follower that can be shown a preview before it begins."""

    def learn(self, images: Image, /) -> object:
        """Learn from frames (T, H, W) without labels, and start anew from the reference."""
        ...


class Grey:
    """The 8 bits that OpenCV's methods work on, scaled by the reference.

    Parameters
    ----------
    reference : ndarray of any real dtype, shape (H, W)
    """

    def __init__(self, reference: Image) -> None:
        self._gain = 255.0 / float(np.percentile(reference, BRIGHTEST_PERCENT))

    def __call__(self, image: Image) -> NDArray[np.uint8]:
        """Return an image, or a part of one, in 8 bits."""
        return np.asarray(cv2.convertScaleAbs(image, alpha=self._gain), dtype=np.uint8)


def box(mask: Mask, rows: int, cols: int) -> tuple[int, int, int, int]:
    """Return (top, bottom, left, right) of the target with a border around it, within the image; ends excluded."""
    inside = np.argwhere(mask)
    border = np.array([rows, cols])
    top, left = np.maximum(inside.min(axis=0) - border, 0).tolist()
    bottom, right = np.minimum(inside.max(axis=0) + 1 + border, mask.shape).tolist()
    return top, bottom, left, right
