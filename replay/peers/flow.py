"""Track with dense optical flow from the reference to the frame, which moves the outline.

Methods: T. Kroeger et al., Fast optical flow using dense inverse search, ECCV 2016; G. Farneback, Two-frame motion
estimation based on polynomial expansion, SCIA 2003; T. Vercauteren et al., Non-parametric diffeomorphic image
registration with the demons algorithm, MICCAI 2007.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
import SimpleITK
from numpy.typing import NDArray

from gatekeeper.core.contour import mask_to_contour
from replay.peers.image import Grey, Image, Mask, Outline, Spacing, box
from replay.peers.template import SEARCH_MM, Template

opencv: Any = cv2
simpleitk: Any = SimpleITK
"""Both without types: OpenCV's stubs do not cover optional outputs, and SimpleITK has no stubs."""

Flow = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float32]]
"""From two 8-bit images (H, W) to the displacement (H, W, 2) as (col, row) in px that leads from one to the other."""

BORDER_PX = 32
"""After alignment the flow is computed on the target's box with this border."""

DEMONS_ITERATIONS = 50
DEMONS_SMOOTHING_PX = 3.0
"""Gaussian smoothing of the demons' displacement; the best of 1 to 5 px on recorded cases."""


def dis(preset: int) -> Flow:
    """Return the flow of dense inverse search with one of OpenCV's presets."""
    search = opencv.DISOpticalFlow_create(preset)
    return lambda reference, frame: np.asarray(search.calc(reference, frame, None), dtype=np.float32)


def farneback() -> Flow:
    """Return the flow of polynomial expansion, with the settings of OpenCV's examples and levels for larger images.

    A window of 15 px is better on recorded cases than 11, 21 or 31 px.
    """
    settings = {"pyr_scale": 0.5, "levels": 5, "winsize": 15, "iterations": 3, "poly_n": 5, "poly_sigma": 1.2}
    find = partial(opencv.calcOpticalFlowFarneback, flow=None, flags=0, **settings)
    return lambda reference, frame: np.asarray(find(reference, frame), dtype=np.float32)


def demons() -> Flow:
    """Return the flow of SimpleITK's symmetric demons, after histogram matching as in its examples."""
    matcher = simpleitk.HistogramMatchingImageFilter()
    matcher.SetNumberOfHistogramLevels(256)
    matcher.SetNumberOfMatchPoints(7)
    matcher.ThresholdAtMeanIntensityOn()
    registration = simpleitk.FastSymmetricForcesDemonsRegistrationFilter()
    registration.SetNumberOfIterations(DEMONS_ITERATIONS)
    registration.SetStandardDeviations(DEMONS_SMOOTHING_PX)

    def flow(reference: NDArray[np.uint8], frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        fixed, moving = (simpleitk.GetImageFromArray(image.astype(np.float32)) for image in (reference, frame))
        field = registration.Execute(fixed, matcher.Execute(moving, fixed))
        return np.array(simpleitk.GetArrayViewFromImage(field), dtype=np.float32)

    return flow


class WholeImageFlow:
    """Move the outline by the flow between complete images.

    Parameters
    ----------
    reference : ndarray of any real dtype, shape (H, W)
        Image on which the target is known.
    mask : ndarray of bool, shape (H, W)
        The target on the reference.
    flow : callable
        Computes the flow.
    """

    def __init__(self, reference: Image, mask: Mask, flow: Flow) -> None:
        self._grey = Grey(reference)
        self._reference = self._grey(reference)
        self._contour_px = mask_to_contour(mask)
        self._flow = flow

    def __call__(self, image: Image) -> Outline:
        """Return the outline (N, 2) on a frame (H, W)."""
        return self._contour_px + _along(self._flow(self._reference, self._grey(image)), self._contour_px)


class AlignedFlow:
    """Find the target by template matching, then refine by the flow between the reference and the aligned frame.

    The frame is aligned by whole pixels, so that it is not interpolated; the flow covers the remaining displacement.

    Parameters
    ----------
    reference : ndarray of any real dtype, shape (H, W)
        Image on which the target is known.
    mask : ndarray of bool, shape (H, W)
        The target on the reference.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    flow : callable
        Computes the flow.
    search_mm : float
        Search range of the template matching.
    """

    def __init__(
        self, reference: Image, mask: Mask, spacing_mm: Spacing, flow: Flow, search_mm: float = SEARCH_MM
    ) -> None:
        self._template = Template(reference, mask, spacing_mm, search_mm)
        self._box = box(mask, BORDER_PX, BORDER_PX)
        top, bottom, left, right = self._box
        self._reference = self._template.grey(reference[top:bottom, left:right])
        self._inner_px = self._template.contour_px - (top, left)
        self._flow = flow

    def __call__(self, image: Image) -> Outline:
        """Return the outline (N, 2) on a frame (H, W)."""
        shift_px = np.rint(self._template.shift_px(image))
        found = self._flow(self._reference, self._moved_back(image, *shift_px.astype(int).tolist()))
        return self._template.contour_px + shift_px + _along(found, self._inner_px)

    def _moved_back(self, image: Image, down: int, right: int) -> NDArray[np.uint8]:
        """Return the part of a frame under the shifted box, with the image's edge repeated beyond it."""
        first_row, end_row, first_col, end_col = np.add(self._box, (down, down, right, right)).tolist()
        inside = image[max(first_row, 0) : max(end_row, 0), max(first_col, 0) : max(end_col, 0)]
        above, before = max(-first_row, 0), max(-first_col, 0)
        below, behind = max(end_row - image.shape[0], 0), max(end_col - image.shape[1], 0)
        part = self._template.grey(inside)
        return np.asarray(cv2.copyMakeBorder(part, above, below, before, behind, cv2.BORDER_REPLICATE), dtype=np.uint8)


def _along(flow: NDArray[np.float32], points_px: Outline) -> Outline:
    """Return the displacement (N, 2) as (row, col) at points (N, 2) of the flow."""
    rows, cols = points_px.astype(np.float32).T[:, :, None]
    at = cv2.remap(flow, cols, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(at[:, 0, ::-1], dtype=np.float64)
