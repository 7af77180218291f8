"""Track by template matching with normalised cross-correlation of the target's box."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.contour import mask_to_contour
from replay.peers.image import Grey, Image, Mask, Outline, Spacing, box

SEARCH_MM, FAR_SEARCH_MM = 30.0, 70.0
"""Search range around the position on the reference, along rows and columns: for free breathing, for breath-holds."""

BORDER_MM = 10.0
"""Border of the template around the target; the best of 0 to 15 mm on recorded cases."""


class Template:
    """Move the outline with the target's box, found by normalised cross-correlation.

    The score is `cv2.matchTemplate` with TM_CCOEFF_NORMED; a parabola through its peak gives fractions of a pixel.

    Parameters
    ----------
    reference : ndarray of any real dtype, shape (H, W)
        Image on which the target is known.
    mask : ndarray of bool, shape (H, W)
        The target on the reference.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    search_mm : float
        Search range.
    """

    def __init__(self, reference: Image, mask: Mask, spacing_mm: Spacing, search_mm: float = SEARCH_MM) -> None:
        row_mm, col_mm = spacing_mm
        self.grey = Grey(reference)
        self.contour_px = mask_to_contour(mask)
        top, bottom, left, right = box(mask, round(BORDER_MM / row_mm), round(BORDER_MM / col_mm))
        rows, cols = math.ceil(search_mm / row_mm), math.ceil(search_mm / col_mm)
        first_row, first_col = max(top - rows, 0), max(left - cols, 0)
        self._window = np.s_[first_row : bottom + rows, first_col : right + cols]
        self._start = (top - first_row, left - first_col)
        self._template = self.grey(reference[top:bottom, left:right])

    def shift_px(self, image: Image) -> NDArray[np.float64]:
        """Return the displacement (row, col) of the target on a frame (H, W), in px."""
        matched = cv2.matchTemplate(self.grey(image[self._window]), self._template, cv2.TM_CCOEFF_NORMED)
        scores = np.asarray(matched, dtype=np.float32)
        _, _, _, (col, row) = cv2.minMaxLoc(scores)
        found = (row + _beside_peak(scores[:, col], row), col + _beside_peak(scores[row], col))
        return np.subtract(found, self._start)

    def __call__(self, image: Image) -> Outline:
        """Return the outline (N, 2) on a frame (H, W)."""
        return self.contour_px + self.shift_px(image)


def _beside_peak(scores: NDArray[np.float32], peak: int) -> float:
    """Return the offset of a parabola's peak from the highest sample, fitted to it and its neighbours."""
    if not 0 < peak < len(scores) - 1:
        return 0.0
    before, top, after = scores[peak - 1 : peak + 2].tolist()
    bend = before - 2.0 * top + after
    return 0.5 * (before - after) / bend if bend < 0.0 else 0.0
