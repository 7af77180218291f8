"""Start fits from several places around an expected one, and measure how far apart they end."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.coarse_start import COARSE_ITERATIONS
from gatekeeper.tracking.confidence import LARGEST_ERROR_MM
from gatekeeper.tracking.template_fit import TemplateFit
from gatekeeper.tracking.translation import Params, set_translation, translation_mm

AROUND_MM = ((6.0, 0.0), (-6.0, 0.0), (0.0, 6.0), (0.0, -6.0))
"""Displacements (row, col) from the expected place from which fits start, in mm."""
NEARLY = 10.0
"""Difference from the least misfit up to which another end is nearly as good: minus twice the log posterior."""
ENOUGH_MM = 2.0 * LARGEST_ERROR_MM
"""Distance of such ends at which the target is unsure, whatever the fit's own precision, in mm."""


class StartsAround:
    """Fits from an expected place, and from around it.

    Where an edge slides along itself, as a smooth dome does, or one vessel is taken for another, fits from slightly
    different starts end at different places that are nearly as good: their distance is how well the place is known.

    Parameters
    ----------
    count : int
        Number of parameters of a fit.
    is_allowed : callable
        Returns whether an end is accepted.
    """

    def __init__(self, count: int, is_allowed: Callable[[Params], bool]) -> None:
        self._is_allowed = is_allowed
        self._trial = np.zeros(count, np.float32)
        self._ends: list[tuple[float, tuple[float, float]]] = []

    def run(
        self,
        level: TemplateFit,
        frame: NDArray[np.float32],
        expected_mm: tuple[float, float],
        params: Params,
        typical_unexplained: float,
    ) -> float:
        """Find the better of the fits from the expected place and from where another fit ended.

        Parameters
        ----------
        level : TemplateFit
            The template to fit.
        frame : ndarray of float32, shape (H, W)
            The frame.
        expected_mm : tuple of float
            Expected displacement (row, col), in mm.
        params : ndarray of float32, shape (2 K,)
            Where another fit ended; receives the better end, or the expected displacement when both are rejected.
        typical_unexplained : float
            See `TemplateFit.misfit`.

        Returns
        -------
        float
            Distance of the ends in mm where one is nearly as good as the other; 0 otherwise.
        """
        self._ends.clear()
        self._trial[:] = params
        set_translation(params, expected_mm)
        self._fit(level, frame, params, typical_unexplained)
        set_translation(self._trial, expected_mm)
        self._fit(level, frame, params, typical_unexplained)
        return self._spread_mm()

    def run_around(
        self,
        level: TemplateFit,
        frame: NDArray[np.float32],
        expected_mm: tuple[float, float],
        params: Params,
        typical_unexplained: float,
    ) -> float:
        """Find out whether fits from around the expected place end elsewhere, after `run`.

        Parameters
        ----------
        level : TemplateFit
            The template to fit.
        frame : ndarray of float32, shape (H, W)
            The frame.
        expected_mm : tuple of float
            Expected displacement (row, col), in mm.
        params : ndarray of float32, shape (2 K,)
            Receives the best end, if it is better than those of `run`.
        typical_unexplained : float
            See `TemplateFit.misfit`.

        Returns
        -------
        float
            Greatest distance from the best end of one that is nearly as good, in mm; at least `ENOUGH_MM` where it is
            so much that the other fits are left out.
        """
        for down_mm, right_mm in AROUND_MM:
            set_translation(self._trial, (expected_mm[0] + down_mm, expected_mm[1] + right_mm))
            self._fit(level, frame, params, typical_unexplained)
            if self._spread_mm() >= ENOUGH_MM:
                break
        return self._spread_mm()

    def _fit(self, level: TemplateFit, frame: NDArray[np.float32], params: Params, typical_unexplained: float) -> None:
        """Fit from `_trial`, and move `params` to the end when it is the best one."""
        if level.fit(frame, self._trial, COARSE_ITERATIONS) and self._is_allowed(self._trial):
            misfit = level.misfit(typical_unexplained)
            if all(misfit < other for other, _ in self._ends):
                params[:] = self._trial
            self._ends.append((misfit, translation_mm(self._trial)))

    def _spread_mm(self) -> float:
        if not self._ends:
            return 0.0
        least, best_mm = min(self._ends)
        return max(math.dist(end_mm, best_mm) for misfit, end_mm in self._ends if misfit <= least + NEARLY)
