"""Compute the confidence in a fitted position from the quality of the fit."""

import math
from dataclasses import dataclass
from functools import cached_property

from gatekeeper.tracking.similarity import Similarity

LARGEST_ERROR_MM = 1.3
"""Expected position error at which the confidence is 0.5 when all other terms are 0, in mm."""

LARGEST_BENDING = 0.9
"""Root mean square of the deformation parameters, in standard deviations, at which the confidence is 0.5 when all other
terms are 0."""

LEAST_SIMILARITY = Similarity(patches=0.2, detail=0.45, target=0.57)
"""Similarities at each of which the confidence is 0.5 when all other terms are 0."""

ENOUGH_CONTRAST, LEAST_CONTRAST = 0.9, 0.7
"""Contrast of the target, over its usual one, from which on it adds no term, and at which the confidence is 0.5 when
all other terms are 0."""

LARGEST_DEVIANCE = 60.0
"""Prior deviance of the position at which the confidence is 0.5 when all other terms are 0."""


@dataclass(frozen=True)
class Limits:
    """Values at each of which the confidence is 0.5 when all other terms are 0.

    Attributes
    ----------
    error_mm : float
        Expected position error.
    similarity : Similarity
        Similarity of frame and template.
    apart_mm : float
        Distance between the position and the best match of the search; infinite where it is not looked at.
    """

    error_mm: float = LARGEST_ERROR_MM
    similarity: Similarity = LEAST_SIMILARITY
    apart_mm: float = math.inf

    @cached_property
    def unexplained(self) -> tuple[float, ...]:
        """Ratios of unexplained to explained variance of the similarities."""
        return tuple(map(_unexplained, self.similarity))


SMALL_TARGET = Limits()
LARGE_TARGET = Limits(apart_mm=10.0)
SETTLED_LARGE_TARGET = Limits(
    error_mm=2.0, similarity=Similarity(patches=0.15, detail=0.3, target=0.35), apart_mm=LARGE_TARGET.apart_mm
)
"""In another state of breathing other vessels lie in an organ's plane, so that its right place looks less similar. But
a wrong place is seldom where the search of the whole organ has its best match, on several frames."""

ORGAN_CM2 = 50.0
"""Area from which on the limits of a target that has settled are these, in cm^2. Differences between frames are
correlated over about 1 cm^2, so that the similarity of a smaller one may be a coincidence."""

USUAL_AGREEMENT, LEAST_AGREEMENT = 0.03, 0.16
"""Agreement of patches at which it changes the doubt in a large target by no factor, and at which the confidence is
0.5 when there is no other doubt."""
CHANCE_AGREEMENT = 0.01
"""Added to the agreement, which may be 0 by chance."""
LEAST_LEFT, LEAST_LEFT_SMALLER = 0.4, 0.8
"""Least share of the doubt that is left where all patches agree, and where a quarter of the target is smaller than a
patch, so that its quarters may agree by chance."""
NO_DOUBT, HOPELESS_DOUBT = 0.33, 4.0
"""Doubts below and above which the patches are not asked."""


def doubt_in_parts(doubt: float, agreement: float, has_parts: bool = True) -> float:
    """Return the doubt in a large target after asking whether each part of it is where the fit has it.

    A wrong place, such as another person's liver, may be similar as a whole, and along much of its edge, but hardly in
    each quarter.

    Parameters
    ----------
    doubt : float
        From `fit_doubt`.
    agreement : float
        From `PatchSearch.agreement`, 0-1.
    has_parts : bool, optional
        Whether a quarter of the target is as large as a patch.
    """
    agreement += CHANCE_AGREEMENT
    least_left = LEAST_LEFT if has_parts else LEAST_LEFT_SMALLER
    return doubt * max(USUAL_AGREEMENT / agreement, least_left) + (LEAST_AGREEMENT / agreement) ** 2


def fit_doubt(
    error_mm: float,
    bending: float,
    similarity: Similarity,
    deviance: float,
    apart_mm: float = 0.0,
    limits: Limits = SMALL_TARGET,
) -> float:
    """Return the doubt in a fitted position, before the contrast of the target is looked at.

    Each of the following adds a term, relative to its limit: the expected position error; a deformation that is
    improbable under its prior; a position that is improbable under its prior; low similarity to the template in
    patches, in detail or in the target; and the distance from the best match of the search.

    Parameters
    ----------
    error_mm : float
        Expected position error along the least determined direction, in mm.
    bending : float
        Root mean square of the deformation parameters, in standard deviations.
    similarity : Similarity
        Similarity of frame and template.
    deviance : float
        Minus twice the log prior probability of the position, 0 for the most probable one.
    apart_mm : float, optional
        Distance from the best match of the search, in mm.
    limits : Limits, optional
        Limits of the terms; by default those of a small target.

    Returns
    -------
    float
        0 for none; infinite without any similarity, NaN when an argument is NaN.
    """
    if not min(similarity) > 0.0:
        return math.inf
    in_patches, in_detail, in_target = limits.unexplained
    dissimilarity = (
        _unexplained(similarity.patches) / in_patches
        + _unexplained(similarity.detail) / in_detail
        + _unexplained(similarity.target) / in_target
    )
    disagreement = (apart_mm / limits.apart_mm) ** 2
    improbable = (bending / LARGEST_BENDING) ** 2 + deviance / LARGEST_DEVIANCE
    return error_mm / limits.error_mm + improbable + dissimilarity + disagreement


def fit_confidence(doubt: float, inside: float, contrast: float) -> float:
    """Return the confidence in a fitted position.

    A target of less contrast than usual, as when it is not there, adds a term to the doubt. The confidence is
    ``inside / (1 + doubt**2)``: 0.5 where one term alone reaches its limit.

    Parameters
    ----------
    doubt : float
        From `fit_doubt`.
    inside : float
        Share of the template inside the frame, 0-1.
    contrast : float
        Contrast of the target on the frame, over its usual one.

    Returns
    -------
    float
        0 (lost) to 1 (certain); 0 when an argument is NaN.
    """
    if math.isnan(contrast):
        return 0.0
    doubt += (max(ENOUGH_CONTRAST - contrast, 0.0) / (ENOUGH_CONTRAST - LEAST_CONTRAST)) ** 2
    confidence = inside / (1.0 + doubt * doubt)
    return confidence if math.isfinite(confidence) else 0.0


def _unexplained(correlation: float) -> float:
    """Return the ratio of unexplained to explained variance."""
    return 1.0 / min(correlation, 1.0) ** 2 - 1.0
