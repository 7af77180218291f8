"""Confidence: how sure the tracker may be of a position, from how well the frame fits and how far it had to bend."""

import math

MOST_UNEXPLAINED = 1.2
"""Unexplained over explained variance of the frame at which, by itself, confidence is one half."""

MOST_BENT = 1.3
"""Root mean square parameter, in standard deviations, at which, by itself, confidence is one half."""


def confidence(correlation: float, penalty: float, count: int, inside: float) -> float:
    """Return the confidence in a fitted position.

    Two doubts add up: the variance of the frame that the moved template does not explain, and a displacement that is
    improbable before the frame is seen. One half is where either alone reaches its limit.

    Parameters
    ----------
    correlation : float
        Correlation coefficient of frame and template, -1 to 1.
    penalty : float
        Sum of the squared parameters, each in standard deviations.
    count : int
        How many parameters there are.
    inside : float
        Share of the template inside the frame, 0-1.

    Returns
    -------
    float
        0 (lost) to 1 (sure); 0 when anything is NaN.
    """
    explained = min(correlation, 1.0) ** 2 if correlation > 0.0 else 0.0
    if explained == 0.0:
        return 0.0
    doubt = (1.0 / explained - 1.0) / MOST_UNEXPLAINED + penalty / count / MOST_BENT**2
    sure = inside / (1.0 + doubt * doubt)
    return sure if math.isfinite(sure) else 0.0
