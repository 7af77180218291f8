"""Compute the percentiles that benchmarks show."""

from collections.abc import Sequence

import numpy as np


def p50_and_worst(taken: Sequence[float]) -> tuple[float, float]:
    """Return the median and the maximum of measured values."""
    return float(np.median(taken)), max(taken)
