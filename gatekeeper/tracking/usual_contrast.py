"""Compare the contrast of the target with its usual one."""

import math

FIRST_FRAMES = 20
"""Number of frames that tell the usual contrast, so that a target that fades away does not become the usual one."""
LEAST_USUAL = 0.75
"""Lower limit of the usual contrast."""
RECENT_FRAMES = 8
"""Time constant of the mean of the recent contrast, in frames: noise changes that of a single frame."""


class UsualContrast:
    """Contrast of the target on frames, over that on the template: on the first frames, and on recent ones."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget all frames."""
        self._usual = self._recent = 1.0
        # The initial value counts as one frame.
        self._frames = 1

    def found_surely(self, contrast: float) -> None:
        """Let a frame on which the target was sure tell the usual contrast, if it is one of the first."""
        if self._frames < FIRST_FRAMES:
            self._frames += 1
            self._usual += (contrast - self._usual) / self._frames

    def relative(self, contrast: float, counts: bool) -> float:
        """Return the recent contrast over the usual one.

        Parameters
        ----------
        contrast : float
            Contrast on the last frame; NaN if it is not defined.
        counts : bool
            Whether the frame counts among the recent ones.

        Returns
        -------
        float
            1 for the usual one; NaN if `contrast` is.
        """
        if math.isfinite(contrast):
            if counts:
                self._recent += (contrast - self._recent) / RECENT_FRAMES
            contrast = self._recent
        return contrast / min(max(self._usual, LEAST_USUAL), 1.0)
