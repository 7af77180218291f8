"""Track an organ that slides along what is around it, such as bowel, by what it looks like itself.

The tissue around a target tells well where it is, as long as it is attached. A loop of bowel is not: it moves by
peristalsis and in a phase of its own, and what is around it is a wrong witness. It is tracked twice, with the
tissue around it and by its own inside alone, independently of each other. How far the two are apart, against how exact
its own inside is, tells whether it slides and how much each counts [1]_.

References
----------
.. [1] W. James, C. Stein, "Estimation with quadratic loss", Proc. 4th Berkeley Symp. 1:361, 1961.
"""

import math
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import TargetError
from gatekeeper.core.track import Field, Track
from gatekeeper.tracking.model import Model, make_model
from gatekeeper.tracking.template_tracker import CONFIDENT, ReadAll, ReadRegion, TemplateTracker
from gatekeeper.tracking.translation import translation_mm
from gatekeeper.tracking.typical_fit import LOST_IN_NOISE

RIM_MM = 1.5
"""Context of the organ's own model: what lies further outside its outline belongs to others."""
STIFFER = 0.5
"""Deformation of the organ's own model, over that of the settings."""
ERRORS = 2.0
"""Error of a position over the expected one of its fit, which knows of noise and not of what else has changed."""
FARTHEST_MM = 15.0
"""Distance of the organ from where the tissue around it is, from which on it is another one that looks alike, in mm."""
MOSTLY = 0.5
"""Share of its own position from which on an organ slides, so that its own confidence is that of its position."""
APART_MM = 2.0
"""Distance of the two positions from which on it is asked which one explains the organ's inside."""
LEAST_GAIN, FIRST_GAIN, MOST_GAIN, GAIN_FRAMES = 0.12, 0.25, 1.5, 10
"""Logarithm of the unexplained share of the inside at the other position over that at its own: its running mean from
which on its own position is the right one, where that begins, limit of a single frame, and time constant in frames."""
LEAST_UNEXPLAINED = 1e-3
"""Lower limit of that share."""
FIRST_SLIDE_MM, FIRST_FRAMES, RECENT_FRAMES = 2.0, 10, 100
"""How far organs slide, in mm, until that many frames tell, and the time constant of this in frames."""


def make_own_model(model: Model) -> Model | None:
    """Return the model of an organ by its own inside; None where that does not determine its position.

    A large organ has none, as its model is nearly that already, see `LARGE_CONTEXT`.
    """
    if model.is_large:
        return None
    config = model.config
    own = {"context_mm": RIM_MM, "deformation_mm": STIFFER * config.deformation_mm}
    try:
        return make_model(model.region, config.model_copy(update=own))
    except TargetError:
        return None


