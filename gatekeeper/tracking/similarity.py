"""Compare a frame with the template at a fitted position: in patches, in detail, and in the target."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.template import Template
from kernels.similarity import compare, even_detail

PATCH_MM = 12.0
"""Least side of the patches in which frame and template are compared, in mm."""
FEWEST_POINTS = 6
"""Least number of points of such a patch."""
DETAIL_MM = 6.0
"""Least side of the patches in which detail is compared, in mm."""
FEWEST_IN_DETAIL = 3
"""Least number of points of such a patch."""

TARGET_SHARE = 0.3
"""Share of its points in or next to the target from which on a patch is one of the target."""
POINTS_ALIKE = 4.0
"""Number of neighbouring points that smoothing makes alike, so that they count as one."""

CONTRAST_ERRORS = 1.0
"""Number of standard errors that are added to the contrast of the target, as noise may lower it."""


class Similarity(NamedTuple):
    """Similarity of a frame and the template at the fitted position; 1 for the template itself.

    A wrong position may correlate with the template at coarse scale, but hardly in every patch or in fine detail.
    When the target itself is lost in noise, its surroundings determine their own position but not the target's.

    Attributes
    ----------
    patches : float
        Mean correlation coefficient within patches, -1 to 1.
    detail : float
        Slope of the regression of frame on template within small patches, see `kernels.similarity.detail`.
    target : float
        Correlation coefficient in the target and next to it, corrected for noise, -1 to 1.
    """

    patches: float
    detail: float
    target: float


class Evenness(NamedTuple):
    """How evenly the parts of the target are like those of the template.

    Attributes
    ----------
    slope : float
        Slope of the regression of frame on template in patches of the target, each of which counts alike as far as
        noise allows, see `kernels.similarity.even_detail`: 1 for the template itself. A part that slides along a
        strong edge may be similar as a whole, but not in its patches without one.
    seen : float
        How much of these patches noise leaves to be seen, 0-1.
    """

    slope: float
    seen: float


SMALLER_THAN_PATCHES = Evenness(1.0, 1.0)
"""Evenness of a target that is smaller than a patch, whose parts cannot be compared."""


class Comparison:
    """Compare frames with a template, in buffers that are allocated once.

    Parameters
    ----------
    template : Template
        The template.
    """

    def __init__(self, template: Template) -> None:
        self._template, self._weight = template, template.points[2]
        patches = _patches(template, PATCH_MM, FEWEST_POINTS)
        details = _patches(template, DETAIL_MM, FEWEST_IN_DETAIL)
        target = np.where(template.in_target, 0, -1).astype(np.int32)
        self._points = _target_points(template, patches)
        self._even = np.zeros(2) if self._points.any() else None
        self._target_points = int(np.count_nonzero(template.in_target))
        self._coarse, self._fine = int(patches.max()) + 1, int(details.max()) + 1
        first = np.array([0, self._coarse, self._coarse + self._fine], np.int32)
        divisions = np.stack([patches, details, target], axis=1)
        self._patches = np.ascontiguousarray(np.where(divisions < 0, -1, divisions + first), np.int32)
        # The last one is the target.
        self._sums = np.zeros((self._coarse + self._fine + 1, 6))

    def run(self, residual: NDArray[np.float32], scale: float, noise: float) -> Similarity:
        """Return the similarity of frame and template.

        Parameters
        ----------
        residual : ndarray of float32, shape (N,)
            Weighted difference of frame and template, see `TemplateFit.residual`.
        scale : float
            Factor that undoes how it is scaled down, see `TemplateFit.residual_scale`.
        noise : float
            Noise variance, in units of the template's.

        Returns
        -------
        Similarity
            NaN where it is not defined.
        """
        return Similarity(
            *compare(
                self._template.values,
                self._weight,
                residual,
                scale,
                noise,
                self._patches,
                self._sums,
                self._coarse,
                self._fine,
            )
        )

    def evenness(self, noise: float) -> Evenness:
        """Return how evenly the target was like the template in the last `run`.

        Parameters
        ----------
        noise : float
            Noise variance, in units of the template's.
        """
        if self._even is None:
            return SMALLER_THAN_PATCHES
        even_detail(self._sums[: self._coarse], self._points, noise, self._even)
        slope, seen = self._even.tolist()
        return Evenness(slope, seen)

    @property
    def contrast(self) -> float:
        """Contrast of the target on the frame over that on the template, in the last `run`; NaN if it is not defined.

        It is the slope of the regression of frame on template in the target, which noise does not change and a target
        that is not there lowers, at its upper limit of confidence.
        """
        mass, template, frame, template_square, frame_square, product = self._sums[-1].tolist()
        variance = template_square - template * template / mass
        if not variance > 0.0:
            return math.nan
        covariance = product - template * frame / mass
        unexplained = max(frame_square - frame * frame / mass - covariance * covariance / variance, 0.0)
        return float(covariance / variance + CONTRAST_ERRORS * math.sqrt(unexplained / variance / self._target_points))

    @property
    def unexplained(self) -> float:
        """Ratio of unexplained to explained variance of the frame in the target, in the last `run`; noise counts."""
        mass, template, frame, template_square, frame_square, product = self._sums[-1].tolist()
        variances = (template_square - template * template / mass) * (frame_square - frame * frame / mass)
        covariance = product - template * frame / mass
        if not (variances > 0.0 and covariance > 0.0):
            return math.inf
        return max(float(variances / covariance**2) - 1.0, 0.0)


def _patches(template: Template, side_mm: float, fewest: int) -> NDArray[np.int32]:
    """Return the patch of each point, numbered from 0, or -1 for points in patches with too few of them.

    The side is doubled until at least half of the points belong to a patch.
    """
    while True:
        side_px = side_mm * np.array([template.row_scale, template.col_scale])
        cell = np.floor(template.points[:2].T / side_px).astype(int)
        _, patch, count = np.unique(cell, axis=0, return_inverse=True, return_counts=True)
        kept = count >= fewest
        if 2 * count[kept].sum() >= len(cell):
            number = np.where(kept, np.cumsum(kept) - 1, -1)
            return np.ascontiguousarray(number[patch.ravel()], dtype=np.int32)
        side_mm *= 2.0


def _target_points(template: Template, patches: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the number of independent points of each patch of the target; 0 for the others."""
    kept = patches >= 0
    points = np.bincount(patches[kept])
    inside = np.bincount(patches[kept], weights=template.in_target[kept])
    return np.where(inside > TARGET_SHARE * points, points / POINTS_ALIKE, 0.0)
