"""Confidence: how sure the tracker may be of a position, from what the fit to the frame left open."""

import math

LARGEST_ERROR_MM = 1.2
"""Expected error of the position at which, by itself, confidence is one half, in mm."""

MOST_BENT = 0.9
"""Root mean square of the deformation, in standard deviations, at which, by itself, confidence is one half."""

LEAST_LIKENESS = 0.25
"""Mean correlation within small patches at which, by itself, confidence is one half."""


LEAST_CORE = 0.5
"""Correlation in the target alone at which, by itself, confidence is one half."""


def confidence(error_mm: float, bent: float, likeness: float, core: float, inside: float) -> float:
    """Return the confidence in a fitted position.

    Four doubts add up: the error that the fit expects from what the moved template does not explain, a deformation that
    is improbable before the frame is seen, parts of the frame that do not look like the template's, and a target that
    does not. One half is where any alone reaches its limit.

    Parameters
    ----------
    error_mm : float
        Expected error of the position along the direction in which it is determined the least, in mm.
    bent : float
        Root mean square of the parameters of the deformation, in standard deviations.
    likeness : float
        Mean correlation coefficient of frame and template within small patches, -1 to 1.
    core : float
        Correlation coefficient of frame and template in the target alone, -1 to 1.
    inside : float
        Share of the template inside the frame, 0-1.

    Returns
    -------
    float
        0 (lost) to 1 (sure); 0 when anything is NaN.
    """
    if not (likeness > 0.0 and core > 0.0):
        return 0.0
    doubt = (
        error_mm / LARGEST_ERROR_MM
        + (bent / MOST_BENT) ** 2
        + _unlike(likeness) / _unlike(LEAST_LIKENESS)
        + _unlike(core) / _unlike(LEAST_CORE)
    )
    sure = inside / (1.0 + doubt * doubt)
    return sure if math.isfinite(sure) else 0.0


def _unlike(correlation: float) -> float:
    """Return unexplained over explained variance."""
    return 1.0 / min(correlation, 1.0) ** 2 - 1.0
