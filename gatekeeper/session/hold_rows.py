"""Breath-holds as people read them: from the reference, with patient signs, in the journal, displays and report."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gatekeeper.config import BreathHoldConfig
from gatekeeper.core.axes import Orientation
from gatekeeper.core.breath_holds import BreathHold

BREATH_HOLD = "breath_hold"
"""The journal's event for a breath-hold that has ended."""
Pair = tuple[float, float]


class HoldRow(NamedTuple):
    """One breath-hold, superior, posterior and left positive.

    Attributes
    ----------
    number : int
        From 1.
    begin_s, lasted_s : float
        Begin in s, and duration so far in s.
    mean_mm : tuple of float
        Mean position along the axes of rows and columns, from where the target was drawn, in mm.
    beside_first_mm : tuple of float
        Mean position less that of the first hold, in mm.
    drift_mm : float
        Displacement along the axis of rows within the hold, in mm.
    drift_mm_per_min : float
        The same as a speed, in mm per minute.
    sd_mm : float
        Standard deviation along the axis of rows within the hold, in mm.
    """

    number: int
    begin_s: float
    lasted_s: float
    mean_mm: Pair
    beside_first_mm: Pair
    drift_mm: float
    drift_mm_per_min: float
    sd_mm: float


def hold_row(hold: BreathHold, first: BreathHold, reference_mm: Pair, orientation: Orientation) -> HoldRow:
    """Return a hold as people read it.

    Parameters
    ----------
    hold, first : BreathHold
        The hold, and the first one.
    reference_mm : tuple of float
        Centre of the target where it was drawn, as (row, col) in mm.
    orientation : Orientation
        That of the images.
    """
    return HoldRow(
        hold.number,
        hold.begin_s,
        hold.lasted_s,
        orientation.between(reference_mm, hold.mean_mm),
        orientation.between(first.mean_mm, hold.mean_mm),
        orientation.rows.sign * hold.drift_mm[0] + 0.0,
        orientation.rows.sign * hold.drift_mm_per_min + 0.0,
        hold.sd_mm,
    )


def hold_event(hold: BreathHold, first: BreathHold, orientation: Orientation) -> dict[str, object]:
    """Return the journal's values of a hold that has ended; `center_mm` is (row, col) as on each frame."""
    names, row = orientation.names, hold_row(hold, first, first.mean_mm, orientation)
    beside_mm = hold.beside_mm(first)
    beside = "" if hold is first else f", {orientation.in_words(beside_mm)} of the first"
    return {
        "number": hold.number,
        "begin_s": hold.begin_s,
        "lasted_s": hold.lasted_s,
        "center_mm": list(hold.mean_mm),
        "beside_first_mm": dict(zip(names, row.beside_first_mm, strict=True)),
        "drift_mm": {names[0]: row.drift_mm},
        "sd_mm": row.sd_mm,
        "note": (
            f"breath-hold {hold.number}: {hold.lasted_s:.1f} s{beside}, "
            f"drift {abs(row.drift_mm):.1f} mm {orientation.rows.word(hold.drift_mm[0])}"
        ),
    }


def mean_and_sd(rows: Sequence[HoldRow]) -> dict[str, Pair]:
    """Return mean and standard deviation of each figure over some holds; the deviation of a single hold is NaN.

    Parameters
    ----------
    rows : sequence of HoldRow
        At least one.

    Returns
    -------
    dict
        By `lasted_s`, `row_mm`, `col_mm`, `drift_mm` and `sd_mm`.
    """
    values = {
        "lasted_s": [row.lasted_s for row in rows],
        "row_mm": [row.mean_mm[0] for row in rows],
        "col_mm": [row.mean_mm[1] for row in rows],
        "drift_mm": [row.drift_mm for row in rows],
        "sd_mm": [row.sd_mm for row in rows],
    }
    return {
        name: (float(np.mean(one)), float(np.std(one, ddof=1)) if len(one) > 1 else math.nan)
        for name, one in values.items()
    }


def hold_words(row: HoldRow, names: tuple[str, str]) -> str:
    """Return a hold in one short line, for images with these axes.

    Examples
    --------
    >>> from gatekeeper.session.hold_rows import HoldRow, hold_words
    >>> hold_words(HoldRow(3, 60.0, 20.4, (-17.2, 4.1), (-0.6, 0.2), 1.2, 3.5, 0.3), ("SI", "AP"))
    '3: 20.4 s  SI -17.2 AP +4.1 mm  -0.6 from first  drift +1.2'
    """
    return (
        f"{row.number}: {row.lasted_s:.1f} s  {names[0]} {row.mean_mm[0]:+.1f} {names[1]} {row.mean_mm[1]:+.1f} mm  "
        f"{row.beside_first_mm[0]:+.1f} from first  drift {row.drift_mm:+.1f}"
    )


def rows_of(holds: Sequence[BreathHold], reference_mm: Pair, orientation: Orientation) -> list[HoldRow]:
    """Return holds, the first one of the session first, as people read them."""
    return [hold_row(hold, holds[0], reference_mm, orientation) for hold in holds]


def beside_wanted(row: HoldRow, wanted: BreathHoldConfig) -> tuple[float | None, float | None]:
    """Return how much longer a hold was than wanted in s, and how far beside the wanted position it came in mm.

    None stands for what the session does not say.
    """
    return (
        None if wanted.seconds is None else row.lasted_s - wanted.seconds,
        None if wanted.position_mm is None else row.mean_mm[0] - wanted.position_mm,
    )
