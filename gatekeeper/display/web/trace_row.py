"""Encode a decision as ten numbers for the trace on the page."""

import math
from collections.abc import Iterable

from gatekeeper.core.axes import SAGITTAL, Orientation
from gatekeeper.core.decision import BeamState, Reason

COLUMNS = ("number", "sequence", "t", "si", "ap", "outside", "predicted", "confidence", "on", "reasons")
"""Meaning of the numbers on sagittal images: count of decisions, sequence number of the frame (-1 without a frame),
session time in s, displacement from the reference towards superior and posterior in mm, share of the target outside the
envelope in percent as measured and as predicted, confidence 0-1, beam-on 0 or 1, and the sum of the `BITS` of the
reasons. NaN: not measured."""
BITS = {reason: float(1 << place) for place, reason in enumerate(Reason)}

STRUCTURES = "structures"
"""Name of the array (T, N, columns) of N structures in T decisions, where there are several."""
STRUCTURE_COLUMNS = ("rows", "cols", "value", "confidence", "reasons")
"""Meaning of the numbers of each of several structures: displacement along the image's rows and columns in mm, positive
as in `COLUMNS`, what is measured against its zone, confidence, and the sum of the `BITS` of its own reasons."""

Row = tuple[float, ...]


def columns_on(orientation: Orientation) -> tuple[str, ...]:
    """Return the names of the numbers on images of an orientation, with its axes in place of "si" and "ap".

    Examples
    --------
    >>> from gatekeeper.core.axes import CORONAL
    >>> columns_on(CORONAL)[2:6]
    ('t', 'si', 'rl', 'outside')
    """
    names = dict(zip(SAGITTAL.names, orientation.names, strict=True))
    return tuple(names.get(column.upper(), column).lower() for column in COLUMNS)


def axes_for_page(orientation: Orientation) -> list[dict[str, object]]:
    """Return what the page needs to know of the axes along rows and columns."""
    names = ("name", "positive", "ends", "sign")
    return [{name: getattr(axis, name) for name in names} for axis in orientation.axes]


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
        Displacement from the reference, superior, posterior and left positive; ignored while the target is lost.
    confidence : float
        Tracking confidence, 0-1 or NaN; 0 when the target is lost.

    Returns
    -------
    tuple of float
        One number for each column.
    """
    rows_mm, cols_mm = _known(moved_mm, confidence)
    bits = _bits(reasons)
    on = float(state is BeamState.ON)
    return (
        float(number),
        float(sequence),
        time_s,
        rows_mm,
        cols_mm,
        outside_percent,
        predicted_percent,
        confidence,
        on,
        bits,
    )


def structure_row(
    moved_mm: tuple[float, float], value: float, confidence: float, reasons: Iterable[Reason]
) -> tuple[float, ...]:
    """Return one of several structures in a decision as the numbers of `STRUCTURE_COLUMNS`.

    Parameters
    ----------
    moved_mm : tuple of float
        Displacement from the reference, superior, posterior and left positive; ignored while the structure is lost.
    value : float
        What is measured against its zone, in percent, mm^2 or mm.
    confidence : float
        Tracking confidence, 0-1 or NaN; 0 when the structure is lost.
    reasons : iterable of Reason
        Why this structure holds the beam.

    Returns
    -------
    tuple of float
        One number for each column.
    """
    return *_known(moved_mm, confidence), value, confidence, _bits(reasons)


def _known(moved_mm: tuple[float, float], confidence: float) -> tuple[float, float]:
    return moved_mm if confidence > 0.0 else (math.nan, math.nan)


def _bits(reasons: Iterable[Reason]) -> float:
    return sum(BITS[reason] for reason in reasons)
