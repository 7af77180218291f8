"""Workspace: the buffers of one tracker, made once, and the fit of a template that works in them."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.template import DIFFERENCE_SHARE, Template
from kernels.bias_field import remove_bias_field
from kernels.deformation import CORRELATION, INSIDE, LEAST_EXPLAINED, PENALTY, RESULTS, fit
from kernels.pyramid import block_mean, smooth
from kernels.similarity import accumulate, detail, similarity, similarity_without_noise

SLACK = 5
"""Pixels of the region's image around the moved template that are read besides, for the deformation."""

TOLERANCE = 0.001
"""A fit ends when no parameter moves by more than this share of its standard deviation."""

PATCH_MM = 12.0
"""Side of the patches in each of which frame and template are compared, in mm, where points lie close enough."""
FEWEST_POINTS = 6
"""A patch of fewer points says nothing."""
DETAIL_MM = 6.0
FEWEST_IN_DETAIL = 3
"""The same for the patches in which detail is looked for, all of which count together."""

Params = NDArray[np.float32]


class Similarity(NamedTuple):
    """How like a frame is to the template at the place where it was fitted; 1 is the template itself.

    A wrong place may look alike as a whole, by the course from dark to bright; it hardly is in every patch, nor in
    detail. And where the target itself is all noise, its surroundings say where they are, not where the target is.

    Attributes
    ----------
    patches : float
        Mean correlation coefficient within patches, -1 to 1.
    detail : float
        How much of what the template shows in detail the frame shows, too.
    target : float
        Correlation coefficient in the target and next to it, -1 to 1, as it would be without noise.
    """

    patches: float
    detail: float
    target: float


