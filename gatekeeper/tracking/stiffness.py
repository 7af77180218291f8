"""Stiffness: whether a preview allows the anatomy to be taken as stiffer than one can know from a single frame.

A stiff model with more of the surroundings averages more noise away, but is wrong where the anatomy really deforms.
Let d(t) be the difference between the centres that a stiff and a flexible model find. What the stiff one saves is
noise, which is new on every frame and normally distributed; what it gets wrong follows the breath and is alike on
neighbouring frames, or happens now and then. Half the mean square of the successive differences of d estimates the
first, and what it lacks to the variance of d the second [1]_; the third shows in the median of the differences being
small beside their root mean square.

References
----------
.. [1] J. von Neumann, "Distribution of the ratio of the mean square successive difference to the variance", Annals of
   Mathematical Statistics 12, 1941.
"""

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import TrackerConfig

STIFFER = 0.5
"""Share of the deformation that a stiff model expects."""
WIDER_MM = 10.0
"""How much further around the target a stiff model looks, in mm."""

MOST_STRUCTURED = 1.25
"""Variance of the difference that follows the breath over that which is noise, up to which the stiff model is better:
part of the first is the flexible model's error too."""
LEAST_NORMAL = 0.6
"""Median over root mean square of the differences; 0.67 for a normal distribution, less when a few are large."""
FEWEST_PAIRS = 20
"""With fewer neighbouring frames nothing is concluded."""


def stiffened(config: TrackerConfig) -> TrackerConfig:
    """Return the settings of the stiff model."""
    return config.model_copy(
        update={
            "deformation_mm": STIFFER * config.deformation_mm,
            "context_mm": min(config.context_mm + WIDER_MM, 50.0),
        }
    )


def is_stiff(flexible_mm: NDArray[np.float64], stiff_mm: NDArray[np.float64], sure: NDArray[np.bool_]) -> bool:
    """Return True when the stiff model's centres are the better ones.

    Parameters
    ----------
    flexible_mm, stiff_mm : ndarray of float64, shape (T, 2)
        Centres that both found on a preview, in mm.
    sure : ndarray of bool, shape (T,)
        Frames on which both are sure.
    """
    difference = stiff_mm - flexible_mm
    steps = np.diff(difference, axis=0)[sure[1:] & sure[:-1]]
    # Frames recorded twice tell nothing about noise.
    steps = steps[np.abs(steps).sum(axis=1) > 0.0]
    if len(steps) < FEWEST_PAIRS:
        return False
    squares = np.square(steps)
    noise = 0.5 * squares.sum(axis=1).mean()
    structured = difference[sure].var(axis=0).sum() - noise
    normal = np.median(np.abs(steps)) / np.sqrt(squares.mean())
    return bool(structured <= MOST_STRUCTURED * noise and normal >= LEAST_NORMAL)
