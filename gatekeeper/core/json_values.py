"""Read JSON from outside, convert numbers to and from JSON, which has no NaN or infinity, and align lines of text."""

import json
import math
from collections.abc import Iterable, Mapping


def parsed(text: str | bytes | bytearray) -> object:
    """Parse JSON that comes from outside.

    Parameters
    ----------
    text : str or bytes
        The text.

    Returns
    -------
    object
        Its values.

    Raises
    ------
    ValueError
        When it is not JSON, or nested too deeply.

    Examples
    --------
    >>> parsed('{"after": 3}')
    {'after': 3}
    """
    try:
        values: object = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return values


def number(value: float | None) -> float | None:
    """Return a float for JSON, or None when it is missing or not finite."""
    return float(value) if value is not None and math.isfinite(value) else None


def measured(value: float | None) -> float:
    """Return a float from JSON, or NaN when it is missing."""
    return math.nan if value is None else float(value)


def numbers(values: Mapping[str, object]) -> dict[str, object]:
    """Return values for JSON, with None in place of floats that are not finite."""
    return {name: number(value) if isinstance(value, float) else value for name, value in values.items()}


def aligned(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return lines of name and text, with the texts aligned in a column."""
    rows = list(rows)
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {text}" for name, text in rows]
