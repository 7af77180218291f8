"""Plain values: numbers as JSON has them, which knows neither NaN nor infinity, and lines that align."""

import math
from collections.abc import Iterable, Mapping


def number(value: float | None) -> float | None:
    """Return a plain float, or None for what JSON has no number for."""
    return float(value) if value is not None and math.isfinite(value) else None


def measured(value: float | None) -> float:
    """Return what `number` was made of: NaN for what was not measured."""
    return math.nan if value is None else float(value)


def numbers(values: Mapping[str, object]) -> dict[str, object]:
    """Return values with None in place of every float that JSON has no number for."""
    return {name: number(value) if isinstance(value, float) else value for name, value in values.items()}


def aligned(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return lines of a name and a text, the texts one below the other."""
    rows = list(rows)
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {text}" for name, text in rows]
