"""Track one target from frame to frame, in buffers that are allocated once."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.track import Track
from gatekeeper.tracking.aperture import Aperture
from gatekeeper.tracking.coarse_start import CoarseStart
from gatekeeper.tracking.confidence import (
    HOPELESS_DOUBT,
    LARGE_TARGET,
    NO_DOUBT,
    ORGAN_CM2,
    SETTLED_LARGE_TARGET,
    SMALL_TARGET,
    Limits,
    doubt_in_parts,
    fit_confidence,
    fit_doubt,
)
from gatekeeper.tracking.displacement_field import DisplacementField
from gatekeeper.tracking.frame_noise import FrameNoise
from gatekeeper.tracking.model import Model
from gatekeeper.tracking.patch_search import PatchSearch
from gatekeeper.tracking.position_prior import PositionPrior
from gatekeeper.tracking.similarity import Evenness
from gatekeeper.tracking.starts_around import StartsAround
from gatekeeper.tracking.surroundings import Surroundings
from gatekeeper.tracking.target_fits import make_target_fits
from gatekeeper.tracking.template_fit import TemplateFit
from gatekeeper.tracking.translation import Params, set_translation, translation_mm
from gatekeeper.tracking.typical_fit import TypicalFit
from gatekeeper.tracking.usual_contrast import UsualContrast
from gatekeeper.tracking.usual_places import CONFIRMED_MM, NEAR_MM, UsualPlaces
from gatekeeper.tracking.witness import CLEAR, SLID_CONFIDENCE, SLID_MM, WITNESS_MM, Witness, may_have_slid
from kernels.polygon import area
from kernels.warp import moved_outline

FINE_ITERATIONS = 4
"""Upper limit of the number of iterations of a fine fit."""

RIM_MM = 2.0
"""Greatest distance of patches from a large target, in mm."""
BEYOND_MM, LARGE_BEYOND_MM = 5.0, 10.0
"""How far outside the search range a fit of a small and of a large target may end; further out it is rejected. A large
one that is deformed goes further than any rigid match of it."""

MOST_NOISE = 0.5
"""Upper limit of the noise, over the variance of the template, that may hide the patches of a large target."""

CONFIDENT = 0.5
"""Confidence from which on a position is the start for the next frame."""

HOPELESS = fit_confidence(HOPELESS_DOUBT, 1.0, 1.0)
"""Confidence up to which a fit to a large target tells nothing."""

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
    error_mm : float
        Expected error of the last position that was found, from the noise of the frame, in mm.
    typical : TypicalFit
        Running mean of this ratio.
    prior : PositionPrior
        Where the target is expected.
    field : DisplacementField
        Displacement of the tissue by `params`.
    likely : float
        Confidence in the last fit to a large target before each part of it was asked; where it is sure, the target is
        followed. 0 for a small one.
    last_fit : TemplateFit
        The fine fit that was accepted last.
    noise : FrameNoise
        Noise of the frames.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.fine, self.coarse, self.stiff, self.stiff_coarse = make_target_fits(model)
        self._levels = [self.coarse, *self.fine, self.stiff_coarse, *([] if self.stiff is None else [self.stiff])]
        self.noise = FrameNoise(self.fine[0])
        self.typical, self._contrast = TypicalFit(), UsualContrast()
        self.search, self.patches = model.search(), None
        if model.deformation.wide is not None:
            self.patches = PatchSearch(model.coarse.grid, model.deformation, RIM_MM)
        self._starts = StartsAround(model.count, self._in_range)
        self._spread_mm = self.likely = 0.0
        self._usual = UsualPlaces()
        self._witness = Witness()
        self.surroundings = None if model.is_large else Surroundings(model)
        self._aperture = Aperture(self.coarse, model.region.image.shape, model.coarse.bias_correction)
        self.field = DisplacementField(model.region, model.deformation, model.config.context_mm)
        area_mm2 = abs(area(model.region.contour_mm))
        self._is_organ = model.is_large and area_mm2 >= 100.0 * ORGAN_CM2
        self._has_parts = self.patches is not None and area_mm2 >= 4.0 * self.patches.patch_mm2
        self._contour_px = model.region.contour_px.copy()
        model.region.scale_to_frame(self._contour_px)
        self._range_mm = model.search_mm
        beyond_mm = LARGE_BEYOND_MM if model.is_large else BEYOND_MM
        self._reach_mm = self._range_mm[0] + beyond_mm, self._range_mm[1] + beyond_mm
        self.prior = PositionPrior(model, self._reach_mm)
        self._start = CoarseStart(self.search, self.patches, self.prior, model.count)
        self.params, self._trial, self._fine, self._last = np.zeros((4, model.count), np.float32)
        self.restart()

    def restart(self) -> None:
        """Forget all frames, and start again at the reference position."""
        self.params[:] = self._last[:] = 0.0
        self.unexplained = math.inf
        self.error_mm, self.last_fit = 0.0, self.fine[0]
        for learned in (self.prior, self.typical, self._contrast, self._usual, self.noise):
            learned.restart()

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
        confidence, self.unexplained, self.likely = 0.0, math.inf, 0.0
        contrast = math.nan
        if frame is not None:
            coarse, typical = self._coarse_level(), self.typical.unexplained
            if self._start.run(coarse, frame, self._last, self.params, self._in_range, typical):
                confidence, contrast = self._refine(frame, read)
            if self.patches is not None and confidence < CONFIDENT:
                confidence, contrast = self._again(frame, read, confidence, contrast)
            if self.surroundings is not None and read_all is not None:
                confidence, contrast = self._check(frame, read, read_all, confidence, contrast)
            is_doubted = self.surroundings is not None and CONFIDENT <= confidence < CLEAR
            if is_doubted and self._aperture.is_open(frame, self.params, typical):
                confidence *= SLID_CONFIDENCE
            if confidence >= CONFIDENT:
                self._contrast.found_surely(contrast)
            if math.isfinite(self.unexplained):
                self.typical.update(self.unexplained, confidence >= CONFIDENT)
        moved_mm = translation_mm(self.params)
        if max(confidence, self.likely) >= CONFIDENT:
            self.prior.found_surely(moved_mm)
            self._usual.found_surely(moved_mm)
            self._last[:] = self.params
        else:
            self.prior.lost(moved_mm, confidence > 0.0)
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
        block = np.empty(size + self.params.size)
        row, col = moved_outline(
            self._contour_px, self.model.contour_modes, self.params, 1.0 / row_mm, 1.0 / col_mm, block
        )
        contour_px, params = block[:size].reshape(-1, 2), block[size:]
        field = partial(self.field.displacement_mm, params)
        return Track(contour_px, (row * row_mm, col * col_mm), confidence, field, spread_mm=self.error_mm)

    def _refine(
        self, frame: NDArray[np.float32], read: ReadRegion | None, *, update: bool = True
    ) -> tuple[float, float]:
        """Fit the template of the nearest state, starting from the coarse fit.

        Returns the confidence and the contrast of the target. Unless told otherwise the noise is measured as well.
        """
        level = self.fine[self._state()]
        if self.patches is not None:
            level.suit(self._start.unexplained)
        if not self._fit(level, frame, read):
            return 0.0, math.nan
        self.unexplained, self.last_fit = level.unexplained, level
        if update and self.prior.expected_mm is None:
            # Another fit to the same frame tells nothing new about its noise.
            self.noise.update(level)
        similarity, contrast = level.similarity(self._noise()), level.contrast
        bending = math.sqrt(level.bending(self.params) / len(self.params))
        noise, doubted = (self.noise.share, 1.0) if self.model.is_large else (0.0, 1.0)
        if self._spread_mm < WITNESS_MM and self._witness.is_at(translation_mm(self.params)):
            # Noise that begins with this frame is not known yet, so all that is unexplained may hide the target.
            noise, doubted = self._witness.tell(self._evenness(self.unexplained), self.noise, self.unexplained)
            if noise > 0.0:
                similarity = level.similarity(max(self._noise(), self.noise.explained(self.unexplained)))
        error_mm = level.error_mm(noise)
        share = self.typical.stiff_share
        if self.stiff is not None and share > 0.0 and self._move_towards(self.stiff, share, frame, read):
            error_mm += share * (self.stiff.error_mm() - error_mm)
        self.error_mm = error_mm = math.hypot(error_mm, 0.5 * self._spread_mm)
        found_mm = translation_mm(self.params)
        doubt = doubted * fit_doubt(
            error_mm,
            bending,
            similarity,
            self.prior.deviance(found_mm),
            self._start.apart_mm(found_mm) if self.model.is_large else 0.0,
            self._limits(found_mm),
        )
        # Only frames on which nothing else is doubted count, so that a target that was lost is sure again at once.
        counts = fit_confidence(doubt, level.inside, 1.0) >= CONFIDENT
        relative = self._contrast.relative(contrast, counts)
        confidence = fit_confidence(doubt, level.inside, relative)
        if self.patches is not None:
            self.likely = confidence
            if NO_DOUBT < doubt < HOPELESS_DOUBT:
                agreement = self.patches.agreement(frame, self.params, min(self.noise.share, MOST_NOISE))
                doubt = doubt_in_parts(doubt, agreement, self._has_parts)
                confidence = fit_confidence(doubt, level.inside, relative)
        if self.stiff is not None and share == 0.0 and 0.0 < confidence < CONFIDENT:
            # The position only: the small deformation of a stiff model says nothing about confidence.
            self._move_towards(self.stiff, 1.0, frame, read)
        return confidence, contrast

    def _again(
        self, frame: NDArray[np.float32], read: ReadRegion | None, confidence: float, contrast: float
    ) -> tuple[float, float]:
        """Fit a large target from the best match of the search as well, and keep what is more certain.

        Where both are hopeless the first is kept, which was chosen with regard to where the target was before.

        Returns the confidence and the contrast of the target.
        """
        unexplained, error_mm, likely = self.unexplained, self.error_mm, self.likely
        self._fine[:] = self.params
        if self._start.run_match(self.coarse, frame, self.params, self._in_range):
            again, other = self._refine(frame, read, update=False)
            if again >= CONFIDENT or self.likely > max(likely, HOPELESS):
                return again, other
        self.params[:] = self._fine
        self.unexplained, self.error_mm, self.likely = unexplained, error_mm, likely
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
        surroundings, found_mm = self.surroundings, translation_mm(self.params)
        if surroundings is None:
            return confidence, contrast
        slid = CONFIDENT <= confidence < CLEAR and may_have_slid(self._evenness())
        is_usual = confidence > 0.0 and self._usual.include(found_mm)
        if is_usual and not slid and self._usual.need_no_check(found_mm, confidence, CONFIDENT, self.prior.was_sure):
            return confidence, contrast
        whole = read_all()
        if whole is None:
            return confidence, contrast
        agree = surroundings.run_near(whole, found_mm) if slid else 0.0
        if agree == 0.0 or math.dist(surroundings.moved_mm, found_mm) > CONFIRMED_MM:
            agree = surroundings.run(whole)
        if agree == 0.0:
            return self._usual.unanswered(found_mm, confidence), contrast
        expected_mm, away_mm = surroundings.moved_mm, math.dist(surroundings.moved_mm, found_mm)
        was_there = confidence > 0.0 and away_mm <= WITNESS_MM and not slid
        if not (slid and away_mm > SLID_MM) and self._usual.confirm(
            found_mm, expected_mm, confidence, CONFIDENT, self.typical.is_noisy
        ):
            if confidence < CONFIDENT and was_there:
                self._expect(expected_mm, agree, was_there)
                confidence, contrast = self._refine(frame, read)
                self._expect(None)
                if confidence >= CONFIDENT:
                    self._usual.ask_again()
            return confidence, contrast
        self._expect(expected_mm, agree, was_there)
        looked = self._coarse_level(), frame, expected_mm, self.params, self.typical.unexplained
        self._spread_mm = self._starts.run(*looked)
        confidence, contrast = self._refine(frame, read)
        if confidence >= CONFIDENT:
            self._spread_mm = self._starts.run_around(*looked)
            confidence, contrast = self._refine(frame, read)
        if slid and may_have_slid(self._evenness()):
            confidence *= SLID_CONFIDENCE
        if math.dist(translation_mm(self.params), expected_mm) > NEAR_MM:
            # The distance alone makes the target unsure, see `PositionPrior.deviance`.
            set_translation(self.params, expected_mm)
        self._expect(None)
        self._spread_mm = 0.0
        return confidence, contrast

    def _expect(self, moved_mm: tuple[float, float] | None, agree: float = 0.0, was_there: bool = False) -> None:
        """Let the fits expect a displacement, or none; see `Witness.expect`."""
        self._witness.expect(moved_mm, agree, was_there)
        self.prior.expected_mm = moved_mm
        for level in self._levels:
            level.expected_mm = moved_mm

    def _evenness(self, unexplained: float = 0.0) -> Evenness:
        """Return how evenly the target was like the template in the last fine fit; more may be noise than is known."""
        return self.last_fit.evenness(max(self.noise.share + self.noise.of_reference, unexplained))

    def _coarse_level(self) -> TemplateFit:
        """Return the coarse template that suits the noise of the frames."""
        return self.stiff_coarse if self.typical.is_noisy else self.coarse

    def _limits(self, moved_mm: tuple[float, float]) -> Limits:
        """Return the limits of the doubts for a displacement."""
        if not self.model.is_large:
            return SMALL_TARGET
        return SETTLED_LARGE_TARGET if self._is_organ and self.prior.has_settled(moved_mm) else LARGE_TARGET

    def _noise(self) -> float:
        """Return the noise part of the residual variance: all of it, unless the frame is an outlier."""
        if self.model.is_large:
            return self.noise.explained(self.unexplained)
        return self.typical.noise(self.unexplained, self.stiff is not None)

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

    def _state(self) -> int:
        """Return the index of the breathing state nearest to `params`."""
        states_mm = self.model.states_mm
        if len(states_mm) == 1:
            return 0
        along_mm = translation_mm(self.params)[self.model.motion_prior.leading]
        return min(range(len(states_mm)), key=lambda state: abs(states_mm[state] - along_mm))

    def _in_range(self, params: Params) -> bool:
        """Return True when the translation in `params` lies in the search range."""
        down_mm, right_mm = translation_mm(params)
        return abs(down_mm) <= self._reach_mm[0] and abs(right_mm) <= self._reach_mm[1]
