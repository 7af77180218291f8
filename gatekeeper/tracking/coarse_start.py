"""Choose among coarse fits, from the last position and from the matches of the search, where the fine fit starts."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.patch_search import PatchSearch
from gatekeeper.tracking.position_prior import PositionPrior
from gatekeeper.tracking.rigid_search import Search
from gatekeeper.tracking.template_fit import SUITED_SHARE, TemplateFit
from gatekeeper.tracking.translation import Params, set_translation, translation_mm

COARSE_ITERATIONS = 6
"""Upper limit of the number of iterations of a coarse fit."""
ENOUGH_AGREE = 0.3
"""Share of the patches that agree on a deformation from which on no further candidate is looked at."""
GOOD_CORRELATION = 0.8
"""Correlation from which on a coarse fit that agrees with the best match of the search is accepted at once."""


class CoarseStart:
    """Coarse fits from several candidates, of which the most probable is taken.

    Parameters
    ----------
    search : Search
        Search for the target over the full range.
    patches : PatchSearch or None
        Search for the deformation of a large target at a candidate of `search`; None for one that is not as large.
    prior : PositionPrior
        Where the target is expected.
    count : int
        Number of parameters of a fit.

    Attributes
    ----------
    unexplained : float
        Ratio of unexplained to explained variance of the fit to a large target that was taken last.
    match_taken : bool
        Whether that is the fit from the best match of the search.
    """

    def __init__(self, search: Search, patches: PatchSearch | None, prior: PositionPrior, count: int) -> None:
        self._search, self._patches, self._prior = search, patches, prior
        self._trial, self._begin, self._match = np.zeros((3, count), np.float32)
        self._found, self.unexplained = 0, math.inf
        self.match_taken, self._match_unexplained = False, math.inf
        self._match_found: bool | None = None

    def run(
        self,
        level: TemplateFit,
        frame: NDArray[np.float32],
        last: Params,
        params: Params,
        is_allowed: Callable[[Params], bool],
        typical_unexplained: float,
    ) -> bool:
        """Find the best of the fits.

        Parameters
        ----------
        level : TemplateFit
            The template to fit.
        frame : ndarray of float32, shape (H, W)
            The frame.
        last : ndarray of float32, shape (2 K,)
            Where the target was last, the first candidate.
        params : ndarray of float32, shape (2 K,)
            Receives the best end; it is not changed when all fits are rejected.
        is_allowed : callable
            Returns whether an end is accepted.
        typical_unexplained : float
            See `TemplateFit.misfit`.

        Returns
        -------
        bool
            False when all are rejected.
        """
        least, trial = math.inf, self._trial
        self._found = self._search.run(frame)
        self.match_taken, self._match_found = False, None
        for candidate in range(-1, self._found):
            agree = 0.0
            if candidate < 0:
                trial[:] = last
            else:
                candidate_mm = self._search.displacement_mm(candidate)
                confirmed = candidate == 0 and least < math.inf and self._is_near(params, candidate_mm)
                if confirmed and level.correlation >= GOOD_CORRELATION:
                    break
                set_translation(trial, candidate_mm)
                if self._patches is not None:
                    agree = self._patches.run(frame, trial)
            found = self._fit_match(level, frame, is_allowed) if candidate == 0 else self._fit(level, frame, is_allowed)
            if found:
                misfit = level.misfit(typical_unexplained) + self._prior.deviance(translation_mm(trial))
                if misfit < least:
                    least = misfit
                    params[:] = trial
                    self.match_taken = candidate == 0
                    if self._patches is not None:
                        self.unexplained = level.unexplained
                if agree >= ENOUGH_AGREE:
                    break
        return least < math.inf

    def run_match(
        self, level: TemplateFit, frame: NDArray[np.float32], params: Params, is_allowed: Callable[[Params], bool]
    ) -> bool:
        """Return the fit to a large target from the best match of the search on the frame of the last `run`.

        It is done only if it was not done there.

        Parameters
        ----------
        level : TemplateFit
            The template to fit.
        frame : ndarray of float32, shape (H, W)
            The frame.
        params : ndarray of float32, shape (2 K,)
            Receives the end; it is not changed when the fit is rejected.
        is_allowed : callable
            Returns whether an end is accepted.

        Returns
        -------
        bool
            False when there is no match, the fit is rejected, or it is the one that `run` has taken.
        """
        if self._patches is None or self._found == 0 or self.match_taken:
            return False
        if self._match_found is None:
            set_translation(self._trial, self._search.displacement_mm(0))
            self._patches.run(frame, self._trial)
            self._fit_match(level, frame, is_allowed)
        if self._match_found:
            self.unexplained = self._match_unexplained
            params[:] = self._match
        return bool(self._match_found)

    def _fit_match(self, level: TemplateFit, frame: NDArray[np.float32], is_allowed: Callable[[Params], bool]) -> bool:
        """Fit from the trial, which is at the best match of the search, and keep the end."""
        self._match_found = found = self._fit(level, frame, is_allowed)
        self._match_unexplained = level.unexplained
        self._match[:] = self._trial
        return found

    def _fit(self, level: TemplateFit, frame: NDArray[np.float32], is_allowed: Callable[[Params], bool]) -> bool:
        """Fit from the trial; a large target once more when what is left suits another stiffness."""
        return self._fitted(level, frame) and is_allowed(self._trial)

    def _fitted(self, level: TemplateFit, frame: NDArray[np.float32]) -> bool:
        if self._patches is None:
            return level.fit(frame, self._trial, COARSE_ITERATIONS)
        self._begin[:] = self._trial
        level.suit(SUITED_SHARE)
        found = level.fit(frame, self._trial, COARSE_ITERATIONS)
        if found and level.suit(level.unexplained):
            self._trial[:] = self._begin
            found = level.fit(frame, self._trial, COARSE_ITERATIONS)
        return found

    def apart_mm(self, moved_mm: tuple[float, float]) -> float:
        """Return the distance of a displacement from the best match on the last frame, in mm; infinite without one."""
        return math.dist(moved_mm, self._search.displacement_mm(0)) if self._found else math.inf

    def _is_near(self, params: Params, moved_mm: tuple[float, float]) -> bool:
        """Return True when the translation in `params` is within one pixel of the search of a displacement."""
        found_mm, pixel_mm = translation_mm(params), self._search.pixel_mm
        return abs(found_mm[0] - moved_mm[0]) <= pixel_mm[0] and abs(found_mm[1] - moved_mm[1]) <= pixel_mm[1]
