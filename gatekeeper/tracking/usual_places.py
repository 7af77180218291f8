"""Remember where a target has been found with certainty, and which of its places need confirmation."""

import math

CERTAIN = 0.7
"""Confidence from which on a place is a usual one, where less confidence is needed afterwards."""
MARGIN_MM = 5.0
"""Margin around the usual places along either axis, in mm."""
STEP_MM = 5.0
"""Distance from the last sure or confirmed place up to which a usual one needs no confirmation, in mm."""
PAUSE = 4
"""Number of frames for which a confirmed target that is unsurely found at a usual place is not compared again."""
CONFIRMED_MM, NEAR_MM, SAME_MM = 8.0, 5.0, 1.0
"""Distance from where the tissue around it is, up to which an unsure target at a usual place is confirmed, a sure one
there or a certain one at a new place, and one there that is sure and not certain: as much as the match of patches is
off by, in mm."""
UNANSWERED = 0.5
"""Factor of the confidence in a place away from the last sure one, where the tissue around it cannot be found."""


class UsualPlaces:
    """The range of displacements at which a target was found with certainty, beginning with that of the reference.

    A breath-hold far beyond shallow breathing lies outside it, until the target was found there with certainty.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget all places but that of the reference."""
        self._low_mm = self._high_mm = self._last_mm = (0.0, 0.0)
        self._pause = 0

    def include(self, moved_mm: tuple[float, float]) -> bool:
        """Return True when a place lies among those that were added, or not far outside."""
        low_mm, high_mm = self._low_mm, self._high_mm
        return (
            low_mm[0] - MARGIN_MM <= moved_mm[0] <= high_mm[0] + MARGIN_MM
            and low_mm[1] - MARGIN_MM <= moved_mm[1] <= high_mm[1] + MARGIN_MM
        )

    def found_surely(self, moved_mm: tuple[float, float]) -> None:
        """Keep the last place at which the target was sure."""
        self._last_mm = moved_mm

    def confirm(
        self,
        moved_mm: tuple[float, float],
        expected_mm: tuple[float, float],
        confidence: float,
        least_sure: float,
        is_noisy: bool,
    ) -> bool:
        """Return True when the tissue around the target confirms a place, and keep it then.

        Parameters
        ----------
        moved_mm, expected_mm : tuple of float
            Displacement (row, col) of the target, and that of the tissue around it, in mm.
        confidence, least_sure : float
            Confidence in `moved_mm`, and that from which on the target is sure.
        is_noisy : bool
            Whether frames are mostly noise: a right place is less certain then, and that of the tissue less exact.
        """
        if confidence > 0.0 and self.include(moved_mm):
            limit_mm = CONFIRMED_MM if confidence < least_sure else NEAR_MM
        elif confidence >= (least_sure if is_noisy else CERTAIN):
            limit_mm = NEAR_MM
        else:
            limit_mm = SAME_MM if confidence >= least_sure else -1.0
        if math.dist(moved_mm, expected_mm) > limit_mm:
            self._pause = 0
            return False
        self._last_mm, self._pause = moved_mm, PAUSE
        if confidence >= CERTAIN:
            down_mm, right_mm = moved_mm
            self._low_mm = min(self._low_mm[0], down_mm), min(self._low_mm[1], right_mm)
            self._high_mm = max(self._high_mm[0], down_mm), max(self._high_mm[1], right_mm)
        return True

    def ask_again(self) -> None:
        """Let an unsure target be compared again on the next frame."""
        self._pause = 0

    def unanswered(self, moved_mm: tuple[float, float], confidence: float) -> float:
        """Return the confidence in a place of which the tissue around the target tells nothing.

        Parameters
        ----------
        moved_mm : tuple of float
            Displacement (row, col) of the target in mm.
        confidence : float
            Confidence in it.
        """
        if confidence >= CERTAIN or math.dist(moved_mm, self._last_mm) <= STEP_MM:
            return confidence
        return UNANSWERED * confidence

    def need_no_check(
        self, moved_mm: tuple[float, float], confidence: float, least_sure: float, was_sure: bool
    ) -> bool:
        """Return True when the target was found with certainty, or next to a place that is known to be right.

        Parameters
        ----------
        moved_mm : tuple of float
            Displacement (row, col) of the target in mm, a usual one.
        confidence, least_sure : float
            Confidence in it, and that from which on the target is sure.
        was_sure : bool
            Whether the target was sure on the frame before.
        """
        if confidence >= CERTAIN:
            return True
        is_next = math.dist(moved_mm, self._last_mm) <= STEP_MM
        is_known = was_sure if confidence >= least_sure else self._pause > 0
        self._pause -= 1
        return is_next and is_known
