"""Fit a template to frames in buffers that are allocated once."""

import math

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.similarity import Comparison, Evenness, Similarity
from gatekeeper.tracking.template import DIFFERENCE_SHARE, Template
from gatekeeper.tracking.translation import Params, translation_mm
from kernels.deformation import LEAST_EXPLAINED, RESULTS
from kernels.template_fit import fit_frame

SLACK = 5
"""Margin around the translated template that is read to allow for deformation, in pixels of the region's image."""

TOLERANCE = 0.001
"""A fit ends when no parameter changes by more than this, in standard deviations."""

SUITED_SHARE = 0.2
"""Ratio of unexplained to explained variance that the stiffness of a large target's templates suits."""

SLANT = 0.35
"""Growth of the standard deviation of the translation along the axis along which less is expected, per translation
along the other one: a deep breath moves organs obliquely."""


class TemplateFit:
    """Fit one template to frames.

    Parameters
    ----------
    template : Template
        The template to fit.
    shape : tuple of int
        Rows and columns of the frames.
    bias_correction : ndarray of float32, optional
        Correction factors on the template's grid for a static bias field.
    stiffness : float, optional
        Stiffness of the template, see `make_template`; the margin for the deformation is divided by it.
    slack : int, optional
        Margin for the deformation around the translated template, in pixels of the region's image.
    reject : float, optional
        Residual from which on a point has no effect, see `kernels.deformation.fit`; by default all have.
    slant : float, optional
        See `SLANT`; by default the prior is the template's.
    expected : float, optional
        Ratio by which more deformation is expected than the template's prior says, when fits are judged.
    ratios : tuple of float, optional
        Ratios by which the deformation may be stiffer than the template's, ascending, see `suit`; 1 is one of them.

    Attributes
    ----------
    expected_mm : tuple of float or None
        Expected translation along rows and columns in mm; None for the reference position.
    variance : float
        Weighted variance of the template.
    correlation : float
        Correlation coefficient of frame and template after the last fit, -1 to 1.
    inside : float
        Share of the template's points inside the frame in the last fit, 0-1.
    """

    def __init__(
        self,
        template: Template,
        shape: tuple[int, ...],
        bias_correction: NDArray[np.float32] | None = None,
        stiffness: float = 1.0,
        slack: int = SLACK,
        reject: float = 0.0,
        slant: float = 0.0,
        expected: float = 1.0,
        ratios: tuple[float, ...] = (1.0,),
    ) -> None:
        self.template = template
        self._expected = expected**2
        self._ratios = ratios
        self._stiffer = [
            (template.prior, template.inverse_hessian, template.error_mm) if ratio == 1.0 else template.stiffer(ratio)
            for ratio in ratios
        ]
        self._chosen = ratios.index(1.0)
        count, size = template.modes.shape
        slack = math.ceil(slack / (template.factor * stiffness))
        low, high = template.points[:2].min(axis=1), template.points[:2].max(axis=1)
        self._corner = (int(low[0]) - slack, int(low[1]) - slack)
        window = (int(high[0] - low[0]) + 1 + 2 * slack, int(high[1] - low[1]) + 1 + 2 * slack)
        self._image = np.zeros(window, np.float32)
        self._scratch = np.zeros((3, size), np.float32)
        self._result = np.zeros(RESULTS)
        self.correlation = self.inside = self._squares = 0.0
        self.expected_mm: tuple[float, float] | None = None
        self._moved_points = template.points.copy()
        self._prior, self._slant = template.prior.copy(), slant
        self.variance = template.norm**2 / float(np.square(template.points[2], dtype=np.float64).sum())
        self._comparison = Comparison(template)
        # The frame extends half a pixel beyond its outermost pixel centres.
        ends = [(-0.5, extent - 0.5) for extent in shape]
        shift = 0.5 * (template.factor - 1)
        bounds = np.array([0.0, 0.0, *((end - shift) / template.factor for pair in ends for end in pair)])
        # What the kernel takes on every frame.
        self._fixed = (
            template.factor,
            template.share,
            np.zeros((0, 0), np.float32) if bias_correction is None else bias_correction,
            self._image,
            np.zeros_like(self._image),
            bounds,
            template.modes,
            template.steepest,
            template.photometric,
            template.norm,
            template.row_scale,
            template.col_scale,
            TOLERANCE,
            reject,
            self._scratch,
            np.zeros((2, max(2 * count, len(template.photometric))), np.float32),
            self._result,
        )

    def suit(self, unexplained: float) -> bool:
        """Choose how stiff the next fits are by what a fit leaves unexplained; return True when this changes.

        The template's own stiffness suits residuals of `SUITED_SHARE`. The more is left, the less it tells, and the
        more of it a fit would explain by deformation that is not there.

        Parameters
        ----------
        unexplained : float
            Ratio of unexplained to explained variance.
        """
        wanted, before = unexplained / SUITED_SHARE, self._chosen
        self._chosen = 0
        while (
            self._chosen + 1 < len(self._ratios)
            and wanted > self._ratios[self._chosen] * self._ratios[self._chosen + 1]
        ):
            self._chosen += 1
        if self._chosen == before:
            return False
        self._prior[:] = self._stiffer[self._chosen][0]
        return True

    def fit(self, image: NDArray[np.float32], params: Params, iterations: int) -> bool:
        """Fit the template to a frame; see `kernels.deformation.fit`.

        Parameters
        ----------
        image : ndarray of float32, shape (H, W)
            The frame.
        params : ndarray of float32, shape (2 K,)
            Initial parameters; receives the result.
        iterations : int
            Upper limit of the number of iterations.

        Returns
        -------
        bool
            True when the result is finite.
        """
        template = self.template
        row, col = self._corner_of_window(params)
        points, half = template.points, len(params) // 2
        expected_mm = self.expected_mm
        if expected_mm is not None:
            # With the points at the expected place the displacement from there is fitted, which is expected to be 0.
            points = self._moved_points
            np.add(template.points[0], expected_mm[0] * template.row_scale, out=points[0])
            np.add(template.points[1], expected_mm[1] * template.col_scale, out=points[1])
            params[0] -= expected_mm[0] / TRANSLATION_SD_MM
            params[half] -= expected_mm[1] / TRANSLATION_SD_MM
        prior, inverse_hessian = self._prior_from(params), self._stiffer[self._chosen][1]
        found = fit_frame(image, row, col, points, prior, inverse_hessian, iterations, params, *self._fixed)
        _, self.correlation, _, self.inside, self._squares = self._result.tolist()
        if expected_mm is not None:
            params[0] += expected_mm[0] / TRANSLATION_SD_MM
            params[half] += expected_mm[1] / TRANSLATION_SD_MM
        return found

    def _prior_from(self, params: Params) -> NDArray[np.float32]:
        """Return the prior for a fit from `params`, no narrower than that of the Hessian, so that the fit converges."""
        prior, half = self._stiffer[self._chosen][0], len(params) // 2
        if self._slant > 0.0 and prior[0] != prior[half]:
            along, across = (0, half) if prior[0] < prior[half] else (half, 0)
            along_mm = float(params[along]) * TRANSLATION_SD_MM
            narrow_mm2 = TRANSLATION_SD_MM**2 / float(prior[across])
            self._prior[across] = TRANSLATION_SD_MM**2 / (narrow_mm2 + (self._slant * along_mm) ** 2)
        return self._prior

    def window_px(self, params: Params) -> tuple[int, int, int, int]:
        """Return the first and one beyond the last row and column that a fit from `params` reads.

        They are image pixels (top, bottom, left, right) and may lie outside the image.
        """
        (row, col), (rows, cols), factor = self._corner_of_window(params), self._image.shape, self.template.factor
        return row * factor, (row + rows) * factor, col * factor, (col + cols) * factor

    def _corner_of_window(self, params: Params) -> tuple[int, int]:
        """Return the window's corner as (row, col) on the template's grid."""
        template, (row, col), (down_mm, right_mm) = self.template, self._corner, translation_mm(params)
        return row + round(down_mm * template.row_scale), col + round(right_mm * template.col_scale)

    def reach_px(self, range_mm: tuple[float, float]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the first and last (row, col) that fits from translations up to `range_mm` read.

        They are image pixels and may lie outside the image.
        """
        template = self.template
        scale = np.array([template.row_scale, template.col_scale])
        off = np.ceil(np.asarray(range_mm) * scale).astype(int) + 1
        first = np.array(self._corner) - off
        last = np.array(self._corner) + np.array(self._image.shape) + off
        return first * template.factor, last * template.factor - 1

    @property
    def unexplained(self) -> float:
        """Ratio of unexplained to explained variance of the frame after the last fit; infinite without correlation."""
        return max(1.0 / self.correlation**2 - 1.0, 0.0) if self.correlation > 0.0 else math.inf

    def error_mm(self, noise: float = 0.0) -> float:
        """Return the expected position error of the last fit, from the noise of frame and template, in mm.

        The template is taken to be as noisy as the frame, except for what is known to be noise of the frame alone.

        Parameters
        ----------
        noise : float, optional
            Ratio of such noise to explained variance.
        """
        unexplained = self.unexplained
        of_template = max(unexplained - noise, 0.0)
        return self._stiffer[self._chosen][2] * math.sqrt(unexplained * (1.0 + of_template))

    @property
    def residual(self) -> NDArray[np.float32]:
        """Weighted difference of frame and template after the last fit, over `residual_scale`; the next overwrites it.

        It is limited, and 0 outside the frame, see `kernels.deformation.fit`.
        """
        residual: NDArray[np.float32] = self._scratch[2]
        return residual

    @property
    def residual_scale(self) -> float:
        """Factor that undoes how `kernels.deformation.fit` scales down the residual of a poor fit."""
        return max(LEAST_EXPLAINED / self.correlation, 1.0) if self.correlation > 0.0 else 1.0

    def similarity(self, noise: float) -> Similarity:
        """Return the similarity of frame and template after the last fit.

        Parameters
        ----------
        noise : float
            Ratio of noise variance to explained variance.

        Returns
        -------
        Similarity
            NaN where it is not defined.
        """
        return self._comparison.run(self.residual, self.residual_scale, noise * self.variance)

    def evenness(self, noise: float) -> Evenness:
        """Return how evenly the target is like the template, after `similarity`.

        Parameters
        ----------
        noise : float
            Ratio of noise variance, of frame and template together, to explained variance.
        """
        return self._comparison.evenness(noise * self.variance)

    @property
    def contrast(self) -> float:
        """Contrast of the target on the frame over that on the template, after `similarity`; see `Comparison`."""
        return self._comparison.contrast

    @property
    def unexplained_in_target(self) -> float:
        """Ratio of unexplained to explained variance in the target, after `similarity`; see `Comparison`."""
        return self._comparison.unexplained

    @property
    def penalty(self) -> float:
        """Sum of the squared parameters of the last fit, in expected standard deviations."""
        return self._squares / self._judged

    def bending(self, params: Params) -> float:
        """Return `penalty` without the translation, for the `params` of the last fit."""
        prior, half = self._prior, len(params) // 2
        down_mm, right_mm = (0.0, 0.0) if self.expected_mm is None else self.expected_mm
        moved = float(prior[0]) * float(params[0] - down_mm / TRANSLATION_SD_MM) ** 2
        moved += float(prior[half]) * float(params[half] - right_mm / TRANSLATION_SD_MM) ** 2
        return max(self.penalty - moved / self._judged, 0.0)

    @property
    def _judged(self) -> float:
        """Ratio of the variance of the deformation that is expected when fits are judged to that of the prior."""
        return self._expected * self._ratios[self._chosen] ** 2

    def misfit(self, typical_unexplained: float) -> float:
        """Return minus twice the log posterior of the last fit, up to a constant; lower is better.

        Parameters
        ----------
        typical_unexplained : float
            Typical ratio of unexplained to explained variance; where it exceeds `DIFFERENCE_SHARE`, the excess is noise
            and lowers the weight of the residual.

        Returns
        -------
        float
            Misfit of the residual plus `penalty`.
        """
        unexplained = 1.0 / max(self.correlation, 0.05) ** 2 - 1.0
        return self.template.norm**2 * unexplained / max(typical_unexplained / DIFFERENCE_SHARE, 1.0) + self.penalty
