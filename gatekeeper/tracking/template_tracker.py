"""Track one target from frame to frame, in buffers that are allocated once."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.track import Track
from gatekeeper.tracking.confidence import LARGEST_DEVIANCE, fit_confidence, fit_doubt
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.displacement_field import DisplacementField
from gatekeeper.tracking.frame_noise import FrameNoise
from gatekeeper.tracking.model import Model
from gatekeeper.tracking.motion_history import MotionHistory
from gatekeeper.tracking.patch_search import PatchSearch
from gatekeeper.tracking.starts_around import StartsAround
from gatekeeper.tracking.surroundings import Surroundings
from gatekeeper.tracking.template_fit import SLACK, SLANT, Params, TemplateFit
from gatekeeper.tracking.usual_places import CERTAIN, UsualPlaces
from kernels.polygon import centroid
from kernels.warp import warp_contour

COARSE_ITERATIONS = 6
FINE_ITERATIONS = 4

REJECT = 6.0
"""Residual from which on a point of a large target has no effect, in robust standard deviations."""
EXPECTED = 4.0
"""Ratio by which more deformation of a large target is expected than its stiff templates say, when fits are judged."""
WIDE_SPREADS = 1.5
"""Margin that is read around a large target for the wide part of its deformation, in its standard deviations."""
RIM_MM = 2.0
"""Greatest distance of patches from a large target, in mm."""
ENOUGH_AGREE = 0.3
"""Share of the patches that agree on a deformation from which on no further candidate is looked at."""

LARGEST_JUMP_DEVIANCE = 20.0
"""Cap of the jump penalty, about 4.5 standard deviations, so that a sudden deep breath can be tracked."""
LARGEST_PATH_DEVIANCE = 20.0
"""Cap of the penalty for the distance from the path of breathing, which the liver leaves after a deep breath."""
BEYOND_MM = 5.0
"""How far outside the search range a fit may end; further out it is rejected."""

GOOD_CORRELATION = 0.8
"""Correlation from which on a coarse fit that agrees with the best match of the search is accepted at once."""

# The following limits apply to the ratio of unexplained to explained variance that is typical of recent frames.
NOISY = 0.3
"""Ratio from which on frames are mostly noise."""
STIFF_FROM, STIFF_ALONE_FROM = 0.2, 0.5
"""Ratio from which on the stiff model contributes to the position, and from which on it determines it alone."""
LOST_IN_NOISE = 0.8
"""Ratio from which on the presence of the target cannot be established. It does not apply without a stiff model, as
during learning from a preview."""
TYPICAL_FRAMES, TYPICAL_UNSURE_FRAMES = 20, 200
"""Time constants of the running mean, in frames: in general, and after the first ones for frames of low confidence."""
MOST_UNEXPLAINED = 1.0
"""Cap of the ratio of one frame in the running mean, as it is unlimited on a frame that does not show the target."""
OUTLIER = 1.5
"""Ratio of one frame over the typical one above which the excess is not noise: the frame shows something else."""

RECENT_FRAMES = 8
"""Time constant of the mean of the recent contrast of the target, in frames: noise changes that of a single frame."""
LEAST_USUAL_CONTRAST = 0.75
"""Lower limit of the usual contrast of the target."""

CONFIDENT = 0.5
"""Confidence from which on a position is the start for the next frame."""

CONFIRMED_MM, NEAR_MM = 8.0, 5.0
"""Distance from where the tissue around it is, up to which a target at a usual place is confirmed, and from which on it
is not believed to be elsewhere, in mm."""

ReadAll = Callable[[], NDArray[np.float32] | None]
ReadRegion = Callable[[int, int, int, int], NDArray[np.float32] | None]


class TemplateTracker:
    """Fit a model to one frame after the other.

    Parameters
    ----------
    model : Model
        The model to fit.

    Attributes
    ----------
    params : ndarray of float32, shape (2 K,)
        Displacement on the last frame, in standard deviations of each mode; read-only.
    unexplained : float
        Ratio of unexplained to explained variance of the last frame; infinite when the target was not found.
    typical_unexplained : float
        Running mean of this ratio: noise and other differences between frames.
    field : DisplacementField
        Displacement of the tissue by `params`.
    history : MotionHistory or None
        Sure displacements so far, which tell what motion of a large target is expected; None for a small one.
    noise : FrameNoise or None
        Noise of the frames; None for a target that is not large.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        shape = model.region.image.shape
        fine, coarse = model.fine, model.coarse
        slack, reject, expected, self.patches = SLACK, 0.0, 1.0, None
        slant = SLANT if model.is_large else 0.0
        wide = model.deformation.wide
        if wide is not None:
            slack, reject = SLACK + math.ceil(WIDE_SPREADS * wide.sd_mm / min(model.region.spacing_mm)), REJECT
            expected = EXPECTED
            self.patches = PatchSearch(coarse.grid, model.deformation, RIM_MM)
        self.fine = tuple(
            TemplateFit(
                template, shape, fine.bias_correction, slack=slack, reject=reject, slant=slant, expected=expected
            )
            for template in fine.templates
        )
        self.coarse = TemplateFit(
            coarse.templates[0],
            shape,
            coarse.bias_correction,
            slack=slack,
            reject=reject,
            slant=slant,
            expected=expected,
        )
        self.noise = FrameNoise(self.fine[0]) if model.is_large else None
        self.stiff: TemplateFit | None = None
        self.stiff_coarse = self.coarse
        if model.stiff is not None:
            self.stiff, self.stiff_coarse = (
                TemplateFit(scale.templates[0], shape, stiffness=scale.stiffness)
                for scale in (model.stiff.fine, model.stiff.coarse)
            )
        self._levels = [self.coarse, *self.fine, self.stiff_coarse, *([] if self.stiff is None else [self.stiff])]
        self._starts = StartsAround(model.count)
        self._spread_mm = 0.0
        self._usual = UsualPlaces()
        self._surroundings_mm: tuple[float, float] | None = None
        self.search = model.search()
        self.surroundings = None if model.is_large else Surroundings(model)
        self.field = DisplacementField(model.region, model.deformation, model.config.context_mm)
        self._contour_px = model.region.contour_px.copy()
        model.region.scale_to_frame(self._contour_px)
        self._range_mm = model.search_mm
        # Small targets keep what sessions of earlier versions were decided by.
        self.history: MotionHistory | None = None
        if model.is_large:
            reach_mm = self._range_mm[0] + BEYOND_MM, self._range_mm[1] + BEYOND_MM
            self.history = MotionHistory(model.motion_prior, reach_mm, model.preview_mm)
        self.params, self._trial, self._fine, self._last, self._previous = np.zeros((5, model.count), np.float32)
        self.restart()

    def restart(self) -> None:
        """Forget all frames, and start again at the reference position."""
        for params in (self.params, self._last, self._previous):
            params[:] = 0.0
        self._frames_lost = self._frames_stayed = 0
        self._usual.restart()
        if self.history is not None:
            self.history.restart()
        self.unexplained, self.typical_unexplained = math.inf, NOISY
        # The initial values count as one frame.
        self._frames_counted = 1
        self._usual_contrast, self._contrasts_counted = 1.0, 1
        self._recent_contrast = 1.0
        if self.noise is not None:
            self.noise.restart()

    def locate(
        self, frame: NDArray[np.float32] | None, read: ReadRegion | None = None, read_all: ReadAll | None = None
    ) -> float:
        """Locate the target on a frame, and return the confidence.

        Parameters
        ----------
        frame : ndarray of float32, shape (h, w), or None
            Frame at working resolution, see `ResampledFrame`; None for one that cannot be used.
        read : callable, optional
            Returns the image for the fine fit, see `ResampledFrame.read`; by default it is `frame`.
        read_all : callable, optional
            Returns the frame beyond `reach`, see `ResampledFrame.beyond_reach`; without it a small target is not
            compared with the tissue around it.

        Returns
        -------
        float
            0 (lost) to 1 (certain).
        """
        confidence, self.unexplained = 0.0, math.inf
        contrast = math.nan
        if frame is not None:
            if self._start(frame):
                confidence, contrast = self._refine(frame, read)
            if self.surroundings is not None and read_all is not None:
                confidence, contrast = self._check(frame, read, read_all, confidence, contrast)
            if confidence >= CONFIDENT and self._contrasts_counted < TYPICAL_FRAMES:
                # Only the first frames count, so that a target that fades away does not become the usual one.
                self._contrasts_counted += 1
                self._usual_contrast += (contrast - self._usual_contrast) / self._contrasts_counted
            if math.isfinite(self.unexplained):
                self._update_typical(confidence)
        if confidence >= CONFIDENT:
            if self.history is not None:
                self.history.add(_translation_mm(self.params), self._frames_lost == 0)
            self._last[:] = self._previous[:] = self.params
            self._usual.found_surely(_translation_mm(self.params))
            self._frames_lost = self._frames_stayed = 0
        else:
            jump = (self.history or self.model.motion_prior).jump_deviance(
                _translation_mm(self._previous), _translation_mm(self.params)
            )
            stayed = confidence > 0.0 and jump < LARGEST_JUMP_DEVIANCE
            self._frames_stayed = self._frames_stayed + 1 if stayed else 0
            self._previous[:] = self.params
            self._frames_lost += 1
            if confidence == 0.0:
                self.params[:] = self._last
        return confidence

    def reach(self) -> tuple[slice, slice]:
        """Return the rows and columns of a frame that search and fits read at most, at working resolution."""
        if self.patches is not None:
            rows, cols = self.model.region.image.shape
            return slice(0, rows), slice(0, cols)
        # The outermost candidate of the search lies up to 1.5 of its pixels beyond the range.
        row_mm, col_mm = (max(BEYOND_MM, 1.5 * pixel_mm) for pixel_mm in self.search.pixel_mm)
        range_mm = self._range_mm[0] + row_mm, self._range_mm[1] + col_mm
        reaches = [self.search.reach_px, *(level.reach_px(range_mm) for level in self._levels)]
        last_px = np.array(self.model.region.image.shape) - 1
        # Includes at least the frame's edge, which repeats beyond it.
        low = np.clip(np.min([first for first, _ in reaches], axis=0), 0, last_px)
        high = np.clip(np.max([last for _, last in reaches], axis=0), low, last_px)
        return slice(int(low[0]), int(high[0]) + 1), slice(int(low[1]), int(high[1]) + 1)

    def track(self, confidence: float) -> Track:
        """Return the track of the last frame, with the confidence that `locate` returned."""
        row_mm, col_mm = self.model.region.frame_spacing_mm
        # Outline and parameters share one block of memory, so that the field costs no allocation of its own.
        size = self._contour_px.size
        block = np.empty(size + len(self.params))
        contour_px, params = block[:size].reshape(-1, 2), block[size:]
        params[:] = self.params
        warp_contour(self._contour_px, self.model.contour_modes, self.params, 1.0 / row_mm, 1.0 / col_mm, contour_px)
        center_px = np.empty(2)
        centroid(contour_px, center_px)
        center_mm = float(center_px[0]) * row_mm, float(center_px[1]) * col_mm
        return Track(contour_px, center_mm, confidence, partial(self.field.displacement_mm, params))

    def _refine(self, frame: NDArray[np.float32], read: ReadRegion | None) -> tuple[float, float]:
        """Fit the template of the nearest state, starting from the coarse fit.

        Returns the confidence and the contrast of the target.
        """
        level = self.fine[self._state()]
        if not self._fit(level, frame, read):
            return 0.0, math.nan
        self.unexplained = level.unexplained
        if self.noise is not None:
            self.noise.update(level)
        similarity, contrast = level.similarity(self._noise()), level.contrast
        bending = math.sqrt(level.bending(self.params) / len(self.params))
        error_mm = level.error_mm(0.0 if self.noise is None else self.noise.share)
        share = min(max((self.typical_unexplained - STIFF_FROM) / (STIFF_ALONE_FROM - STIFF_FROM), 0.0), 1.0)
        if self.stiff is not None and share > 0.0 and self._move_towards(self.stiff, share, frame, read):
            error_mm += share * (self.stiff.error_mm() - error_mm)
        error_mm = math.hypot(error_mm, 0.5 * self._spread_mm)
        doubt = fit_doubt(error_mm, bending, similarity, self._deviance(self.params))
        usual, recent = min(max(self._usual_contrast, LEAST_USUAL_CONTRAST), 1.0), contrast
        if math.isfinite(contrast):
            # Only frames on which nothing else is doubted count, so that a target that was lost is sure again at once.
            if fit_confidence(doubt, level.inside, 1.0) >= CONFIDENT:
                self._recent_contrast += (contrast - self._recent_contrast) / RECENT_FRAMES
            recent = self._recent_contrast
        confidence = fit_confidence(doubt, level.inside, recent / usual)
        if self.stiff is not None and share == 0.0 and 0.0 < confidence < CONFIDENT:
            # The position only: the small deformation of a stiff model says nothing about confidence.
            self._move_towards(self.stiff, 1.0, frame, read)
        return confidence, contrast

    def _check(
        self,
        frame: NDArray[np.float32],
        read: ReadRegion | None,
        read_all: ReadAll,
        confidence: float,
        contrast: float,
    ) -> tuple[float, float]:
        """Compare the position with that of the tissue around the target, and look there where they differ.

        Returns the confidence and the contrast of the target.
        """
        surroundings, found_mm = self.surroundings, _translation_mm(self.params)
        is_usual = confidence > 0.0 and self._usual.include(found_mm)
        if surroundings is None or (
            is_usual and self._usual.need_no_check(found_mm, confidence, CONFIDENT, self._frames_lost == 0)
        ):
            return confidence, contrast
        whole = read_all()
        if whole is None or not surroundings.run(whole):
            return confidence, contrast
        expected_mm = surroundings.moved_mm
        away_mm = math.dist(found_mm, expected_mm)
        if (is_usual and away_mm <= CONFIRMED_MM) or (confidence >= CERTAIN and away_mm <= NEAR_MM):
            self._usual.confirmed(found_mm, confidence)
            return confidence, contrast
        self._usual.contradicted()
        self._expect(expected_mm)
        coarse, typical = self._coarse_level(), self.typical_unexplained
        self._spread_mm = self._starts.run(
            coarse, frame, expected_mm, self.params, self._in_range, COARSE_ITERATIONS, typical
        )
        confidence, contrast = self._refine(frame, read)
        if math.dist(_translation_mm(self.params), expected_mm) > NEAR_MM:
            # The distance alone makes the target unsure, see `_deviance`.
            _set_translation(self.params, expected_mm)
        self._expect(None)
        self._spread_mm = 0.0
        return confidence, contrast

    def _expect(self, moved_mm: tuple[float, float] | None) -> None:
        """Let the fits expect a displacement, or none."""
        self._surroundings_mm = moved_mm
        for level in self._levels:
            level.expected_mm = moved_mm

    def _coarse_level(self) -> TemplateFit:
        """Return the coarse template that suits the noise of the frames."""
        return self.coarse if self.typical_unexplained < NOISY else self.stiff_coarse

    def _update_typical(self, confidence: float) -> None:
        """Update the running mean of the unexplained variance with the last frame."""
        self._frames_counted = min(self._frames_counted + 1, TYPICAL_FRAMES)
        unsure = self._frames_counted == TYPICAL_FRAMES and confidence < CONFIDENT
        frames = TYPICAL_UNSURE_FRAMES if unsure else self._frames_counted
        self.typical_unexplained += (min(self.unexplained, MOST_UNEXPLAINED) - self.typical_unexplained) / frames

    def _noise(self) -> float:
        """Return the noise part of the residual variance: all of it, unless the frame is an outlier."""
        if self.noise is not None:
            return self.noise.explained(self.unexplained)
        lost_in_noise = self.typical_unexplained >= LOST_IN_NOISE and self.stiff is not None
        if self.typical_unexplained < NOISY or lost_in_noise:
            return 0.0
        most = OUTLIER * self.typical_unexplained
        return self.unexplained if self.unexplained <= most else most * (most / self.unexplained) ** 2

    def _move_towards(
        self, stiff: TemplateFit, share: float, frame: NDArray[np.float32], read: ReadRegion | None
    ) -> bool:
        """Move `params` by a share of the way to the stiff model's result; return False when that is rejected."""
        self._fine[:] = self.params
        found = self._fit(stiff, frame, read)
        if found:
            self.params -= self._fine
            self.params *= share
            self.params += self._fine
        return found

    def _fit(self, level: TemplateFit, frame: NDArray[np.float32], read: ReadRegion | None) -> bool:
        """Fit a template starting from `params`; return False, and do not change them, when the fit is rejected."""
        image = frame if read is None else read(*level.window_px(self.params))
        self._trial[:] = self.params
        found = (
            image is not None
            and level.fit(image, self._trial, FINE_ITERATIONS)
            and self._in_range(self._trial)
            and level.correlation > 0.0
        )
        if found:
            self.params[:] = self._trial
        return found

    def _start(self, frame: NDArray[np.float32]) -> bool:
        """Set `params` to the best of the coarse fits; return False when all are rejected."""
        least = math.inf
        coarse = self._coarse_level()
        candidates = self.search.run(frame)
        for candidate in range(-1, candidates):
            if candidate < 0:
                self._trial[:] = self._last
            else:
                down_mm, right_mm = self.search.displacement_mm(candidate)
                confirmed = candidate == 0 and least < math.inf and self._is_near(down_mm, right_mm)
                if confirmed and coarse.correlation >= GOOD_CORRELATION:
                    break
                _set_translation(self._trial, (down_mm, right_mm))
            agree = 0.0
            if candidate >= 0 and self.patches is not None:
                agree = self.patches.run(frame, self._trial)
            if coarse.fit(frame, self._trial, COARSE_ITERATIONS) and self._in_range(self._trial):
                misfit = coarse.misfit(self.typical_unexplained) + self._deviance(self._trial)
                if misfit < least:
                    least = misfit
                    self.params[:] = self._trial
                if agree >= ENOUGH_AGREE:
                    break
        return least < math.inf

    def _is_near(self, down_mm: float, right_mm: float) -> bool:
        """Return True when the best fit so far is within one pixel of the search of a candidate."""
        found_mm, pixel_mm = _translation_mm(self.params), self.search.pixel_mm
        return abs(found_mm[0] - down_mm) <= pixel_mm[0] and abs(found_mm[1] - right_mm) <= pixel_mm[1]

    def _state(self) -> int:
        """Return the index of the breathing state nearest to `params`."""
        along_mm = _translation_mm(self.params)[self.model.motion_prior.leading]
        states_mm = self.model.states_mm
        return min(range(len(states_mm)), key=lambda state: abs(states_mm[state] - along_mm))

    def _in_range(self, params: Params) -> bool:
        """Return True when the translation in `params` lies in the search range."""
        down_mm, right_mm = _translation_mm(params)
        reach_down_mm, reach_right_mm = self._range_mm
        return abs(down_mm) <= reach_down_mm + BEYOND_MM and abs(right_mm) <= reach_right_mm + BEYOND_MM

    def _deviance(self, params: Params) -> float:
        """Return minus twice the log prior probability of the translation in `params`."""
        moved_mm = _translation_mm(params)
        if self._surroundings_mm is not None:
            return LARGEST_DEVIANCE * (math.dist(moved_mm, self._surroundings_mm) / NEAR_MM) ** 2
        prior = self.history or self.model.motion_prior
        jump = prior.jump_deviance(_translation_mm(self._last), moved_mm) / (1.0 + self._frames_lost)
        if self._frames_lost:
            # A position found repeatedly, even at low confidence, is increasingly unlikely to be found by chance.
            again = prior.jump_deviance(_translation_mm(self._previous), moved_mm)
            stayed = again + LARGEST_JUMP_DEVIANCE / (1.0 + self._frames_stayed)
            jump = min(jump, stayed)
        path = prior.path_deviance(moved_mm)
        return min(jump, LARGEST_JUMP_DEVIANCE) + min(path, LARGEST_PATH_DEVIANCE)


def _translation_mm(params: Params) -> tuple[float, float]:
    """Return the translation in `params` along rows and columns, in mm."""
    return float(params[0]) * TRANSLATION_SD_MM, float(params[len(params) // 2]) * TRANSLATION_SD_MM


def _set_translation(params: Params, moved_mm: tuple[float, float]) -> None:
    """Set `params` to a translation along rows and columns, in mm, without deformation."""
    params[:] = 0.0
    params[0] = moved_mm[0] / TRANSLATION_SD_MM
    params[len(params) // 2] = moved_mm[1] / TRANSLATION_SD_MM
