"""Find out whether the image leaves open where along an edge a small target is."""

import math

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.coarse_start import COARSE_ITERATIONS
from gatekeeper.tracking.template_fit import TemplateFit
from gatekeeper.tracking.translation import Params, set_translation, translation_mm

PROBE_MM = 4.0
"""Distance from the found place at which the target is held, to either side, in mm."""
OPEN = 2.71
"""Growth of the misfit, minus twice the log posterior, up to which the target may as well be there: with a normal
posterior it lies within the central 90 %."""
FAR_MM = 25.0
"""Distance from the reference position from which on this is looked at, in mm. Breath moves tissue across its direction
by up to 0.6 times its way, and a fit finds more than half of that, so that nearer places are off by less than 5 mm."""


class Aperture:
    """Fits of the deformation alone, with the target held beside the place where it was found.

    A smooth edge looks the same wherever it slides along itself (the aperture problem). The precision of a fit is that
    of the reference image near the minimum, while far from the reference a deformation may make up for a slide of
    several millimetres. So the posterior is looked at where it matters: along the direction that the reference
    determines least, a few millimetres away.

    Parameters
    ----------
    level : TemplateFit
        The fit whose template is held; it is not changed.
    shape : tuple of int
        Rows and columns of the frames.
    bias_correction : ndarray of float32, optional
        See `TemplateFit`.
    """

    def __init__(
        self, level: TemplateFit, shape: tuple[int, ...], bias_correction: NDArray[np.float32] | None = None
    ) -> None:
        self._held = TemplateFit(level.template.held(), shape, bias_correction)
        self._along = level.template.least_determined
        self._trial = np.zeros(2 * len(level.template.modes), np.float32)

    def is_open(self, frame: NDArray[np.float32], params: Params, typical_unexplained: float) -> bool:
        """Return True when a target far from the reference position may as well be `PROBE_MM` from where it was found.

        Parameters
        ----------
        frame : ndarray of float32, shape (H, W)
            The frame.
        params : ndarray of float32, shape (2 K,)
            Where it was found.
        typical_unexplained : float
            See `TemplateFit.misfit`.
        """
        (down_mm, right_mm), (down, right) = translation_mm(params), self._along
        if math.hypot(down_mm, right_mm) < FAR_MM:
            return False
        least = self._misfit(frame, params, (down_mm, right_mm), typical_unexplained) + OPEN
        for off_mm in (PROBE_MM, -PROBE_MM):
            place_mm = down_mm + off_mm * down, right_mm + off_mm * right
            if self._misfit(frame, params, place_mm, typical_unexplained) <= least:
                return True
        return False

    def _misfit(
        self, frame: NDArray[np.float32], params: Params, place_mm: tuple[float, float], typical_unexplained: float
    ) -> float:
        self._trial[:] = params
        set_translation(self._trial, place_mm)
        self._held.expected_mm = place_mm
        if not self._held.fit(frame, self._trial, COARSE_ITERATIONS):
            return math.inf
        return self._held.misfit(typical_unexplained)
