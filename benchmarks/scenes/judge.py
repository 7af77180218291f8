"""Check a tracker's results on a scene against limits, and measure how well confidence ranks frames by error."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.scenes.follow import Followed
from gatekeeper.config import GateConfig

SURE = GateConfig().min_confidence
P95_MM, FAR_MM, SURE_SHARE, BACK_FRAMES = 2.0, 5.0, 0.9, 2
WRONG_MM, AUC = 3.0, 0.95
"""Error in mm above which a frame counts as wrong; wrong frames should have lower confidence than others."""

BINS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figures:
    """Results on one scene; NaN where there is no frame of the kind.

    Attributes
    ----------
    frames, trackable : int
        Number of frames, and of trackable ones.
    mean_mm, p95_mm, worst_mm : float
        Error on the frames that show the target, with the tracker confident.
    sure_share : float
        Share of trackable frames with the tracker confident.
    sure_and_far : int
        Number of frames with the tracker confident and an error above `FAR_MM`, or without a target.
    back_after : int or None
        Number of frames showing the target again until the tracker was confident and correct again, in the worst
        return; None when the target never returns, more than all frames when the tracker does not recover.
    faults : tuple of str
        Violated limits.
    """

    frames: int
    trackable: int
    mean_mm: float
    p95_mm: float
    worst_mm: float
    sure_share: float
    sure_and_far: int
    back_after: int | None
    faults: tuple[str, ...]


def figures(runs: Sequence[Followed], can_be_followed: bool) -> Figures:
    """Return the figures of one scene over its runs, with the faults by the limits of this module."""
    errors_mm, confidence, trackable = (
        np.concatenate([getattr(run, field) for run in runs]) for field in ("errors_mm", "confidence", "trackable")
    )
    sure = confidence >= SURE
    kept_mm = errors_mm[sure & np.isfinite(errors_mm)]
    mean_mm, p95_mm, worst_mm = (
        (float(kept_mm.mean()), float(np.percentile(kept_mm, 95)), float(kept_mm.max()))
        if kept_mm.size
        else (np.nan, np.nan, np.nan)
    )
    sure_share = float(sure[trackable].mean()) if trackable.any() else np.nan
    sure_and_far = int(np.count_nonzero(sure & (errors_mm > FAR_MM)))
    backs = [back for run in runs for back in frames_until_back(run)]
    back_after = max(backs) if backs else None
    faults = {
        "p95": not p95_mm <= P95_MM and bool(can_be_followed or kept_mm.size),
        "unsure": can_be_followed and not sure_share >= SURE_SHARE,
        "far": sure_and_far > 0,
        "back": can_be_followed and back_after is not None and back_after > BACK_FRAMES,
    }
    return Figures(
        frames=errors_mm.size,
        trackable=int(trackable.sum()),
        mean_mm=mean_mm,
        p95_mm=p95_mm,
        worst_mm=worst_mm,
        sure_share=sure_share,
        sure_and_far=sure_and_far,
        back_after=back_after,
        faults=tuple(name for name, is_so in faults.items() if is_so),
    )


def frames_until_back(run: Followed) -> list[int]:
    """Return for each return of the target the number, from 1, of the first confident and correct trackable frame."""
    good = run.trackable & (run.confidence >= SURE) & (run.errors_mm <= FAR_MM)
    returns = 1 + np.flatnonzero(run.trackable[1:] & ~run.trackable[:-1])
    found = []
    for start in returns.tolist():
        after = np.flatnonzero(good[start:])
        found.append(int(after[0]) + 1 if after.size else len(good) + 1)
    return found


def roc_area(confidence: Array, errors_mm: Array) -> float:
    """Return the area under the ROC curve for an error above `WRONG_MM`, ranked by 1 - confidence.

    It is the probability that a wrong frame has lower confidence than a correct one; ties count half
    (Hanley and McNeil, Radiology 143:29, 1982). NaN when all frames are wrong, or none is.
    """
    wrong = errors_mm > WRONG_MM
    many, few = int(wrong.sum()), int((~wrong).sum())
    if not many or not few:
        return float("nan")
    ranks = rankdata(-np.asarray(confidence))
    return float((ranks[wrong].sum() - 0.5 * many * (many + 1)) / (many * few))


def reliability(confidence: Array, errors_mm: Array) -> list[tuple[float, float, int, float, float]]:
    """Return per bin of confidence: ends, frames, share of wrong frames, mean error of those with a true position."""
    rows = []
    place = np.clip(np.digitize(confidence, BINS) - 1, 0, len(BINS) - 2)
    for index in range(len(BINS) - 1):
        inside_mm = errors_mm[place == index]
        finite_mm = inside_mm[np.isfinite(inside_mm)]
        wrong = float((inside_mm > WRONG_MM).mean()) if inside_mm.size else np.nan
        mean_mm = float(finite_mm.mean()) if finite_mm.size else np.nan
        rows.append((BINS[index], BINS[index + 1], inside_mm.size, wrong, mean_mm))
    return rows
