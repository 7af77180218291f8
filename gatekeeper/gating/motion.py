"""Check the target's motion against its learned range and its end-exhale baseline.

Three checks supplement the envelope: exceptional positions outside the learned range, slow drift of the end-exhale
baseline over several breaths, and jumps from one frame to the next. Positions are those of the target's centre on the
image, in mm, along rows and columns as their index grows. Breathing is measured along rows, towards inhalation
(`breath_sign`): on sagittal and coronal images SI, as the liver moves inferior, on axial ones AP, as it moves anterior.
An end-exhale is a minimum of that.
"""

import math
import warnings
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gatekeeper.config import GateConfig
from gatekeeper.core.errors import InputError
from gatekeeper.gating.held_positions import HeldMotion

Span = tuple[float, float]
SHORTEST_S = 0.05
"""Shortest time over which a speed is measured, in seconds, as times of arrival may lie close together."""
LOWEST_PERCENT, HIGHEST_PERCENT = 1.0, 99.0
"""Percentiles of a preview's positions that limit its range, so that single errors do not widen it."""


class LearnedRange(NamedTuple):
    """Range of the target's motion on a preview.

    Attributes
    ----------
    row_mm, col_mm : tuple of float
        Least and largest position of the target's centre along rows and columns, as in `Track.center_mm`, in mm.
    end_exhale_mm : float
        Position of the end-exhale baseline along rows, times `breath_sign`, in mm; NaN when the preview has none, and
        the session determines it.
    breath_sign : float
        1 when the row index grows as the patient breathes in, otherwise -1.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import LearnedRange
    >>> time_s = np.arange(0.0, 40.0, 0.25)
    >>> row_mm = 100.0 + 6.0 * np.sin(2.0 * np.pi * time_s / 4.0)
    >>> learned = LearnedRange.of(np.stack([row_mm, np.full_like(row_mm, 60.0)], axis=1))
    >>> [round(value) for value in (*learned.row_mm, learned.end_exhale_mm)]
    [94, 106, 94]
    """

    row_mm: Span
    col_mm: Span
    end_exhale_mm: float = math.nan
    breath_sign: float = 1.0

    @property
    def si_mm(self) -> Span:
        """Deprecated name of `row_mm`."""
        warnings.warn("LearnedRange.si_mm is called row_mm", DeprecationWarning, stacklevel=2)
        return self.row_mm

    @property
    def ap_mm(self) -> Span:
        """Deprecated name of `col_mm`."""
        warnings.warn("LearnedRange.ap_mm is called col_mm", DeprecationWarning, stacklevel=2)
        return self.col_mm

    @classmethod
    def of(cls, center_mm: ArrayLike, config: GateConfig | None = None, breath_sign: float = 1.0) -> "LearnedRange":
        """Return the range of a preview's positions.

        Parameters
        ----------
        center_mm : array_like, shape (T, 2)
            Position of the target's centre on each frame, as (row, col) in mm; rows that are not finite are left out.
        config : GateConfig, optional
            Its `breath_mm` and `drift_cycles` are used.
        breath_sign : float, optional
            1 when the row index grows as the patient breathes in, otherwise -1.

        Returns
        -------
        LearnedRange
            The range and the end-exhale baseline.

        Raises
        ------
        InputError
            When no position is finite.
        """
        positions = np.asarray(center_mm, dtype=np.float64).reshape(-1, 2)
        positions = positions[np.isfinite(positions).all(axis=1)]
        if not len(positions):
            raise InputError("learned range: the preview has no finite position; give a preview that shows the target")
        config = GateConfig() if config is None else config
        low, high = np.percentile(positions, (LOWEST_PERCENT, HIGHEST_PERCENT), axis=0)
        motion = Motion(breath_sign=breath_sign)
        for row_mm, col_mm in positions.tolist():
            motion = updated(motion, 0.0, (row_mm, col_mm), config)
        return cls((float(low[0]), float(high[0])), (float(low[1]), float(high[1])), motion.reference_mm, breath_sign)


