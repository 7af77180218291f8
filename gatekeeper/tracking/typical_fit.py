"""Learn what recent frames leave unexplained, to tell noise from a target that is not there."""

LOST_IN_NOISE = 0.8
"""Ratio from which on the presence of the target cannot be established. It does not apply without a stiff model, as
during learning from a preview."""
NOISY = 0.3
"""Ratio from which on frames are mostly noise."""
STIFF_FROM, STIFF_ALONE_FROM = 0.2, 0.5
"""Ratio from which on the stiff model contributes to the position, and from which on it determines it alone."""

TYPICAL_FRAMES, TYPICAL_UNSURE_FRAMES = 20, 200
"""Time constants of the running mean, in frames: in general, and after the first ones for frames of low confidence."""
MOST_UNEXPLAINED = 1.0
"""Cap of the ratio of one frame in the running mean, as it is unlimited on a frame that does not show the target."""
OUTLIER = 1.5
"""Ratio of one frame over the typical one above which the excess is not noise: the frame shows something else."""


class TypicalFit:
    """Running mean of the ratio of unexplained to explained variance: noise and other differences between frames.

    Attributes
    ----------
    unexplained : float
        The mean; `NOISY` before the first frame.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget all frames."""
        self.unexplained = NOISY
        # The initial value counts as one frame.
        self._frames = 1

    def update(self, unexplained: float, is_sure: bool) -> None:
        """Update the mean with the last frame.

        Parameters
        ----------
        unexplained : float
            Ratio of its unexplained to its explained variance.
        is_sure : bool
            Whether the target was sure on it.
        """
        self._frames = min(self._frames + 1, TYPICAL_FRAMES)
        frames = TYPICAL_UNSURE_FRAMES if self._frames == TYPICAL_FRAMES and not is_sure else self._frames
        self.unexplained += (min(unexplained, MOST_UNEXPLAINED) - self.unexplained) / frames

    @property
    def is_noisy(self) -> bool:
        """Whether frames are mostly noise."""
        return self.unexplained >= NOISY

    @property
    def stiff_share(self) -> float:
        """Share of the stiff model in the position, 0-1."""
        return min(max((self.unexplained - STIFF_FROM) / (STIFF_ALONE_FROM - STIFF_FROM), 0.0), 1.0)

    def noise(self, unexplained: float, has_stiff: bool) -> float:
        """Return the noise part of the residual variance of a frame: all of it, unless the frame is an outlier.

        Parameters
        ----------
        unexplained : float
            Ratio of its unexplained to its explained variance.
        has_stiff : bool
            Whether there is a stiff model, see `LOST_IN_NOISE`.

        Returns
        -------
        float
            0 to `unexplained`.
        """
        if not self.is_noisy or (self.unexplained >= LOST_IN_NOISE and has_stiff):
            return 0.0
        most = OUTLIER * self.unexplained
        return unexplained if unexplained <= most else most * (most / unexplained) ** 2
