"""Measure the noise of frames, to tell what it explains of the difference between a frame and its template."""

import numpy as np

from gatekeeper.tracking.template_fit import TemplateFit
from kernels.frame_noise import take_change

MEAN_TO_SIGMA = 1.2533
"""Standard deviation of a normal distribution over its mean absolute value."""

REFERENCE_FRAMES = 20
"""Number of first frames that tell the noise of the reference, which was acquired like them."""

LEAST_CHANGE = 1e-3
"""Variance of the change, over that of the template, up to which a frame counts as shown again."""

OUTLIER = 2.0
"""Ratio of the unexplained variance of one frame over the noise above which the excess is not noise."""
MOST_NOISE = 1.25
"""Ratio of the noise over the unexplained variance above which what changes is no noise: it would show in any frame."""


class FrameNoise:
    """Noise of the frames to which a template is fitted, as a variance over that of the template.

    Noise is new on every frame. What else the template does not explain, such as a wrong place, other tissue or a wrong
    deformation, stays from frame to frame. Half the mean square of the change of the residual from one frame to the
    next is therefore the variance of the noise [1]_. It is computed from mean absolute values, so that a few points at
    which something moves do not decide. When the frames begin to show something else, that is a change as well, but one
    or two: the least of the last three changes counts. Noise is thus known on the third frame after it rises, and as
    soon as it falls.

    Parameters
    ----------
    fit : TemplateFit
        A fit of the template, or of another one at the same points.

    Attributes
    ----------
    share : float
        Noise of the last frames over the variance of the template; 0 before the fourth frame.
    of_reference : float
        The same for the first frames, and thus for the reference.

    References
    ----------
    .. [1] J. von Neumann, "Distribution of the ratio of the mean square successive difference to the variance", Annals
       of Mathematical Statistics 12, 1941.
    """

    def __init__(self, fit: TemplateFit) -> None:
        weight = fit.template.points[2]
        self._to_sigma = np.asarray(MEAN_TO_SIGMA / (len(weight) * weight), dtype=np.float32)
        self._residual, self._change = np.zeros((2, len(weight)), np.float32)
        self.restart()

    def restart(self) -> None:
        """Forget all frames."""
        self._residual[:] = 0.0
        self.share = self.of_reference = 0.0
        self._last = self._before = 0.0
        self._frames = 0

    def update(self, fit: TemplateFit) -> None:
        """Measure the noise after a fit to the next frame."""
        take_change(fit.residual, fit.residual_scale, self._residual, self._change)
        sigma = float(self._change @ self._to_sigma)
        changed = 0.5 * sigma * sigma / fit.variance
        # A frame that is shown again tells nothing.
        if not changed > LEAST_CHANGE:
            return
        self._frames += 1
        if self._frames > 1:
            # The first residual has nothing to be compared with.
            self.share = min(changed, self._last, self._before)
            self._last, self._before = changed, self._last
            if 3 < self._frames <= REFERENCE_FRAMES:
                self.of_reference = self.share if self._frames == 4 else min(self.share, self.of_reference)

    def explained(self, unexplained: float) -> float:
        """Return the part of the unexplained variance that is noise: all of it, unless the frame is an outlier.

        Parameters
        ----------
        unexplained : float
            Ratio of unexplained to explained variance of the last frame.

        Returns
        -------
        float
            0 to `unexplained`.
        """
        if self.share > MOST_NOISE * unexplained:
            return 0.0
        most = OUTLIER * (self.share + self.of_reference)
        return unexplained if unexplained <= most else most * (most / unexplained) ** 2
