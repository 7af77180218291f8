"""Add numbers in the same way on every Python."""

from collections.abc import Iterable


def add(values: Iterable[float]) -> float:
    """Return the sum of numbers, added from left to right.

    The built-in `sum` compensates for rounding since Python 3.12. Its last bit therefore depends on the version, and
    `gatekeeper verify` compares decisions to the last bit.

    Parameters
    ----------
    values : iterable of float
        The numbers, in the order in which they are added.

    Returns
    -------
    float
        The sum; 0 without numbers.

    Examples
    --------
    >>> add([1e16, 1.0, -1e16])
    0.0
    """
    total = 0.0
    for value in values:
        total += value
    return total
