"""Tell how probable a position is on the next frame, from where the target was found before."""

import math

from gatekeeper.tracking.confidence import LARGEST_DEVIANCE
from gatekeeper.tracking.model import Model
from gatekeeper.tracking.motion_history import MotionHistory
from gatekeeper.tracking.usual_places import NEAR_MM

LARGEST_JUMP_DEVIANCE = 20.0
"""Cap of the jump penalty, about 4.5 standard deviations, so that a sudden deep breath can be tracked."""
LARGEST_PATH_DEVIANCE = 20.0
"""Cap of the penalty for the distance from the path of breathing, which the liver leaves after a deep breath."""

SETTLED_FRAMES = 3
"""Number of successive frames on which a target is found near one place, from which on it has settled there."""

REFERENCE_MM = (0.0, 0.0)


class PositionPrior:
    """Expectation of where the target is, from the last frames and the path of breathing.

    Parameters
    ----------
    model : Model
        Model of the target.
    reach_mm : tuple of float
        Greatest displacement along rows and columns to either side, in mm.

    Attributes
    ----------
    history : MotionHistory or None
        Sure displacements so far, which tell what motion of a large target is expected; None for a small one.
    expected_mm : tuple of float or None
        Displacement (row, col) of the tissue around the target on this frame, which then tells all, in mm; None where
        it is not known.
    """

    def __init__(self, model: Model, reach_mm: tuple[float, float]) -> None:
        # Small targets keep what sessions of earlier versions were decided by.
        self.history: MotionHistory | None = None
        if model.is_large:
            self.history = MotionHistory(model.motion_prior, reach_mm, model.preview_mm)
        self._motion = self.history or model.motion_prior
        self.expected_mm: tuple[float, float] | None = None
        self.restart()

    def restart(self) -> None:
        """Forget all frames; the target was sure at the reference position."""
        self._last_mm = self._previous_mm = REFERENCE_MM
        self._frames_lost = self._frames_stayed = 0
        self._frames_near = SETTLED_FRAMES
        if self.history is not None:
            self.history.restart()

    @property
    def was_sure(self) -> bool:
        """Whether the target was sure on the last frame."""
        return self._frames_lost == 0

    def found_surely(self, moved_mm: tuple[float, float]) -> None:
        """Keep a displacement (row, col) in mm of which the tracker is sure."""
        if self.history is not None:
            self.history.add(moved_mm, self.was_sure)
        self._count_near(moved_mm)
        self._last_mm = self._previous_mm = moved_mm
        self._frames_lost = self._frames_stayed = 0

    def lost(self, moved_mm: tuple[float, float], is_found: bool) -> None:
        """Count a frame on which the target was not sure.

        Parameters
        ----------
        moved_mm : tuple of float
            Displacement (row, col) of the best position, in mm.
        is_found : bool
            Whether it was found at all, if at low confidence.
        """
        self._count_near(moved_mm)
        self._frames_stayed = self._frames_stayed + 1 if is_found and self._is_near(moved_mm) else 0
        self._previous_mm = moved_mm
        self._frames_lost += 1

    def has_settled(self, moved_mm: tuple[float, float]) -> bool:
        """Return True when a displacement on this frame is near those of the last frames, sure or not."""
        return self._frames_near + 1 >= SETTLED_FRAMES and self._is_near(moved_mm)

    def _is_near(self, moved_mm: tuple[float, float]) -> bool:
        """Return True when the target may have come to a place from that of the last frame."""
        return self._motion.jump_deviance(self._previous_mm, moved_mm) < LARGEST_JUMP_DEVIANCE

    def _count_near(self, moved_mm: tuple[float, float]) -> None:
        self._frames_near = self._frames_near + 1 if self._is_near(moved_mm) else 1

    def deviance(self, moved_mm: tuple[float, float]) -> float:
        """Return minus twice the log prior probability of a displacement (row, col) in mm."""
        if self.expected_mm is not None:
            return LARGEST_DEVIANCE * (math.dist(moved_mm, self.expected_mm) / NEAR_MM) ** 2
        jump = self._motion.jump_deviance(self._last_mm, moved_mm) / (1.0 + self._frames_lost)
        if self._frames_lost:
            # A position found repeatedly, even at low confidence, is increasingly unlikely to be found by chance.
            again = self._motion.jump_deviance(self._previous_mm, moved_mm)
            stayed = again + LARGEST_JUMP_DEVIANCE / (1.0 + self._frames_stayed)
            jump = min(jump, stayed)
        path = self._motion.path_deviance(moved_mm)
        return min(jump, LARGEST_JUMP_DEVIANCE) + min(path, LARGEST_PATH_DEVIANCE)
