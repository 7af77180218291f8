"""Encode a decision as ten numbers for the trace on the page."""

import math
from collections.abc import Iterable

from gatekeeper.core.decision import BeamState, Reason

COLUMNS = ("number", "sequence", "t", "si", "ap", "outside", "predicted", "confidence", "on", "reasons")
"""Meaning of the numbers: count of decisions, sequence number of the frame (-1 without a frame), session time in s,
displacement from the reference towards superior and posterior in mm, share of the target outside the envelope in
percent as measured and as predicted, confidence 0-1, beam-on 0 or 1, and the sum of the `BITS` of the reasons. NaN: not
measured."""
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
    """Return a decision as the numbers of `COLUMNS`.

    Parameters
    ----------
    number : int
        Count of decisions.
    sequence : int
        Sequence number of the frame, -1 without a frame.
    time_s : float
        Session time in seconds.
    state : BeamState
        The decision.
    reasons : iterable of Reason
        Reasons of a hold.
    outside_percent, predicted_percent : float
        Share of the target outside the envelope in percent, as measured and as predicted.
    moved_mm : tuple of float
        Displacement from the reference towards superior and posterior; ignored while the target is lost.
    confidence : float
        Tracking confidence, 0-1 or NaN; 0 when the target is lost.

    Returns
    -------
    tuple of float
        One number for each column.
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
    """Return the displacement of the target from its reference.

    Parameters
    ----------
    center_mm, reference_mm : tuple of float
        Position and reference position as (row, col), in mm.

    Returns
    -------
    tuple of float
        Displacement towards superior and posterior, in mm.
    """
    return reference_mm[0] - center_mm[0], center_mm[1] - reference_mm[1]
