"""Track with pyramidal Lucas-Kanade: points in and around the target, and their robust affine motion.

Method: J.-Y. Bouguet, Pyramidal implementation of the Lucas Kanade feature tracker, Intel Corporation, 2000.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from gatekeeper.core.contour import mask_to_contour
from replay.peers.image import Grey, Image, Mask, Outline, Spacing

BORDER_MM, GRID_MM, WINDOW_MM = 6.0, 5.0, 38.0
"""Points lie on a grid up to this far from the target and compare windows of this side.

Measured on recorded cases: a grid beats corners (`cv2.goodFeaturesToTrack`), this window 30 and 46 mm.
"""
LEVELS = 3
UNTIL = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.01)
WAY_BACK_PX = 1.0
"""Points that do not return to within this distance of their start are rejected."""
FEWEST_POINTS = 4


class Points:
    """Move the outline with points tracked by `cv2.calcOpticalFlowPyrLK`, checked by tracking them back.

    Parameters
    ----------
    reference : ndarray of any real dtype, shape (H, W)
        Image on which the target is known.
    mask : ndarray of bool, shape (H, W)
        The target on the reference.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    """

    def __init__(self, reference: Image, mask: Mask, spacing_mm: Spacing) -> None:
        self._grey = Grey(reference)
        self._reference = self._grey(reference)
        self._contour_px = mask_to_contour(mask)
        grid = np.zeros(mask.shape, dtype=np.bool_)
        row_step, col_step = (max(1, round(GRID_MM / pixel)) for pixel in spacing_mm)
        grid[::row_step, ::col_step] = True
        near = distance_transform_edt(~mask, sampling=spacing_mm) <= BORDER_MM
        self._points = np.ascontiguousarray(np.argwhere(grid & near)[:, ::-1], dtype=np.float32)
        rows, cols = (int(WINDOW_MM / pixel) // 2 * 2 + 1 for pixel in spacing_mm)
        self._window = (cols, rows)

    def __call__(self, image: Image) -> Outline:
        """Return the outline (N, 2) on a frame (H, W); that of the reference when too few points agree."""
        frame, points = self._grey(image), self._points
        there, found = self._tracked(points, self._reference, frame)
        back, found_back = self._tracked(there, frame, self._reference)
        good = found & found_back & (np.hypot(*(back - points).T) < WAY_BACK_PX)
        if np.count_nonzero(good) < FEWEST_POINTS:
            return self._contour_px
        affine, _ = cv2.estimateAffine2D(points[good], there[good], method=cv2.RANSAC, ransacReprojThreshold=1.0)
        if affine is None:
            return self._contour_px
        return np.asarray((self._contour_px[:, ::-1] @ affine[:, :2].T + affine[:, 2])[:, ::-1], dtype=np.float64)

    def _tracked(
        self, points: NDArray[np.float32], before: NDArray[np.uint8], after: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return where points (N, 2) as (col, row) went between two images, and which of them were found."""
        there, found, _ = cv2.calcOpticalFlowPyrLK(
            before, after, points, np.empty_like(points), winSize=self._window, maxLevel=LEVELS, criteria=UNTIL
        )
        return np.asarray(there, dtype=np.float32), np.asarray(found)[:, 0] > 0
