"""Tabulate the share of a target outside its envelope against its displacement, by the envelope's own geometry."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.gating.envelope import Envelope

STEP_MM, COARSE = 0.5, 4
"""Step of the table, and number of steps between the displacements at which it is certainly computed."""
FIRST_MM, FARTHEST_MM = 12.0, 60.0
"""Half the side of the smallest and the largest table."""
BEYOND = 1.2
"""The table is exact to this multiple of the largest limit; further out it is 100 % but where it was looked."""


@dataclass(frozen=True, slots=True, eq=False)
class OutsideTable:
    """Share of a target's area outside its envelope, for margins and displacements.

    Attributes
    ----------
    percent : ndarray of float32, shape (M, R, C)
        In percent, for each margin and displacement along rows and columns.
    grid_mm : ndarray of float64, shape (3,)
        Displacement of the first row and column, and the step between them.
    """

    percent: NDArray[np.float32]
    grid_mm: NDArray[np.float64]


def outside_table(
    outline_px: NDArray[np.float64], spacing_mm: tuple[float, float], margins_mm: tuple[float, ...], most_percent: float
) -> OutsideTable:
    """Return the table of a target that moves as a whole.

    Parameters
    ----------
    outline_px : ndarray of float64, shape (N, 2)
        Outline of the target as (row, col).
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns.
    margins_mm : tuple of float
        The margins.
    most_percent : float
        Largest limit for which it is used.

    Returns
    -------
    OutsideTable
    """
    envelopes = [Envelope.around(outline_px, margin_mm, spacing_mm) for margin_mm in margins_mm]
    enough = min(BEYOND * most_percent, 99.0)
    half_mm = FIRST_MM
    coarse_mm = COARSE * STEP_MM
    while True:
        ways_mm = np.arange(-half_mm, half_mm + 0.5 * coarse_mm, coarse_mm)
        border = np.array([(row, col) for row in ways_mm[[0, -1]] for col in ways_mm])
        border = np.concatenate([border, border[:, ::-1]]) / spacing_mm
        least = min(one.outside_percent(outline_px + shift) for one in envelopes for shift in border)
        if least > enough or half_mm >= FARTHEST_MM:
            break
        half_mm += 2.0 * coarse_mm
    percent = np.stack([_of_envelope(one, outline_px, spacing_mm, half_mm, enough) for one in envelopes])
    return OutsideTable(percent, np.array([-half_mm, -half_mm, STEP_MM]))


def _of_envelope(
    envelope: Envelope, outline_px: NDArray[np.float64], spacing_mm: tuple[float, float], half_mm: float, enough: float
) -> NDArray[np.float32]:
    """Return the table of one margin, exact where less than enough is outside."""
    side = round(2.0 * half_mm / STEP_MM) + 1
    ways_mm = np.linspace(-half_mm, half_mm, side)
    known = np.full((side, side), np.nan)

    def value(row: int, col: int) -> float:
        if np.isnan(known[row, col]):
            shift = (ways_mm[row] / spacing_mm[0], ways_mm[col] / spacing_mm[1])
            known[row, col] = envelope.outside_percent(outline_px + shift)
        return float(known[row, col])

    for row in range(0, side - 1, COARSE):
        for col in range(0, side - 1, COARSE):
            if min(value(i, j) for i in (row, row + COARSE) for j in (col, col + COARSE)) <= enough:
                for i in range(row, row + COARSE + 1):
                    for j in range(col, col + COARSE + 1):
                        value(i, j)
    known[np.isnan(known)] = 100.0
    return known.astype(np.float32)
