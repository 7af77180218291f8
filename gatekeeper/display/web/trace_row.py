"""Record: one decision in ten numbers, as the strip under the picture shows it."""

import math
from collections.abc import Iterable

from gatekeeper.core.decision import BeamState, Reason

COLUMNS = ("number", "sequence", "t", "si", "ap", "outside", "predicted", "confidence", "on", "reasons")
"""What the numbers are: a count of decisions, the frame (-1 for none), session time in s, movement from the reference
towards head and back in mm, percent outside as measured and as predicted, confidence 0-1, beam-on 0 or 1, and the
reasons as the sum of 2 to the power of their places in the table. NaN: not measured."""
BITS = {reason: float(1 << place) for place, reason in enumerate(Reason)}

Row = tuple[float, ...]


def row_of(
    number: int,
    sequence: int,
    time_s: float,
    state: BeamState,
    reasons: Iterable[Reason],
    outside_percent: float,
    predicted_percent: float,
    moved_mm: tuple[float, float],
    confidence: float,
) -> Row:
    """Return one decision as the numbers of `COLUMNS`.

    Parameters
    ----------
    moved_mm : tuple of float
        From the reference towards head and back; not used while the target is lost.
    confidence : float
        0-1, or NaN.
    """
    si_mm, ap_mm = moved_mm if confidence > 0.0 else (math.nan, math.nan)
    bits = sum(BITS[reason] for reason in reasons)
    on = float(state is BeamState.ON)
    return (
        float(number),
        float(sequence),
        time_s,
        si_mm,
        ap_mm,
        outside_percent,
        predicted_percent,
        confidence,
        on,
        bits,
    )


def moved_mm(center_mm: tuple[float, float], reference_mm: tuple[float, float]) -> tuple[float, float]:
    """Return how far the target is from its reference, towards head and back, in mm; both as (row, col)."""
    return reference_mm[0] - center_mm[0], center_mm[1] - reference_mm[1]
