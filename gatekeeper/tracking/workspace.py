"""Workspace: the buffers of one tracker, made once, and the fit of a template that works in them."""

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.freeform import TRANSLATION_SD_MM
from gatekeeper.tracking.reference import Template
from kernels.deform import CORRELATION, INSIDE, PENALTY, RESULTS, fit
from kernels.flat import flatten
from kernels.shrink import block_mean, smooth

SLACK = 5
"""Pixels of the grid around the moved template that are read besides, for the deformation."""

TOLERANCE = 0.001
"""A fit ends when no parameter moves by more than this share of its standard deviation."""

Params = NDArray[np.float32]


class Level:
    """One template with the buffers to fit it.

    Parameters
    ----------
    template : Template
        What to fit.
    shape : tuple of int
        Rows and columns of the frames.
    evening : ndarray of float32, optional
        Factors on the template's grid that even out what stands still in the frames.
    """

    def __init__(self, template: Template, shape: tuple[int, ...], evening: NDArray[np.float32] | None = None) -> None:
        self.template = template
        self._evening = evening
        count, size = template.modes.shape
        low, high = template.points[:2].min(axis=1), template.points[:2].max(axis=1)
        self._corner = (int(low[0]) - SLACK, int(low[1]) - SLACK)
        window = (int(high[0] - low[0]) + 1 + 2 * SLACK, int(high[1] - low[1]) + 1 + 2 * SLACK)
        self._image = np.zeros(window, np.float32)
        self._smoothing = np.zeros(window, np.float32)
        self._scratch = np.zeros((3, size), np.float32)
        self._steps = np.zeros((2, max(2 * count, len(template.photometric))), np.float32)
        self._result = np.zeros(RESULTS)
        # The frame ends half a pixel beyond its outermost pixel centres.
        ends = [(-0.5, extent - 0.5) for extent in shape]
        shift = 0.5 * (template.factor - 1)
        self._window = np.array([0.0, 0.0, *((end - shift) / template.factor for pair in ends for end in pair)])

    def fit(self, image: NDArray[np.float32], params: Params, iterations: int) -> bool:
        """Fit the template to a frame (H, W), starting from and ending in `params`; see `kernels.deform.fit`."""
        template = self.template
        down_px = params[0] * TRANSLATION_SD_MM * template.row_scale
        right_px = params[len(params) // 2] * TRANSLATION_SD_MM * template.col_scale
        row, col = self._corner[0] + round(float(down_px)), self._corner[1] + round(float(right_px))
        block_mean(image, row * template.factor, col * template.factor, template.factor, self._image)
        smooth(self._image, template.share, self._smoothing, self._image)
        if self._evening is not None:
            flatten(self._evening, row, col, self._image)
        self._window[:2] = row, col
        return fit(
            self._image,
            self._window,
            template.points,
            template.modes,
            template.steepest,
            template.inverse_hessian,
            template.prior_mean,
            template.prior_precision,
            template.photometric,
            template.norm,
            template.row_scale,
            template.col_scale,
            iterations,
            TOLERANCE,
            params,
            self._scratch,
            self._steps,
            self._result,
        )

    def reach_px(self, range_mm: tuple[float, float]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return first and last (row, col) of the image that fits from translations up to `range_mm` read.

        They are image pixels and may lie outside the image.
        """
        template = self.template
        scale = np.array([template.row_scale, template.col_scale])
        off = np.ceil(np.asarray(range_mm) * scale).astype(int) + 1
        first = np.array(self._corner) - off
        last = np.array(self._corner) + np.array(self._image.shape) + off
        return first * template.factor, last * template.factor - 1

    @property
    def correlation(self) -> float:
        """Correlation coefficient of frame and template after the last fit, -1 to 1."""
        return float(self._result[CORRELATION])

    @property
    def inside(self) -> float:
        """Share of the template's points that lay inside the frame, 0-1."""
        return float(self._result[INSIDE])

    @property
    def penalty(self) -> float:
        """Squared distance of the parameters from the prior's mean, in standard deviations."""
        return float(self._result[PENALTY])

    @property
    def misfit(self) -> float:
        """Minus twice the log posterior of the last fit, up to a constant; lower is better."""
        explained = max(self.correlation, 0.05)
        return self.template.norm**2 * (1.0 / explained**2 - 1.0) + self.penalty