class TemplateFit:
    """One template with the buffers to fit it.

    Parameters
    ----------
    template : Template
        What to fit.
    shape : tuple of int
        Rows and columns of the frames.
    evening : ndarray of float32, optional
        Factors on the template's grid that even out what stands still in the frames.
    stiffness : float, optional
        See `make_template`: what is read around the moved template, for the deformation, is so many times less.
    """

    def __init__(
        self,
        template: Template,
        shape: tuple[int, ...],
        evening: NDArray[np.float32] | None = None,
        stiffness: float = 1.0,
    ) -> None:
        self.template = template
        self._evening = evening
        count, size = template.modes.shape
        slack = math.ceil(SLACK / (template.factor * stiffness))
        low, high = template.points[:2].min(axis=1), template.points[:2].max(axis=1)
        self._corner = (int(low[0]) - slack, int(low[1]) - slack)
        window = (int(high[0] - low[0]) + 1 + 2 * slack, int(high[1] - low[1]) + 1 + 2 * slack)
        self._image = np.zeros(window, np.float32)
        self._smoothing = np.zeros(window, np.float32)
        self._scratch = np.zeros((3, size), np.float32)
        self._steps = np.zeros((2, max(2 * count, len(template.photometric))), np.float32)
        self._result = np.zeros(RESULTS)
        self._variance = template.norm**2 / float(np.square(template.points[2], dtype=np.float64).sum())
        patches = _patches(template, PATCH_MM, FEWEST_POINTS)
        details = _patches(template, DETAIL_MM, FEWEST_IN_DETAIL)
        target = np.where(template.in_target, 0, -1).astype(np.int32)
        self._patches, self._details, self._target = (
            (patch, np.zeros((int(patch.max()) + 1, 6))) for patch in (patches, details, target)
        )
        # The frame ends half a pixel beyond its outermost pixel centres.
        ends = [(-0.5, extent - 0.5) for extent in shape]
        shift = 0.5 * (template.factor - 1)
        self._window = np.array([0.0, 0.0, *((end - shift) / template.factor for pair in ends for end in pair)])

    def fit(self, image: NDArray[np.float32], params: Params, iterations: int) -> bool:
        """Fit the template to a frame (H, W), starting from and ending in `params`; see `kernels.deformation.fit`."""
        template = self.template
        row, col = self._place(params)
        block_mean(image, row * template.factor, col * template.factor, template.factor, self._image)
        smooth(self._image, template.share, self._smoothing, self._image)
        if self._evening is not None:
            remove_bias_field(self._evening, row, col, self._image)
        self._window[:2] = row, col
        return fit(
            self._image,
            self._window,
            template.points,
            template.modes,
            template.steepest,
            template.prior,
            template.inverse_hessian,
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

    def window_px(self, params: Params) -> tuple[int, int, int, int]:
        """Return first and one beyond the last row and column of the image that a fit from `params` reads.

        They may lie outside the image.
        """
        (row, col), (rows, cols), factor = self._place(params), self._image.shape, self.template.factor
        return row * factor, (row + rows) * factor, col * factor, (col + cols) * factor

    def _place(self, params: Params) -> tuple[int, int]:
        """Return (row, col) of the window's corner on the template's grid."""
        template = self.template
        down_px = params[0] * TRANSLATION_SD_MM * template.row_scale
        right_px = params[len(params) // 2] * TRANSLATION_SD_MM * template.col_scale
        return self._corner[0] + round(float(down_px)), self._corner[1] + round(float(right_px))

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
    def unexplained(self) -> float:
        """Variance of the frame that the template does not explain, over that which it does, after the last fit."""
        return max(1.0 / self.correlation**2 - 1.0, 0.0)

    @property
    def error_mm(self) -> float:
        """Error of the position that the last fit expects: noise of the frame, and that times noise of the template."""
        left = self.unexplained
        return self.template.error_mm * math.sqrt(left * (1.0 + left))

    def likeness(self, noise: float) -> Similarity:
        """Return how frame and template compare after the last fit.

        Parameters
        ----------
        noise : float
            Variance of the noise over that which the template explains.
        """
        template, residual = self.template, self._scratch[2]
        # The residual of a bad fit was made smaller than it is.
        scale = max(LEAST_EXPLAINED / self.correlation, 1.0) if self.correlation > 0.0 else 1.0
        for patches, sums in (self._patches, self._details, self._target):
            accumulate(template.values, template.points[2], residual, scale, patches, sums)
        in_target = similarity_without_noise(self._target[1], noise * self._variance)
        return Similarity(similarity(self._patches[1]), detail(self._details[1]), in_target)

    @property
    def inside(self) -> float:
        """Share of the template's points that lay inside the frame, 0-1."""
        return float(self._result[INSIDE])

    @property
    def penalty(self) -> float:
        """Sum of the squared parameters, each in standard deviations of what is expected."""
        return float(self._result[PENALTY])

    def bending(self, params: Params) -> float:
        """Return that sum for `params`, which the last fit has found, without the translation."""
        prior, half = self.template.prior, len(params) // 2
        moved = float(prior[0]) * float(params[0]) ** 2 + float(prior[half]) * float(params[half]) ** 2
        return max(self.penalty - moved, 0.0)

    def misfit(self, usual: float) -> float:
        """Return minus twice the log posterior of the last fit, up to a constant; lower is better.

        Parameters
        ----------
        usual : float
            Unexplained over explained variance of frames like this one; where it is more than a template allows for,
            that much is noise.
        """
        unexplained = 1.0 / max(self.correlation, 0.05) ** 2 - 1.0
        return self.template.norm**2 * unexplained / max(usual / DIFFERENCE_SHARE, 1.0) + self.penalty


def _patches(template: Template, side_mm: float, fewest: int) -> NDArray[np.int32]:
    """Return to which patch each point belongs, numbered from 0; -1 for those in patches of too few points.

    Where points lie far apart, patches are larger, so that half of the points or more belong to one.
    """
    while True:
        side_px = side_mm * np.array([template.row_scale, template.col_scale])
        place = np.floor(template.points[:2].T / side_px).astype(int)
        _, patch, count = np.unique(place, axis=0, return_inverse=True, return_counts=True)
        kept = count >= fewest
        if 2 * count[kept].sum() >= len(place):
            number = np.where(kept, np.cumsum(kept) - 1, -1)
            return np.ascontiguousarray(number[patch.ravel()], dtype=np.int32)
        side_mm *= 2.0
