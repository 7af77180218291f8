"""Confidence: how sure the tracker may be of a position, from what the fit to the frame left open."""

import math

from gatekeeper.core.addition import add
from gatekeeper.tracking.template_fit import Similarity

LARGEST_ERROR_MM = 1.3
"""Expected error of the position at which, by itself, confidence is one half, in mm."""

MOST_BENT = 0.9
"""Root mean square of the deformation, in standard deviations, at which, by itself, confidence is one half."""

LEAST_LIKENESS = Similarity(patches=0.2, detail=0.45, target=0.57)
"""Likeness at each of which, by itself, confidence is one half."""

MOST_SURPRISE = 60.0
"""Minus twice the log probability of the place before the frame is seen at which, by itself, confidence is one half."""


def confidence(error_mm: float, bent: float, like: Similarity, surprise: float, inside: float) -> float:
    """Return the confidence in a fitted position.

    Doubts add up: the error that the fit expects from what the moved template does not explain, a deformation and a
    place that are improbable before the frame is seen, and a frame that in its parts, in detail, or in the target does
    not look like the template. One half is where any alone reaches its limit.

    Parameters
    ----------
    error_mm : float
        Expected error of the position along the direction in which it is determined the least, in mm.
    bent : float
        Root mean square of the parameters of the deformation, in standard deviations.
    like : Similarity
        How frame and template compare.
    surprise : float
        Minus twice the log probability of the place before the frame is seen, 0 for the most probable one.
    inside : float
        Share of the template inside the frame, 0-1.

    Returns
    -------
    float
        0 (lost) to 1 (sure); 0 when anything is NaN.
    """
    if not min(like) > 0.0:
        return 0.0
    unlike = add(_unlike(value) / _unlike(limit) for value, limit in zip(like, LEAST_LIKENESS, strict=True))
    doubt = error_mm / LARGEST_ERROR_MM + (bent / MOST_BENT) ** 2 + unlike + surprise / MOST_SURPRISE
    sure = inside / (1.0 + doubt * doubt)
    return sure if math.isfinite(sure) else 0.0


def _unlike(correlation: float) -> float:
    """Return unexplained over explained variance."""
    return 1.0 / min(correlation, 1.0) ** 2 - 1.0
