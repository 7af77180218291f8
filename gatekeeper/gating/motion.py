"""Motion: the range of positions that was learned, and the end-exhale baseline from breath to breath.

Two guards beside the boundary on each frame: a position such as has not been seen before (exception), and a
baseline that creeps away while each breath still looks like the one before (drift). Positions are those of the
target's centre on the image, in mm: SI along rows, growing towards inferior, AP along columns, growing towards
posterior. The liver rises when the patient exhales, so that an end-exhale is a least SI.
"""

import math
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gatekeeper.config import GateConfig
from gatekeeper.core.errors import InputError

Span = tuple[float, float]
LOWEST_PERCENT, HIGHEST_PERCENT = 1.0, 99.0
"""Percentiles between which a preview's positions are its range: single frames that went wrong do not widen it."""


class LearnedRange(NamedTuple):
    """What a preview has shown of the target's motion.

    Attributes
    ----------
    si_mm, ap_mm : tuple of float
        Least and largest position of the target's centre, as in `Track.center_mm`, in mm.
    end_exhale_mm : float
        SI of the end-exhale baseline, in mm; NaN when there is none, and then the session finds its own.
    """

    si_mm: Span
    ap_mm: Span
    end_exhale_mm: float = math.nan

    @classmethod
    def of(cls, center_mm: ArrayLike, config: GateConfig | None = None) -> "LearnedRange":
        """Return what a preview's positions show.

        Parameters
        ----------
        center_mm : array_like, shape (T, 2)
            Position of the target's centre as (row, col) in mm on each frame; rows that are not finite are left out.
        config : GateConfig, optional
            What counts as a breath, and how many make a baseline.

        Raises
        ------
        InputError
            When there is no finite position.
        """
        positions = np.asarray(center_mm, dtype=np.float64).reshape(-1, 2)
        positions = positions[np.isfinite(positions).all(axis=1)]
        if not len(positions):
            raise InputError("learned range: the preview has no position of the target; track a preview that shows it")
        config = GateConfig() if config is None else config
        low, high = np.percentile(positions, (LOWEST_PERCENT, HIGHEST_PERCENT), axis=0)
        motion = Motion()
        for si_mm, ap_mm in positions.tolist():
            motion = watch(motion, 0.0, (si_mm, ap_mm), config)
        return cls((float(low[0]), float(high[0])), (float(low[1]), float(high[1])), motion.reference_mm)


class Motion(NamedTuple):
    """What is remembered of the target's motion.

    Attributes
    ----------
    since_s : float
        Session time of the first position; NaN before.
    learned : bool
        The range is complete, and positions are judged by it.
    si_mm, ap_mm : tuple of float
        The range so far.
    turn_mm : float
        Largest SI since the last end-exhale while inhaling, least SI since the last end-inhale while exhaling.
    inhaling : bool or None
        Which of the two; None until the first breath has shown.
    exhales_mm : tuple of float
        SI of the last end-exhales, at most `drift_cycles` of them.
    reference_mm : float
        SI of the reference baseline; NaN until there is one.
    """

    since_s: float = math.nan
    learned: bool = False
    si_mm: Span = (math.inf, -math.inf)
    ap_mm: Span = (math.inf, -math.inf)
    turn_mm: float = math.nan
    inhaling: bool | None = None
    exhales_mm: tuple[float, ...] = ()
    reference_mm: float = math.nan

    @classmethod
    def from_range(cls, known: LearnedRange) -> "Motion":
        """Return the motion of a session that begins with what a preview has shown."""
        return cls(learned=True, si_mm=known.si_mm, ap_mm=known.ap_mm, reference_mm=known.end_exhale_mm)

    def moved(self, shift_mm: tuple[float, float]) -> "Motion":
        """Return the motion as judged after the operator has moved the envelope by (rows, columns) in mm."""
        return self._replace(
            si_mm=(self.si_mm[0] + shift_mm[0], self.si_mm[1] + shift_mm[0]),
            ap_mm=(self.ap_mm[0] + shift_mm[1], self.ap_mm[1] + shift_mm[1]),
            reference_mm=self.reference_mm + shift_mm[0],
        )

    def excursion_mm(self, center_mm: tuple[float, float]) -> float:
        """Return how far a position is outside the range along SI or AP; 0 inside, and while it is being learned.

        NaN when the position is not finite.
        """
        si_mm, ap_mm = center_mm
        if not (math.isfinite(si_mm) and math.isfinite(ap_mm)):
            return math.nan
        if not self.learned:
            return 0.0
        return max(self.si_mm[0] - si_mm, si_mm - self.si_mm[1], self.ap_mm[0] - ap_mm, ap_mm - self.ap_mm[1], 0.0)

    def drift_mm(self, cycles: int) -> float:
        """Return the baseline of the last `cycles` breaths less the reference, in mm; 0 until there are so many."""
        if len(self.exhales_mm) < cycles or math.isnan(self.reference_mm):
            return 0.0
        return median(self.exhales_mm) - self.reference_mm


def watch(motion: Motion, now_s: float, center_mm: tuple[float, float], config: GateConfig) -> Motion:
    """Return what is remembered after one more frame on which the target was surely found.

    A breath counts when SI has changed by `breath_mm` there and back, so that neither noise nor a patient who holds
    the breath makes a baseline. An end-exhale is known as soon as the next breath in has got that far.
    """
    si_mm, ap_mm = center_mm
    if not (math.isfinite(si_mm) and math.isfinite(ap_mm)):
        return motion
    since_s, learned, si_range, ap_range, turn_mm, inhaling, exhales_mm, reference_mm = motion
    if not learned:
        since_s = now_s if math.isnan(since_s) else since_s
        learned = now_s - since_s >= config.learning_s
        si_range = (min(si_range[0], si_mm), max(si_range[1], si_mm))
        ap_range = (min(ap_range[0], ap_mm), max(ap_range[1], ap_mm))
    if math.isnan(turn_mm):
        turn_mm = si_mm
    elif inhaling is None:
        # The first position stands for a turning point that nobody has seen, and is not an end-exhale.
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
    return Motion(since_s, learned, si_range, ap_range, turn_mm, inhaling, exhales_mm, reference_mm)
