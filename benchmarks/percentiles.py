"""Percentiles of what was measured, where a benchmark shows two of them."""

from collections.abc import Sequence

import numpy as np


def p50_and_worst(taken: Sequence[float]) -> tuple[float, float]:
    """Return the median and the largest of some measurements."""
    return float(np.median(taken)), max(taken)
