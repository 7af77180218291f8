"""Follower: one target on its way from frame to frame, in buffers made once."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.track import Track
from gatekeeper.tracking.confidence import confidence
from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.model import Model
from gatekeeper.tracking.template_fit import Params, TemplateFit
from kernels.polygon import centroid
from kernels.warp import warp_contour

COARSE_ITERATIONS = 6
FINE_ITERATIONS = 4

JUMP_SI_MM, JUMP_AP_MM = 5.0, 1.5
"""Standard deviations of the way from the last sure position to the next: breathing moves the liver along SI, and a
match that is off along AP is more likely another piece of the same dome. The variance grows with the frames lost."""
MOST_JUMP = 20.0
"""No jump counts more than this, about 4.5 standard deviations: a sudden deep breath is rare, but no miracle."""
MOST_ASTRAY = 20.0
"""Nor does any distance from the path of breathing count more: right after a deep breath the liver is not on it."""
BEYOND_MM = 5.0
"""A fit may end this far outside the search range; further out it has found something else."""

GOOD_CORRELATION = 0.8
"""From this correlation on, a coarse fit with which the best match of the search agrees needs no rival."""

NOISY = 0.3
"""Usual unexplained over explained variance of the frames from which on they are mostly noise."""
STEADY_FROM, STEADY_AT = 0.2, 0.5
"""The same from which on the steady model has a say in where the target is, and from which on it alone."""
DROWNED = 0.8
"""The same from which on the target drowns in noise: nobody can tell whether it is there. A follower without a steady
model, as while a preview is learned from, takes it for there all the same."""
USUAL_FRAMES, USUAL_UNSURE_FRAMES = 20, 200
"""What is usual is the mean over about so many frames, older ones counting less and less. After the first ones, frames
on which the target was not surely found say less of it."""
MOST_UNEXPLAINED = 1.0
"""No frame counts for more in that: on one that shows something else this may be anything."""
UNUSUAL = 1.5
"""A frame that leaves so many times more unexplained than is usual shows something else; that is not noise."""

SURE = 0.5
"""From this confidence on, a position is where the next frame starts from."""

Look = Callable[[int, int, int, int], NDArray[np.float32] | None]


class TemplateTracker:
    """Fits a model to one frame after the other.

    Parameters
    ----------
    model : Model
        What to fit.

    Attributes
    ----------
    params : ndarray of float32, shape (2 K,)
        Displacement on the last frame, in standard deviations of each mode; only to be read.
    unexplained : float
        Variance of the last frame that the moved template does not explain, over that which it does; infinite when
        nothing was found.
    usual : float
        What is usual of that: noise, and what else differs from frame to frame.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        shape = model.region.image.shape
        fine, coarse = model.fine, model.coarse
        self.fine = tuple(TemplateFit(template, shape, fine.evening) for template in fine.templates)
        self.coarse = TemplateFit(coarse.templates[0], shape, coarse.evening)
        self.steady: TemplateFit | None = None
        self.steady_coarse = self.coarse
        if model.steady is not None:
            self.steady, self.steady_coarse = (
                TemplateFit(scale.templates[0], shape, stiffness=scale.stiffness)
                for scale in (model.steady.fine, model.steady.coarse)
            )
        self.search = model.search()
        self._contour_px = model.region.contour_px.copy()
        model.region.put_on_frame(self._contour_px)
        self._range_mm = (model.config.search_si_mm, model.config.search_ap_mm)
        self.params, self._trial, self._fine, self._last, self._seen = np.zeros((5, model.count), np.float32)
        self._frames_lost = self._frames_stayed = 0
        self.unexplained, self.usual = math.inf, NOISY
        # The first guess counts as one frame.
        self._frames_usual = 1

    def follow(self, frame: NDArray[np.float32] | None, look: Look | None = None) -> float:
        """Find the target on a frame, and return how sure that is, 0-1.

        Parameters
        ----------
        frame : ndarray of float32, shape (h, w), or None
            Joined to the region's resolution, see `Canonical`; None is one that shows nothing.
        look : callable, optional
            Gives the image for the fine fit where that is another one, see `Sight.look`.
        """
        sure, self.unexplained = 0.0, math.inf
        if frame is not None and self._start(frame):
            sure = self._refine(frame, look)
            if math.isfinite(self.unexplained):
                self._count_as_usual(sure)
        if sure >= SURE:
            self._last[:] = self._seen[:] = self.params
            self._frames_lost = self._frames_stayed = 0
        else:
            stayed = sure > 0.0 and _jump(self._seen, *_translation_mm(self.params)) < MOST_JUMP
            self._frames_stayed = self._frames_stayed + 1 if stayed else 0
            self._seen[:] = self.params
            self._frames_lost += 1
            if sure == 0.0:
                self.params[:] = self._last
        return sure

    def reach(self) -> tuple[slice, slice]:
        """Return the rows and columns of a frame, at the region's resolution, that search and fits read at most."""
        # The outermost candidate of the search lies up to one and a half of its pixels beyond the range.
        row_mm, col_mm = (max(BEYOND_MM, 1.5 * pixel_mm) for pixel_mm in self.search.pixel_mm)
        range_mm = self._range_mm[0] + row_mm, self._range_mm[1] + col_mm
        levels = [self.coarse, *self.fine, self.steady_coarse, *([] if self.steady is None else [self.steady])]
        reaches = [self.search.reach_px, *(level.reach_px(range_mm) for level in levels)]
        last_px = np.array(self.model.region.image.shape) - 1
        # At least the frame's edge, which repeats beyond it.
        low = np.clip(np.min([first for first, _ in reaches], axis=0), 0, last_px)
        high = np.clip(np.max([last for _, last in reaches], axis=0), low, last_px)
        return slice(int(low[0]), int(high[0]) + 1), slice(int(low[1]), int(high[1]) + 1)

    def track(self, sure: float) -> Track:
        """Return the outline on the last frame, with the confidence that `follow` returned."""
        row_mm, col_mm = self.model.region.frame_spacing_mm
        contour_px = np.empty_like(self._contour_px)
        warp_contour(self._contour_px, self.model.contour_modes, self.params, 1.0 / row_mm, 1.0 / col_mm, contour_px)
        center_px = np.empty(2)
        centroid(contour_px, center_px)
        return Track(contour_px, (float(center_px[0]) * row_mm, float(center_px[1]) * col_mm), sure)

    def _refine(self, frame: NDArray[np.float32], look: Look | None) -> float:
        """Fit the template of the nearest state from the coarse fit on, and return how sure that is, 0-1."""
        level = self.fine[self._state()]
        if not self._fit(level, frame, look):
            return 0.0
        self.unexplained = level.unexplained
        like = level.likeness(self._noise())
        bent = math.sqrt(level.bending(self.params) / len(self.params))
        error_mm = level.error_mm
        share = min(max((self.usual - STEADY_FROM) / (STEADY_AT - STEADY_FROM), 0.0), 1.0)
        if self.steady is not None and share > 0.0 and self._lean(self.steady, share, frame, look):
            error_mm += share * (self.steady.error_mm - error_mm)
        sure = confidence(error_mm, bent, like, self._surprise(self.params), level.inside)
        if self.steady is not None and share == 0.0 and 0.0 < sure < SURE:
            # Where it is, not how sure that is: a steady model bends little wherever it ends.
            self._lean(self.steady, 1.0, frame, look)
        return sure

    def _count_as_usual(self, sure: float) -> None:
        """Let the frame, of which the follower is so sure, have its share in what is usual."""
        self._frames_usual = min(self._frames_usual + 1, USUAL_FRAMES)
        doubted = self._frames_usual == USUAL_FRAMES and sure < SURE
        frames = USUAL_UNSURE_FRAMES if doubted else self._frames_usual
        self.usual += (min(self.unexplained, MOST_UNEXPLAINED) - self.usual) / frames

    def _noise(self) -> float:
        """Return what of that which a frame leaves unexplained is noise: all of it, unless that is unusual."""
        drowned = self.usual >= DROWNED and self.steady is not None
        if self.usual < NOISY or drowned:
            return 0.0
        most = UNUSUAL * self.usual
        return self.unexplained if self.unexplained <= most else most * (most / self.unexplained) ** 2

    def _lean(self, steady: TemplateFit, share: float, frame: NDArray[np.float32], look: Look | None) -> bool:
        """Move `params` by a share of the way to where the steady model ends; return False when it finds nothing."""
        self._fine[:] = self.params
        found = self._fit(steady, frame, look)
        if found:
            self.params -= self._fine
            self.params *= share
            self.params += self._fine
        return found

    def _fit(self, level: TemplateFit, frame: NDArray[np.float32], look: Look | None) -> bool:
        """Fit a level from `params` on; return False, and leave them as they are, when it finds nothing."""
        image = frame if look is None else look(*level.window_px(self.params))
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
        """Put the best of the coarse fits into `params`; return False when there is none."""
        least = math.inf
        coarse = self.coarse if self.usual < NOISY else self.steady_coarse
        candidates = self.search.run(frame)
        for candidate in range(-1, candidates):
            if candidate < 0:
                self._trial[:] = self._last
            else:
                down_mm, right_mm = self.search.displacement_mm(candidate)
                confirmed = candidate == 0 and least < math.inf and self._is_near(down_mm, right_mm)
                if confirmed and coarse.correlation >= GOOD_CORRELATION:
                    break
                self._trial[:] = 0.0
                self._trial[0] = down_mm / TRANSLATION_SD_MM
                self._trial[len(self._trial) // 2] = right_mm / TRANSLATION_SD_MM
            if coarse.fit(frame, self._trial, COARSE_ITERATIONS) and self._in_range(self._trial):
                misfit = coarse.misfit(self.usual) + self._surprise(self._trial)
                if misfit < least:
                    least = misfit
                    self.params[:] = self._trial
        return least < math.inf

    def _is_near(self, down_mm: float, right_mm: float) -> bool:
        """Return whether the best fit so far ended within a pixel of the search, where another would end, too."""
        found_mm, pixel_mm = _translation_mm(self.params), self.search.pixel_mm
        return abs(found_mm[0] - down_mm) <= pixel_mm[0] and abs(found_mm[1] - right_mm) <= pixel_mm[1]

    def _state(self) -> int:
        """Return which breathing state is the nearest to `params`."""
        down_mm, _ = _translation_mm(self.params)
        states_mm = self.model.states_mm
        return min(range(len(states_mm)), key=lambda state: abs(states_mm[state] - down_mm))

    def _in_range(self, params: Params) -> bool:
        """Return whether the translation in `params` lies in the search range."""
        down_mm, right_mm = _translation_mm(params)
        reach_si_mm, reach_ap_mm = self._range_mm
        return abs(down_mm) <= reach_si_mm + BEYOND_MM and abs(right_mm) <= reach_ap_mm + BEYOND_MM

    def _surprise(self, params: Params) -> float:
        """Return minus twice the log probability of the translation in `params` before the frame is seen."""
        down_mm, right_mm = _translation_mm(params)
        jump = _jump(self._last, down_mm, right_mm) / (1.0 + self._frames_lost)
        if self._frames_lost:
            # Where it was seen again and again, though not surely, it is less and less by chance.
            stayed = _jump(self._seen, down_mm, right_mm) + MOST_JUMP / (1.0 + self._frames_stayed)
            jump = min(jump, stayed)
        return min(jump, MOST_JUMP) + min(self.model.path.surprise(down_mm, right_mm), MOST_ASTRAY)


def _jump(params: Params, down_mm: float, right_mm: float) -> float:
    """Return minus twice the log probability of the way from a place to that (down, right) on the next frame."""
    from_down_mm, from_right_mm = _translation_mm(params)
    return ((down_mm - from_down_mm) / JUMP_SI_MM) ** 2 + ((right_mm - from_right_mm) / JUMP_AP_MM) ** 2


def _translation_mm(params: Params) -> tuple[float, float]:
    """Return the part of a displacement that all points share, along rows and columns."""
    return float(params[0]) * TRANSLATION_SD_MM, float(params[len(params) // 2]) * TRANSLATION_SD_MM
