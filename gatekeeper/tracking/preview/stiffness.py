"""Stiffness: whether a preview allows the anatomy to be taken as stiffer than one can know from a single frame.

A stiff model with more of the surroundings averages more noise away, but is wrong where the anatomy really deforms.
Let d(t) be the difference between the centres that a stiff and a flexible model find. What the stiff one saves is
noise, which is new on every frame and normally distributed; what it gets wrong follows the breath and is alike on
neighbouring frames, or happens now and then. Half the mean square of the successive differences of d estimates the
first, and what it lacks to the variance of d the second [1]_; the third shows in the median of the differences being
small beside their root mean square. On frames so noisy that the flexible model is lost on some, medians take the place
of the means, and the third is not asked for.

References
----------
.. [1] J. von Neumann, "Distribution of the ratio of the mean square successive difference to the variance", Annals of
   Mathematical Statistics 12, 1941.
"""

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import TrackerConfig
from gatekeeper.tracking.preview.trajectory import Trajectory
from gatekeeper.tracking.template_tracker import NOISY

STIFFER = (0.5, 1.0 / 3.0, 1.0 / 6.0)
"""Shares of the deformation that a flexible model expects, as stiff models expect them: each is tried beside the one
before."""
WIDER_MM = 10.0
"""How much further around the target a stiff model looks, in mm."""
WIDEST_MM = 50.0

MOST_STRUCTURED = 1.25
"""Variance of the difference that follows the breath over that which is noise, up to which the stiff model is better:
part of the first is the flexible model's error too."""
LEAST_NORMAL = 0.6
"""Median over root mean square of the differences; 0.67 for a normal distribution, less when a few are large."""
LEAST_MOTION_MM = 5.0
"""Anatomy that hardly moves along SI, in the middle nine tenths of the frames, does not show how it deforms when it
does."""
FEWEST_PAIRS = 20
"""With fewer neighbouring frames nothing is concluded."""


def stiffened(config: TrackerConfig, share: float) -> TrackerConfig:
    """Return the settings of the stiff model that expects a share of the deformation."""
    return config.model_copy(
        update={
            "deformation_mm": share * config.deformation_mm,
            "context_mm": max(config.context_mm, min(config.context_mm + WIDER_MM, WIDEST_MM)),
        }
    )


def is_stiff(flexible: Trajectory, stiff: Trajectory) -> bool:
    """Return True when the stiff model's centres on a preview are the better ones."""
    found = flexible.found & stiff.found
    if not found.any() or np.ptp(np.percentile(flexible.centers_mm[found, 0], (5.0, 95.0))) < LEAST_MOTION_MM:
        return False
    difference_mm = stiff.centers_mm - flexible.centers_mm
    steps_mm = np.diff(difference_mm, axis=0)[found[1:] & found[:-1]]
    # Frames recorded twice tell nothing about noise.
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


def is_noisy(seen: Trajectory) -> bool:
    """Return True when the frames on which the target was found are mostly noise: a flexible model stumbles, too.

    The differences need not be normal then, and both variances are taken from medians.
    """
    return bool(np.median(seen.unexplained[seen.found]) >= NOISY)


def _typical_square(values_mm: NDArray[np.float64]) -> float:
    """Return what is in proportion to the variance along both axes, whatever a few outliers say."""
    away_mm = np.abs(values_mm - np.median(values_mm, axis=0))
    return float(np.square(np.median(away_mm, axis=0)).sum())
