"""Start fits from several places around an expected one, and measure how far apart they end."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.deformation import TRANSLATION_SD_MM
from gatekeeper.tracking.template_fit import TemplateFit
from gatekeeper.tracking.translation import Params, set_translation

AROUND_MM = ((0.0, 0.0), (6.0, 0.0), (-6.0, 0.0), (0.0, 6.0), (0.0, -6.0))
"""Displacements (row, col) from the expected place from which fits start, in mm."""
NEARLY = 10.0
"""Difference from the least misfit up to which another end is nearly as good: minus twice the log posterior."""


class StartsAround:
    """Fits from around an expected place.

    Where an edge slides along itself, as a smooth dome does, or one vessel is taken for another, fits from slightly
    different starts end at different places that are nearly as good: their distance is how well the place is known.

    Parameters
    ----------
    count : int
        Number of parameters of a fit.
    """

    def __init__(self, count: int) -> None:
        self._first, self._trial, self._expected = np.zeros((3, count), np.float32)
        self._ends = np.zeros((len(AROUND_MM) + 1, 3))

    def run(
        self,
        level: TemplateFit,
        frame: NDArray[np.float32],
        expected_mm: tuple[float, float],
        params: Params,
        is_allowed: Callable[[Params], bool],
        iterations: int,
        typical_unexplained: float,
    ) -> float:
        """Find the best of the fits.

        Parameters
        ----------
        level : TemplateFit
            The template to fit.
        frame : ndarray of float32, shape (H, W)
            The frame.
        expected_mm : tuple of float
            Expected displacement (row, col), in mm.
        params : ndarray of float32, shape (2 K,)
            Where another fit ended, which is a start as well; receives the best end, or the expected displacement when
            all fits are rejected.
        is_allowed : callable
            Returns whether an end is accepted.
        iterations : int
            Upper limit of the number of iterations.
        typical_unexplained : float
            See `TemplateFit.misfit`.

        Returns
        -------
        float
            Greatest distance from the best end of one that is nearly as good, in mm.
        """
        first, trial, expected, half = self._first, self._trial, self._expected, len(params) // 2
        set_translation(expected, expected_mm)
        first[:] = params
        params[:] = expected
        least = math.inf
        for start in range(len(self._ends)):
            if start == 0:
                trial[:] = first
            else:
                trial[:] = expected
                trial[0] += AROUND_MM[start - 1][0] / TRANSLATION_SD_MM
                trial[half] += AROUND_MM[start - 1][1] / TRANSLATION_SD_MM
            self._ends[start, 0] = math.inf
            if level.fit(frame, trial, iterations) and is_allowed(trial):
                misfit = level.misfit(typical_unexplained)
                self._ends[start] = misfit, trial[0], trial[half]
                if misfit < least:
                    least = misfit
                    params[:] = trial
        spread = 0.0
        for misfit, down, right in self._ends.tolist():
            if misfit <= least + NEARLY and math.isfinite(misfit):
                spread = max(spread, math.hypot(down - float(params[0]), right - float(params[half])))
        return spread * TRANSLATION_SD_MM
