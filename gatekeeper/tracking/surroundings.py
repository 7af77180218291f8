"""Find a small target by the tissue around it, where the target itself is found with doubt or not at all."""

import math

import numpy as np
from numpy.typing import NDArray

from gatekeeper.tracking.deformation import deformation_modes
from gatekeeper.tracking.model import MOST_MODES, VARIANCE_SHARE, Model
from gatekeeper.tracking.patch_search import PatchSearch
from gatekeeper.tracking.translation import set_translation, translation_mm

RIM_MM, FADE_MM = 40.0, 30.0
"""Greatest distance of patches from the target, and distance at which their votes have fallen to 1/e, in mm."""
ERROR_MM = 1.0
"""Standard deviation of the match of a patch, in mm."""
LEAST_AGREE = 0.04
"""Share of the patches that agree on a displacement from which on it is trusted."""
APART_MM = 10.0
"""Distance from which on two displacements are not the same, in mm."""
RIVAL = 0.75
"""Share of the patches that agree on another displacement, over that of the best one, from which on neither is
trusted."""


class Surroundings:
    """The tissue around a small target, in patches that are searched for one by one.

    They vote for the displacement that most of them share, and those with most votes are refined by `PatchSearch`. Many
    patches that agree on a smooth displacement are hardly wrong together, whatever the target looks like: a vessel of
    a few pixels has many doubles, and a patch of the dome looks the same wherever it slides along the dome.

    Parameters
    ----------
    model : Model
        Model of the target.

    Attributes
    ----------
    moved_mm : tuple of float
        Displacement (row, col) of the target in mm by the last `run` or `run_near`.
    """

    def __init__(self, model: Model) -> None:
        config, contour_mm = model.config, model.region.contour_mm
        low_mm, high_mm = contour_mm.min(axis=0) - RIM_MM, contour_mm.max(axis=0) + RIM_MM
        half_mm = 0.5 * float((high_mm - low_mm).max())
        # Of the same strain as the deformation of the target.
        sd_mm = config.deformation_mm * half_mm / config.deformation_length_mm
        deformation = deformation_modes(low_mm, high_mm, half_mm, sd_mm, VARIANCE_SHARE, MOST_MODES)
        deformation = deformation.centred(contour_mm)
        self._patches = PatchSearch(model.coarse.grid, deformation, RIM_MM, FADE_MM, model.search_mm, ERROR_MM)
        self._params = np.zeros(2 * deformation.count, np.float32)
        self.moved_mm = (0.0, 0.0)

    def run(self, frame: NDArray[np.float32]) -> float:
        """Find the target's displacement.

        Parameters
        ----------
        frame : ndarray of float32, shape (H, W)
            The frame, all of it.

        Returns
        -------
        float
            Share of the patches that agree with `moved_mm`; 0 where they do not agree enough, or not on one place.
        """
        best = rival = 0.0
        for candidate in range(self._patches.vote(frame)):
            voted_mm = self._patches.displacement_mm(candidate)
            set_translation(self._params, voted_mm)
            agree = self._patches.run(frame, self._params)
            moved_mm = translation_mm(self._params)
            if math.dist(moved_mm, voted_mm) > 2.0 * APART_MM:
                # The patches that agree now are not those that voted.
                continue
            same = math.dist(moved_mm, self.moved_mm) <= APART_MM
            if agree > best:
                best, rival = agree, rival if same else best
                self.moved_mm = moved_mm
            elif not same:
                rival = max(rival, agree)
        return best if best >= LEAST_AGREE and rival <= RIVAL * best else 0.0

    def run_near(self, frame: NDArray[np.float32], place_mm: tuple[float, float]) -> float:
        """Find the target's displacement in the neighbourhood of a place, at a fraction of the cost of `run`.

        Parameters
        ----------
        frame : ndarray of float32, shape (H, W)
            The frame, all of it.
        place_mm : tuple of float
            Displacement (row, col) around which to look, in mm.

        Returns
        -------
        float
            Share of the patches that agree with `moved_mm`; 0 where they do not agree enough.
        """
        set_translation(self._params, place_mm)
        agree = self._patches.run(frame, self._params)
        self.moved_mm = translation_mm(self._params)
        return agree if agree >= LEAST_AGREE else 0.0
