"""OpenCV's general trackers of boxes, KCF and CSRT, which only its contrib build has.

Methods: J. Henriques et al., High-speed tracking with kernelized correlation filters, TPAMI 2015; A. Lukezic et al.,
Discriminative correlation filter with channel and spatial reliability, CVPR 2017. Both learn from their own results.
"""

from typing import Any

import cv2
import numpy as np

from gatekeeper.core.contour import mask_to_contour
from replay.peers.image import Grey, Image, Mask, Outline, Spacing, box

opencv: Any = cv2
"""Without types: the stubs know only what every build has."""

BORDER_MM = 5.0
"""The box reaches this far around the target."""

KCF_ENLARGED, CSRT_ENLARGED = 2, 1
"""Frames are enlarged this many times; KCF places its box on whole pixels, CSRT enlarges small targets by itself."""

KCF_LEARNING = 0.02


def have_boxes() -> bool:
    """Return True when this OpenCV has the trackers."""
    return hasattr(opencv, "TrackerKCF_create") and hasattr(opencv, "TrackerCSRT_create")


def kcf() -> Any:
    """Return a KCF tracker that never gives up and learns slowly; by default it is lost within seconds."""
    params = opencv.TrackerKCF_Params()
    params.detect_thresh = 0.0
    params.interp_factor = KCF_LEARNING
    return opencv.TrackerKCF_create(params)


def csrt() -> Any:
    """Return a CSRT tracker without segmentation by colour, for there is none, and of a box that keeps its size."""
    params = opencv.TrackerCSRT_Params()
    params.use_segmentation = False
    params.number_of_scales = 1
    return opencv.TrackerCSRT_create(params)


class Box:
    """The outline moved as the middle of the target's box moves.

    Parameters
    ----------
    reference : ndarray of any real dtype, shape (H, W)
    mask : ndarray of bool, shape (H, W)
        The target on it.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    tracker : cv2.Tracker
        A new one.
    enlarged : int
        How many times frames are enlarged for it.
    """

    def __init__(self, reference: Image, mask: Mask, spacing_mm: Spacing, tracker: Any, enlarged: int) -> None:
        row_mm, col_mm = spacing_mm
        self._grey = Grey(reference)
        self._enlarged = enlarged
        self._contour_px = self._last_px = mask_to_contour(mask)
        top, bottom, left, right = enlarged * np.array(box(mask, round(BORDER_MM / row_mm), round(BORDER_MM / col_mm)))
        self._middle = np.array([top + bottom, left + right]) / 2.0
        self._tracker = tracker
        self._tracker.init(self._colours(reference), (int(left), int(top), int(right - left), int(bottom - top)))

    def __call__(self, image: Image) -> Outline:
        """Return the outline (N, 2) on a frame (H, W); where it was last, when the target was not found."""
        found, (left, top, width, height) = self._tracker.update(self._colours(image))
        if found:
            middle = np.array([top + height / 2.0, left + width / 2.0])
            self._last_px = self._contour_px + (middle - self._middle) / self._enlarged
        return self._last_px

    def _colours(self, image: Image) -> Any:
        height, width = np.multiply(image.shape, self._enlarged).tolist()
        larger = cv2.resize(self._grey(image), (width, height), interpolation=cv2.INTER_CUBIC)
        return cv2.cvtColor(larger, cv2.COLOR_GRAY2BGR)
