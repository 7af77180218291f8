"""Track with OpenCV's general box trackers KCF and CSRT, which only its contrib build has.

Methods: J. Henriques et al., High-speed tracking with kernelized correlation filters, TPAMI 2015; A. Lukezic et al.,
Discriminative correlation filter with channel and spatial reliability, CVPR 2017. Both learn from their own results.
"""

from typing import Any

import cv2
import numpy as np

from gatekeeper.core.contour import mask_to_contour
from replay.peers.image import Grey, Image, Mask, Outline, Spacing, box

opencv: Any = cv2
"""OpenCV without types: its stubs cover only the standard build."""

BORDER_MM = 5.0
"""Border of the box around the target."""

KCF_ENLARGED, CSRT_ENLARGED = 2, 1
"""Factor by which frames are enlarged: KCF places its box on whole pixels, CSRT enlarges small targets by itself."""

KCF_LEARNING = 0.02


def have_boxes() -> bool:
    """Return True when the installed OpenCV has the trackers."""
    return hasattr(opencv, "TrackerKCF_create") and hasattr(opencv, "TrackerCSRT_create")


def kcf() -> Any:
    """Return a KCF tracker without detection threshold and with slow learning; its defaults fail in seconds."""
    params = opencv.TrackerKCF_Params()
    params.detect_thresh = 0.0
    params.interp_factor = KCF_LEARNING
    return opencv.TrackerKCF_create(params)


def csrt() -> Any:
    """Return a CSRT tracker with a box of constant size and without segmentation by colour, which MR images lack."""
    params = opencv.TrackerCSRT_Params()
    params.use_segmentation = False
    params.number_of_scales = 1
    return opencv.TrackerCSRT_create(params)


class Box:
    """Move the outline with the middle of the target's box.

    Parameters
    ----------
    reference : ndarray of any real dtype, shape (H, W)
        Image on which the target is known.
    mask : ndarray of bool, shape (H, W)
        The target on the reference.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    tracker : cv2.Tracker
        A new tracker.
    enlarged : int
        Factor by which frames are enlarged for the tracker.
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
        """Return the outline (N, 2) on a frame (H, W); the last one when the target is not found."""
        found, (left, top, width, height) = self._tracker.update(self._colours(image))
        if found:
            middle = np.array([top + height / 2.0, left + width / 2.0])
            self._last_px = self._contour_px + (middle - self._middle) / self._enlarged
        return self._last_px

    def _colours(self, image: Image) -> Any:
        height, width = np.multiply(image.shape, self._enlarged).tolist()
        larger = cv2.resize(self._grey(image), (width, height), interpolation=cv2.INTER_CUBIC)
        return cv2.cvtColor(larger, cv2.COLOR_GRAY2BGR)
