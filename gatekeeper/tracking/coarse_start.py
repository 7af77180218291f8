"""Choose among coarse fits, from the last position and from the matches of the search, where the fine fit starts."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.patch_search import PatchSearch
from gatekeeper.tracking.position_prior import PositionPrior
from gatekeeper.tracking.rigid_search import Search
from gatekeeper.tracking.template_fit import TemplateFit
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
    """

    def __init__(self, search: Search, patches: PatchSearch | None, prior: PositionPrior, count: int) -> None:
        self._search, self._patches, self._prior = search, patches, prior
        self._trial = np.zeros(count, np.float32)

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
        candidates = self._search.run(frame)
        for candidate in range(-1, candidates):
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
            if level.fit(frame, trial, COARSE_ITERATIONS) and is_allowed(trial):
                misfit = level.misfit(typical_unexplained) + self._prior.deviance(translation_mm(trial))
                if misfit < least:
                    least = misfit
                    params[:] = trial
                if agree >= ENOUGH_AGREE:
                    break
        return least < math.inf

    def _is_near(self, params: Params, moved_mm: tuple[float, float]) -> bool:
        """Return True when the translation in `params` is within one pixel of the search of a displacement."""
        found_mm, pixel_mm = translation_mm(params), self._search.pixel_mm
        return abs(found_mm[0] - moved_mm[0]) <= pixel_mm[0] and abs(found_mm[1] - moved_mm[1]) <= pixel_mm[1]
