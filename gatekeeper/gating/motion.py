"""Check the target's motion against its learned range and its end-exhale baseline.

Three checks supplement the envelope: exceptional positions outside the learned range, slow drift of the end-exhale
baseline over several breaths, and jumps from one frame to the next. Positions are those of the target's centre on the
image, in mm: SI along rows, inferior positive, AP along columns, posterior positive. The liver moves superior on
exhalation, so that an end-exhale is a minimum of SI.
"""

import math
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gatekeeper.config import GateConfig
from gatekeeper.core.errors import InputError

Span = tuple[float, float]
SHORTEST_S = 0.05
"""Shortest time over which a speed is measured, in seconds, as times of arrival may lie close together."""
LOWEST_PERCENT, HIGHEST_PERCENT = 1.0, 99.0
"""Percentiles of a preview's positions that limit its range, so that single errors do not widen it."""


class LearnedRange(NamedTuple):
    """Range of the target's motion on a preview.

    Attributes
    ----------
    si_mm, ap_mm : tuple of float
        Least and largest position of the target's centre, as in `Track.center_mm`, in mm.
    end_exhale_mm : float
        SI position of the end-exhale baseline, in mm; NaN when the preview has none, and the session determines it.

    Examples
    --------
    >>> import numpy as np
    >>> from gatekeeper import LearnedRange
    >>> time_s = np.arange(0.0, 40.0, 0.25)
    >>> si_mm = 100.0 + 6.0 * np.sin(2.0 * np.pi * time_s / 4.0)
    >>> learned = LearnedRange.of(np.stack([si_mm, np.full_like(si_mm, 60.0)], axis=1))
    >>> [round(value) for value in (*learned.si_mm, learned.end_exhale_mm)]
    [94, 106, 94]
    """

    si_mm: Span
    ap_mm: Span
    end_exhale_mm: float = math.nan

    @classmethod
    def of(cls, center_mm: ArrayLike, config: GateConfig | None = None) -> "LearnedRange":
        """Return the range of a preview's positions.

        Parameters
        ----------
        center_mm : array_like, shape (T, 2)
            Position of the target's centre on each frame, as (row, col) in mm; rows that are not finite are left out.
        config : GateConfig, optional
            Its `breath_mm` and `drift_cycles` are used.

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
        motion = Motion()
        for si_mm, ap_mm in positions.tolist():
            motion = updated(motion, 0.0, (si_mm, ap_mm), config)
        return cls((float(low[0]), float(high[0])), (float(low[1]), float(high[1])), motion.reference_mm)


class Motion(NamedTuple):
    """State of the motion checks.

    Attributes
    ----------
    since_s : float
        Session time of the first position; NaN before.
    learned : bool
        True when the range is complete and positions are checked against it.
    si_mm, ap_mm : tuple of float
        The range so far.
    turn_mm : float
        Largest SI since the last end-exhale during inhalation, least SI since the last end-inhale during exhalation.
    inhaling : bool or None
        True during inhalation; None before the first breath.
    exhales_mm : tuple of float
        SI of the last end-exhales, at most `drift_cycles` of them.
    reference_mm : float
        SI of the reference baseline; NaN before it is known.
    last_mm : tuple of float
        Last position of the target's centre; NaN before the first.
    last_s : float
        Time of acquisition of its frame, in seconds.
    """

    since_s: float = math.nan
    learned: bool = False
    si_mm: Span = (math.inf, -math.inf)
    ap_mm: Span = (math.inf, -math.inf)
    turn_mm: float = math.nan
    inhaling: bool | None = None
    exhales_mm: tuple[float, ...] = ()
    reference_mm: float = math.nan
    last_mm: tuple[float, float] = (math.nan, math.nan)
    last_s: float = math.nan

    @classmethod
    def from_range(cls, known: LearnedRange) -> "Motion":
        """Return the initial state of a session with a preview."""
        return cls(learned=True, si_mm=known.si_mm, ap_mm=known.ap_mm, reference_mm=known.end_exhale_mm)

    def moved(self, shift_mm: tuple[float, float]) -> "Motion":
        """Return the state with range and reference moved along (rows, columns), in mm."""
        return self._replace(
            si_mm=(self.si_mm[0] + shift_mm[0], self.si_mm[1] + shift_mm[0]),
            ap_mm=(self.ap_mm[0] + shift_mm[1], self.ap_mm[1] + shift_mm[1]),
            reference_mm=self.reference_mm + shift_mm[0],
        )

    def excursion_mm(self, center_mm: tuple[float, float]) -> float:
        """Return the distance of a position from the range along SI or AP, in mm.

        It is 0 inside the range and while the range is being learned, and NaN when the position is not finite.
        """
        si_mm, ap_mm = center_mm
        if not (math.isfinite(si_mm) and math.isfinite(ap_mm)):
            return math.nan
        if not self.learned:
            return 0.0
        return max(self.si_mm[0] - si_mm, si_mm - self.si_mm[1], self.ap_mm[0] - ap_mm, ap_mm - self.ap_mm[1], 0.0)

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
        return Motion(*self[:-2], center_mm, acquired_s)

    def drift_mm(self, cycles: int) -> float:
        """Return the baseline of the last `cycles` breaths minus the reference, in mm; 0 before that many breaths."""
        if len(self.exhales_mm) < cycles or math.isnan(self.reference_mm):
            return 0.0
        return median(self.exhales_mm) - self.reference_mm


def updated(motion: Motion, now_s: float, center_mm: tuple[float, float], config: GateConfig) -> Motion:
    """Return the state after one more frame with a confident position.

    A breath is a change of SI by `breath_mm` in both directions, so that noise and breath-holds do not affect the
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
    si_mm, ap_mm = center_mm
    if not (math.isfinite(si_mm) and math.isfinite(ap_mm)):
        return motion
    since_s, learned, si_range, ap_range, turn_mm, inhaling, exhales_mm, reference_mm, last_mm, last_s = motion
    if not learned:
        since_s = now_s if math.isnan(since_s) else since_s
        learned = now_s - since_s >= config.learning_s
        si_range = (min(si_range[0], si_mm), max(si_range[1], si_mm))
        ap_range = (min(ap_range[0], ap_mm), max(ap_range[1], ap_mm))
    if math.isnan(turn_mm):
        turn_mm = si_mm
    elif inhaling is None:
        # The first position is not a turning point, so it does not count as an end-exhale.
        if abs(si_mm - turn_mm) >= config.breath_mm:
            turn_mm, inhaling = si_mm, si_mm > turn_mm
    elif inhaling:
        turn_mm = max(turn_mm, si_mm)
        if turn_mm - si_mm >= config.breath_mm:
            turn_mm, inhaling = si_mm, False
    else:
        turn_mm = min(turn_mm, si_mm)
        if si_mm - turn_mm >= config.breath_mm:
            exhales_mm = (*exhales_mm, turn_mm)[-config.drift_cycles :]
            if math.isnan(reference_mm) and len(exhales_mm) == config.drift_cycles:
                reference_mm = median(exhales_mm)
            turn_mm, inhaling = si_mm, True
    return Motion(since_s, learned, si_range, ap_range, turn_mm, inhaling, exhales_mm, reference_mm, last_mm, last_s)
