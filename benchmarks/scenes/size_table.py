"""Judge results by size of target: centre, outline and mask on all frames, and changes of state."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from rich.table import Table

from benchmarks.scenes.follow import Followed
from benchmarks.scenes.judge import FAR_MM, SURE, WRONG_MM

FOUND_FRAMES, SURE_FRAMES = 2, 4
"""Frames within which the target must be found, and found surely, after a change of state."""


@dataclass(frozen=True, slots=True)
class SizeFigures:
    """Results on the trackable frames of several runs, sure or not; NaN where there is none.

    Attributes
    ----------
    runs, frames : int
        Number of recordings, and of trackable frames.
    center_mm, center_p95_mm : float
        Error of the centre.
    outline_mm, outline_p95_mm : float
        Distance of the outline's points from where their tissue is: mean and 95th percentile over points and frames.
    dsc : float
        Mean Dice similarity coefficient.
    sure_share : float
        Share of trackable frames with the tracker confident.
    sure_and_far : int
        Frames, trackable or not, with the tracker confident and its centre more than `FAR_MM` off.
    changes : int
        Number of changes of state.
    found_after, sure_after : float
        Frames in the new state until the centre was within `WRONG_MM`, and until the tracker was also confident:
        median over the changes. 1 is the first frame; infinite where the state ended before.
    found_late, sure_late : int
        Changes after which this took more than `FOUND_FRAMES` and `SURE_FRAMES` frames.
    """

    runs: int
    frames: int
    center_mm: float
    center_p95_mm: float
    outline_mm: float
    outline_p95_mm: float
    dsc: float
    sure_share: float
    sure_and_far: int
    changes: int
    found_after: float
    sure_after: float
    found_late: int
    sure_late: int


def size_figures(runs: Sequence[Followed]) -> SizeFigures:
    """Return the figures over the runs of one size."""
    errors_mm = np.concatenate([run.errors_mm[run.trackable] for run in runs])
    outline_mm = np.concatenate([run.outline_mm[run.trackable].ravel() for run in runs])
    dsc = np.concatenate([run.dsc[run.trackable] for run in runs])
    sure = np.concatenate([(run.confidence >= SURE)[run.trackable] for run in runs])
    far = sum(int(np.count_nonzero((run.confidence >= SURE) & (run.errors_mm > FAR_MM))) for run in runs)
    changes = [change for run in runs for change in frames_after_changes(run)]
    found, certain = (np.array([change[which] for change in changes], dtype=np.float64) for which in (0, 1))
    return SizeFigures(
        runs=len(runs),
        frames=errors_mm.size,
        center_mm=_mean(errors_mm),
        center_p95_mm=_percentile(errors_mm, 95),
        outline_mm=_mean(outline_mm),
        outline_p95_mm=_percentile(outline_mm, 95),
        dsc=_mean(dsc),
        sure_share=_mean(sure.astype(np.float64)),
        sure_and_far=far,
        changes=len(changes),
        found_after=_percentile(found, 50),
        sure_after=_percentile(certain, 50),
        found_late=int(np.count_nonzero(found > FOUND_FRAMES)),
        sure_late=int(np.count_nonzero(certain > SURE_FRAMES)),
    )


def frames_after_changes(run: Followed) -> list[tuple[float, float]]:
    """Return for each change of state the frames until the target was found, and found surely; 1 is the first."""
    flips = 1 + np.flatnonzero(run.deep[1:] != run.deep[:-1])
    found = []
    for begin, end in pairwise([*flips.tolist(), len(run.deep)]):
        right = run.errors_mm[begin:end] <= WRONG_MM
        certain = right & (run.confidence[begin:end] >= SURE)
        found.append((_first(right), _first(certain)))
    return found


def size_table(title: str, rows: Mapping[str, SizeFigures], with_changes: bool) -> Table:
    """Return a table with one row per size, with or without what follows a change of state."""
    table = Table(title=title)
    table.add_column("target")
    for heading in ("runs", "frames", "centre mm", "p95", "outline mm", "p95", "DSC", "sure %", "sure, far"):
        table.add_column(heading, justify="right")
    if with_changes:
        for heading in ("changes", "found after", f"> {FOUND_FRAMES}", "sure after", f"> {SURE_FRAMES}"):
            table.add_column(heading, justify="right")
    for name, row in rows.items():
        distances_mm = (row.center_mm, row.center_p95_mm, row.outline_mm, row.outline_p95_mm)
        cells = [name, f"{row.runs}", f"{row.frames}", *(_number(value, 2) for value in distances_mm)]
        cells += [_number(row.dsc, 4), _number(100.0 * row.sure_share, 1), f"{row.sure_and_far}"]
        if with_changes:
            cells += [f"{row.changes}", _number(row.found_after, 0), f"{row.found_late}"]
            cells += [_number(row.sure_after, 0), f"{row.sure_late}"]
        table.add_row(*cells, style="red" if row.sure_and_far else None)
    table.caption = "all trackable frames, sure or not; outline: its points against where their tissue is"
    if with_changes:
        table.caption += f"; after a change of state: frames until within {WRONG_MM:g} mm, and until sure as well"
    return table


def _first(good: np.ndarray) -> float:
    after = np.flatnonzero(good)
    return float(after[0]) + 1.0 if after.size else math.inf


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


def _percentile(values: np.ndarray, percent: float) -> float:
    """Return a percentile of the known values that is itself one of them, so that infinity stays infinity."""
    known = values[~np.isnan(values)]
    return float(np.percentile(known, percent, method="higher")) if known.size else math.nan


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else "never" if math.isinf(value) else f"{value:.{digits}f}"
