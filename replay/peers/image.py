"""Define the image types and the 8-bit conversion that all peers share."""

from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]
"""Pixels (H, W) in the recorded type."""

Mask = NDArray[np.bool_]
Outline = NDArray[np.float64]
Spacing = tuple[float, float]

BRIGHTEST_PERCENT = 99.5
"""Percentile of the reference that is mapped to white; the few brightest pixels would use up the grey levels."""


class PeerTracker(Protocol):
    """A tracker that was made from a reference and is called with one frame after the other."""

    def __call__(self, image: Image, /) -> Outline:
        """Return the outline (N, 2) of the target as (row, col) on a frame (H, W)."""
        ...


class LearningTracker(PeerTracker, Protocol):
    """A tracker that can learn from a preview before it begins."""

    def learn(self, images: Image, /) -> object:
        """Learn from frames (T, H, W) without labels, and restart from the reference."""
        ...


class Grey:
    """Convert images to the 8 bits that OpenCV's methods need, scaled by the reference.

    Parameters
    ----------
    reference : ndarray of any real dtype, shape (H, W)
        Image that sets the scale.
    """

    def __init__(self, reference: Image) -> None:
        self._gain = 255.0 / float(np.percentile(reference, BRIGHTEST_PERCENT))

    def __call__(self, image: Image) -> NDArray[np.uint8]:
        """Return an image, or a part of one, as 8-bit grey."""
        return np.asarray(cv2.convertScaleAbs(image, alpha=self._gain), dtype=np.uint8)


def box(mask: Mask, rows: int, cols: int) -> tuple[int, int, int, int]:
    """Return the box around a target with a border, cut off at the edge of the image.

    Parameters
    ----------
    mask : ndarray of bool, shape (H, W)
        The target.
    rows, cols : int
        Border in px.

    Returns
    -------
    tuple of int
        (top, bottom, left, right) in px; bottom and right are excluded.
    """
    inside = np.argwhere(mask)
    border = np.array([rows, cols])
    top, left = np.maximum(inside.min(axis=0) - border, 0).tolist()
    bottom, right = np.minimum(inside.max(axis=0) + 1 + border, mask.shape).tolist()
    return top, bottom, left, right
