"""Decimal numbers from their single-precision values."""

import numpy as np

from gatekeeper.core.frame import Vector


def shortest_decimals(vector: Vector) -> Vector:
    """Return the shortest decimal numbers that round to those of single precision, for example 1.1 for float32(1.1)."""
    first, second, third = (float(str(np.float32(value))) for value in vector)
    return first, second, third
