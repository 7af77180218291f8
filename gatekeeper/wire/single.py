"""Single precision: decimal numbers that a protocol has rounded, as they were written."""

import numpy as np

from gatekeeper.core.frame import Vector


def shortest_decimals(vector: Vector) -> Vector:
    """Return the shortest decimal numbers that round to those of single precision: who wrote 1.1 meant 1.1."""
    first, second, third = (float(str(np.float32(value))) for value in vector)
    return first, second, third