class OrganTracker(TemplateTracker):
    """Track an organ with the tissue around it, as targets are, and by its own inside, and combine the two.

    Parameters
    ----------
    model : Model
        Model of the organ with the tissue around it.
    own : Model
        Model of the organ alone, from `make_own_model`, or learned from a preview with that.

    Attributes
    ----------
    own : TemplateTracker
        Its own inside; the other attributes are those of the tracker with the tissue around it.
    """

    def __init__(self, model: Model, own: Model) -> None:
        # A stiff model and the surroundings would let the tissue around it tell its position again.
        self.own = TemplateTracker(replace(own, stiff=None))
        self.own.surroundings = None
        super().__init__(model)

    def restart(self) -> None:
        """Forget all frames, and start again at the reference position."""
        super().restart()
        self.own.restart()
        self._apart_mm2, self._error_mm2, self._frames = FIRST_SLIDE_MM**2, 0.0, FIRST_FRAMES
        self._usual_share = self._share = 1.0
        self._gain, self._between_mm = FIRST_GAIN, 0.0

    def reach(self) -> tuple[slice, slice]:
        """Return the rows and columns of a frame that search and fits read at most, at working resolution."""
        (rows, cols), (own_rows, own_cols) = super().reach(), self.own.reach()
        return _both(rows, own_rows), _both(cols, own_cols)

    def locate(
        self, frame: NDArray[np.float32] | None, read: ReadRegion | None = None, read_all: ReadAll | None = None
    ) -> float:
        """Locate the organ on a frame, and return the confidence; see `TemplateTracker.locate`."""
        own, by_around = self.own, super().locate(frame, read, read_all)
        self._between_mm = 0.0
        by_own = own.locate(frame, read)
        if own.typical.unexplained >= LOST_IN_NOISE:
            # Noise may look like the inside of an organ that is not there.
            by_own = 0.0
        if not by_own >= CONFIDENT:
            # Only an organ that is known to be attached is where the tissue around it is.
            attached = self._usual_share < MOSTLY
            self._share = 0.0 if attached or by_own == 0.0 else 1.0
            return by_around if attached else by_own
        apart_mm = math.dist(translation_mm(self.params), translation_mm(own.params))
        if not by_around >= CONFIDENT:
            self._share = 1.0
        else:
            self._share = self._usual_share = self._share_of(apart_mm**2, (ERRORS * own.error_mm) ** 2)
            if apart_mm > APART_MM:
                self._compare()
            if self._gain < LEAST_GAIN:
                # The organ looks alike at both places.
                self._share, self._between_mm = 0.0, apart_mm
        if by_around > 0.0 and apart_mm > FARTHEST_MM:
            return 0.0
        return by_own if self._share >= MOSTLY else by_around

    def track(self, confidence: float) -> Track:
        """Return the track of the last frame, with the confidence that `locate` returned."""
        around, own, share = super().track(confidence), self.own.track(confidence), self._share
        contour_px = own.contour_px
        contour_px *= share
        contour_px += (1.0 - share) * around.contour_px
        assert around.field is not None  # noqa: S101  (a template tracker has one)
        assert own.field is not None  # noqa: S101
        made = Track.of_contour(contour_px, self.model.region.frame_spacing_mm, confidence)
        error_mm = max(ERRORS * (share * self.own.error_mm + (1.0 - share) * self.error_mm), self._between_mm)
        return replace(made, field=partial(_displacement_mm, share, around.field, own.field), error_mm=error_mm)

    def _compare(self) -> None:
        """Learn how much more the image looks like the organ's inside at its own position than at the other one.

        It looks alike at both where a fit slides along an edge of the organ, or finds a double of it.
        """
        by_around, by_own = self.last_fit.unexplained_in_target, self.own.last_fit.unexplained_in_target
        gain = math.log(max(by_around, LEAST_UNEXPLAINED) / max(by_own, LEAST_UNEXPLAINED))
        self._gain += (min(max(gain, -MOST_GAIN), MOST_GAIN) - self._gain) / GAIN_FRAMES

    def _share_of(self, apart_mm2: float, error_mm2: float) -> float:
        """Return the share of the organ's own position, and learn how far it usually is from that of the tissue.

        Parameters
        ----------
        apart_mm2 : float
            Squared distance of the two positions.
        error_mm2 : float
            Variance of its own position.
        """
        self._frames = min(self._frames + 1, RECENT_FRAMES)
        self._apart_mm2 += (apart_mm2 - self._apart_mm2) / self._frames
        self._error_mm2 += (error_mm2 - self._error_mm2) / self._frames
        # What exceeds the error is how far it slides: usually, or on this frame.
        slide_mm2 = max(self._apart_mm2 - self._error_mm2, apart_mm2 - error_mm2, 0.0)
        return slide_mm2 / (slide_mm2 + error_mm2) if slide_mm2 > 0.0 else 0.0


def _both(a: slice, b: slice) -> slice:
    """Return the shortest range that holds two others."""
    return slice(min(a.start, b.start), max(a.stop, b.stop))


def _displacement_mm(share: float, around: Field, own: Field, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the displacement of the organ inside it, and that of the tissue around it further outside."""
    beside_mm, inside_mm = around(points_mm), own(points_mm)
    return np.where(np.isnan(inside_mm), beside_mm, share * inside_mm + (1.0 - share) * beside_mm)
