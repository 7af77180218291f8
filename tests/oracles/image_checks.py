"""Slow, obvious twins of kernels/image_checks.py, for the tests to compare with."""

import math


def survey_slowly(image):
    """Finite, varied, and how many pixels have the largest value."""
    values = [float(value) for value in image.ravel()]
    finite = all(math.isfinite(value) for value in values)
    return finite, len(set(values)) > 1, values.count(max(values))
