"""Measure where the target comes to rest, which is the only place to which an operator may move the envelope."""

import math
from array import array

import numpy as np

WINDOW_S = 20.0
"""Length of the trace in which the target's rest is looked for, in seconds: some breaths, or a breath-hold."""
LEAST_S, LEAST_SAMPLES = 5.0, 20
"""Shortest trace, and fewest positions in it, from which a rest is told."""
DWELL = 0.2
"""Share of the positions that lie where the target rests."""
SPREAD_MM = 3.0
"""Largest range of these positions along SI, in mm; a target that dwells nowhere has no rest."""
AS_TIGHT, AS_TIGHT_MM = 1.2, 0.3
"""A rest may be wider than the tightest one by this factor and this distance, so that the nearer of two is taken."""
ROOM = 1024


class RestPosition:
    """The last positions of the target, and where it rests among them.

    A target rests where it dwells: in the narrowest range along SI that holds a fifth of the positions. Where it rests
    in two places about as well, as at both ends of a breath, the one that is nearer to the envelope counts. Buffers are
    allocated once.
    """

    def __init__(self) -> None:
        self._times_s = array("d", [-math.inf]) * ROOM
        self._rows_mm, self._cols_mm = array("d", [0.0]) * ROOM, array("d", [0.0]) * ROOM
        self._next = 0
        self._newest_s = -math.inf

    def add(self, time_s: float, row_mm: float, col_mm: float) -> None:
        """Add a position that was found with confidence; one that is not later than the last is left out.

        Parameters
        ----------
        time_s : float
            Session time in seconds.
        row_mm, col_mm : float
            The target's centre on the image, in mm.
        """
        if not time_s > self._newest_s:
            return
        place = self._next
        self._times_s[place] = time_s
        self._rows_mm[place], self._cols_mm[place] = row_mm, col_mm
        self._newest_s, self._next = time_s, (place + 1) % ROOM

    def find(self, near_mm: tuple[float, float]) -> tuple[float, float] | None:
        """Return where the target rests.

        Parameters
        ----------
        near_mm : tuple of float
            Centre of the envelope at its present position, as (row, col) in mm.

        Returns
        -------
        tuple of float or None
            (row, col) in mm; None when the trace is too short or the target dwells nowhere.
        """
        times_s = np.array(self._times_s)
        recent = (times_s >= self._newest_s - WINDOW_S) & np.isfinite(times_s)
        positions_mm = np.array([self._rows_mm, self._cols_mm]).T[recent]
        positions_mm = positions_mm[np.isfinite(positions_mm).all(axis=1)]
        if len(positions_mm) < LEAST_SAMPLES or self._newest_s - float(times_s[recent].min()) < LEAST_S:
            return None
        positions_mm = positions_mm[np.argsort(positions_mm[:, 0], kind="stable")]
        count = math.ceil(DWELL * len(positions_mm))
        rows_mm = positions_mm[:, 0]
        spreads_mm = rows_mm[count - 1 :] - rows_mm[: len(rows_mm) - count + 1]
        tightest_mm = float(spreads_mm.min())
        limit_mm = min(SPREAD_MM, max(AS_TIGHT * tightest_mm, tightest_mm + AS_TIGHT_MM))
        begins = np.flatnonzero(spreads_mm <= limit_mm)
        if not len(begins):
            return None
        middles_mm = rows_mm[begins + count // 2]
        begin = int(begins[np.argmin(np.abs(middles_mm - near_mm[0]))])
        row_mm, col_mm = np.median(positions_mm[begin : begin + count], axis=0)
        return float(row_mm), float(col_mm)
