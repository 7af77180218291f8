"""Decide from a preview whether a stiffer model of the anatomy tracks better.

A stiff model with more context averages out more noise, but is wrong where the anatomy deforms. Let d(t) be the
difference between the centres that a stiff and a flexible model find. It consists of noise of the flexible model, which
is independent from frame to frame and normally distributed, and of errors of the stiff model, which follow the breath
and are correlated between neighbouring frames, or are occasional. Half the mean square of the successive differences of
d estimates the variance of the noise, and the variance of d minus this that of the correlated errors [1]_. Occasional
errors show in the ratio of the median of the successive differences to their root mean square. On frames so noisy that
the flexible model loses the target, medians replace the means, and occasional errors are not tested for.

References
----------
.. [1] J. von Neumann, "Distribution of the ratio of the mean square successive difference to the variance", Annals of
   Mathematical Statistics 12, 1941.
"""

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import TrackerConfig
from gatekeeper.tracking.preview.trajectory import Trajectory
from gatekeeper.tracking.typical_fit import NOISY

STIFFER = (0.5, 1.0 / 3.0, 1.0 / 6.0)
"""Expected deformation of the stiff models, as shares of the configured one; each is compared with the one before."""
WIDER_MM = 10.0
"""Additional context of a stiff model, in mm."""
WIDEST_MM = 50.0
"""Upper limit of the context, in mm."""

MOST_STRUCTURED = 1.25
"""Largest ratio of correlated variance to noise variance at which the stiff model is better: part of the correlated
errors are the flexible model's."""
LEAST_NORMAL = 0.6
"""Least ratio of median to root mean square of the successive differences; it is 0.67 for a normal distribution."""
LEAST_MOTION_MM = 5.0
"""Least SI range of the central 90 % of the frames from which deformation can be judged, in mm."""
FEWEST_PAIRS = 20
"""Least number of pairs of neighbouring frames."""


def stiffened(config: TrackerConfig, share: float) -> TrackerConfig:
    """Return the settings of a stiff model that expects a share of the configured deformation."""
    return config.model_copy(
        update={
            "deformation_mm": share * config.deformation_mm,
            "context_mm": max(config.context_mm, min(config.context_mm + WIDER_MM, WIDEST_MM)),
        }
    )


def is_stiff(flexible: Trajectory, stiff: Trajectory) -> bool:
    """Return True when the stiff model's centres are more accurate than the flexible model's on a preview."""
    found = flexible.found & stiff.found
    if not found.any() or np.ptp(np.percentile(flexible.centers_mm[found, 0], (5.0, 95.0))) < LEAST_MOTION_MM:
        return False
    difference_mm = stiff.centers_mm - flexible.centers_mm
    steps_mm = np.diff(difference_mm, axis=0)[found[1:] & found[:-1]]
    # Repeated frames carry no information about noise.
    steps_mm = steps_mm[np.abs(steps_mm).sum(axis=1) > 0.0]
    if len(steps_mm) < FEWEST_PAIRS:
        return False
    differences_mm = difference_mm[found]
    if is_noisy(flexible):
        noise = 0.5 * _typical_square(steps_mm)
        return bool(_typical_square(differences_mm) - noise <= MOST_STRUCTURED * noise)
    squares = np.square(steps_mm)
    noise = 0.5 * float(squares.sum(axis=1).mean())
    normal = np.median(np.abs(steps_mm)) / np.sqrt(squares.mean())
    structured = differences_mm.var(axis=0).sum() - noise
    return bool(structured <= MOST_STRUCTURED * noise and normal >= LEAST_NORMAL)


def is_noisy(trajectory: Trajectory) -> bool:
    """Return True when the frames on which the target was found are mostly noise."""
    return bool(np.median(trajectory.unexplained[trajectory.found]) >= NOISY)


def _typical_square(values_mm: NDArray[np.float64]) -> float:
    """Return a robust measure of spread, proportional to the variance summed over both axes."""
    deviation_mm = np.abs(values_mm - np.median(values_mm, axis=0))
    return float(np.square(np.median(deviation_mm, axis=0)).sum())