class Motion(NamedTuple):
    """State of the motion checks.

    Attributes
    ----------
    since_s : float
        Session time of the first position; NaN before.
    learned : bool
        True when the range is complete and positions are checked against it.
    row_mm, col_mm : tuple of float
        The range so far.
    turn_mm : float
        Largest position towards inhalation since the last end-exhale during inhalation, least one since the last
        end-inhale during exhalation.
    inhaling : bool or None
        True during inhalation; None before the first breath.
    exhales_mm : tuple of float
        Positions of the last end-exhales, at most `drift_cycles` of them.
    reference_mm : float
        Position of the reference baseline; NaN before it is known.
    last_mm : tuple of float
        Last position of the target's centre; NaN before the first.
    last_s : float
        Time of acquisition of its frame, in seconds.
    breath_sign : float
        1 when the row index grows as the patient breathes in, otherwise -1.
    """

    since_s: float = math.nan
    learned: bool = False
    row_mm: Span = (math.inf, -math.inf)
    col_mm: Span = (math.inf, -math.inf)
    turn_mm: float = math.nan
    inhaling: bool | None = None
    exhales_mm: tuple[float, ...] = ()
    reference_mm: float = math.nan
    last_mm: tuple[float, float] = (math.nan, math.nan)
    last_s: float = math.nan
    breath_sign: float = 1.0

    @classmethod
    def from_range(cls, known: LearnedRange) -> "Motion":
        """Return the initial state of a session with a preview."""
        return cls(
            learned=True,
            row_mm=known.row_mm,
            col_mm=known.col_mm,
            reference_mm=known.end_exhale_mm,
            breath_sign=known.breath_sign,
        )

    def moved(self, shift_mm: tuple[float, float]) -> "Motion":
        """Return the state with range and reference moved along (rows, columns), in mm."""
        return self._replace(
            row_mm=(self.row_mm[0] + shift_mm[0], self.row_mm[1] + shift_mm[0]),
            col_mm=(self.col_mm[0] + shift_mm[1], self.col_mm[1] + shift_mm[1]),
            reference_mm=self.reference_mm + self.breath_sign * shift_mm[0],
        )

    def excursion_mm(self, center_mm: tuple[float, float], held: HeldMotion | None = None) -> float:
        """Return the distance of a position from the range along rows or columns, in mm.

        It is 0 inside the range and while the range is being learned, and NaN when the position is not finite.

        Parameters
        ----------
        center_mm : tuple of float
            The position as (row, col) in mm.
        held : HeldMotion, optional
            What is usual of a patient who holds the breath, which the range includes then.
        """
        row_mm, col_mm = center_mm
        if not (math.isfinite(row_mm) and math.isfinite(col_mm)):
            return math.nan
        if not self.learned:
            return 0.0
        rows, cols = self.row_mm, self.col_mm
        if held is not None:
            rows = min(rows[0], held.rows_mm[0]), max(rows[1], held.rows_mm[1])
            cols = min(cols[0], held.cols_mm[0]), max(cols[1], held.cols_mm[1])
        return max(rows[0] - row_mm, row_mm - rows[1], cols[0] - col_mm, col_mm - cols[1], 0.0)

    def speed_mm_per_s(self, acquired_s: float, center_mm: tuple[float, float]) -> float:
        """Return the speed from the last position to another one, in mm/s; 0 before the first position.

        It is NaN when the position is not finite. Times that are less than `SHORTEST_S` apart, or went back, count as
        that far apart; a time that is not finite holds the beam by itself.
        """
        if math.isnan(self.last_s) or not math.isfinite(acquired_s):
            return 0.0
        return math.dist(center_mm, self.last_mm) / max(acquired_s - self.last_s, SHORTEST_S)

    def at(self, acquired_s: float, center_mm: tuple[float, float]) -> "Motion":
        """Return the state with another last position; the same when position or time is not finite."""
        # A sum is finite only when all of its parts are.
        if not math.isfinite(acquired_s + center_mm[0] + center_mm[1]):
            return self
        return Motion(*self[:-3], center_mm, acquired_s, self.breath_sign)

    def drift_mm(self, cycles: int) -> float:
        """Return the baseline of the last `cycles` breaths minus the reference, in mm; 0 before that many breaths."""
        if len(self.exhales_mm) < cycles or math.isnan(self.reference_mm):
            return 0.0
        return median(self.exhales_mm) - self.reference_mm


def updated(motion: Motion, now_s: float, center_mm: tuple[float, float], config: GateConfig) -> Motion:
    """Return the state after one more frame with a confident position.

    A breath is a change along rows by `breath_mm` in both directions, so that noise and breath-holds do not affect the
    baseline. An end-exhale is detected when the following inhalation has reached `breath_mm`.

    Parameters
    ----------
    motion : Motion
        The state before.
    now_s : float
        Session time in seconds.
    center_mm : tuple of float
        Position of the target's centre as (row, col) in mm.
    config : GateConfig
        The settings.

    Returns
    -------
    Motion
        The state after the frame; the same when the position is not finite.
    """
    row_mm, col_mm = center_mm
    if not (math.isfinite(row_mm) and math.isfinite(col_mm)):
        return motion
    since_s, learned, rows, cols, turn_mm, inhaling, exhales_mm, reference_mm, last_mm, last_s, breath_sign = motion
    if not learned:
        since_s = now_s if math.isnan(since_s) else since_s
        learned = now_s - since_s >= config.learning_s
        rows = (min(rows[0], row_mm), max(rows[1], row_mm))
        cols = (min(cols[0], col_mm), max(cols[1], col_mm))
    along_mm = breath_sign * row_mm
    if math.isnan(turn_mm):
        turn_mm = along_mm
    elif inhaling is None:
        # The first position is not a turning point, so it does not count as an end-exhale.
        if abs(along_mm - turn_mm) >= config.breath_mm:
            turn_mm, inhaling = along_mm, along_mm > turn_mm
    elif inhaling:
        turn_mm = max(turn_mm, along_mm)
        if turn_mm - along_mm >= config.breath_mm:
            turn_mm, inhaling = along_mm, False
    else:
        turn_mm = min(turn_mm, along_mm)
        if along_mm - turn_mm >= config.breath_mm:
            exhales_mm = (*exhales_mm, turn_mm)[-config.drift_cycles :]
            if math.isnan(reference_mm) and len(exhales_mm) == config.drift_cycles:
                reference_mm = median(exhales_mm)
            turn_mm, inhaling = along_mm, True
    return Motion(
        since_s, learned, rows, cols, turn_mm, inhaling, exhales_mm, reference_mm, last_mm, last_s, breath_sign
    )
