"""Write the results as tables and as one JSON object."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata

import cv2
import numpy as np
from rich.markup import escape
from rich.table import Table

from gatekeeper.core.printable import printable
from replay.peers.measure import Outcome, pooled
from replay.peers.methods import NONE, OURS, PREVIEWED

Case = Mapping[str, Outcome]
"""Outcome of each method on a case, by name."""

FASTEST_GOOD, MOST_EXACT = "NCC then DIS-medium", "Farneback"
"""Peers whose times are listed case by case."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one method in the table.

    Attributes
    ----------
    frames_scored, frames_timed : int
        Number of scored frames, and of timed calls.
    dsc, hd95_mm, masd_mm, center_mm : float
        Means over the scored frames; see :class:`replay.scores.tracking.FrameScore`.
    center_p95_mm : float
        95th percentile of the centre distance, in mm.
    outline_mm, outline_p95_mm : float
        Distance of the outline's points from the true place of their tissue, over points and frames: mean and 95th
        percentile; NaN where that is not known.
    p50_ms, p99_ms, worst_ms : float
        Time of one frame: median, 99th percentile and maximum.
    """

    frames_scored: int
    frames_timed: int
    dsc: float
    hd95_mm: float
    masd_mm: float
    center_mm: float
    center_p95_mm: float
    outline_mm: float
    outline_p95_mm: float
    p50_ms: float
    p99_ms: float
    worst_ms: float


def figures(outcome: Outcome) -> Figures:
    """Return the figures of one method on one case, or on several pooled cases."""
    scores = np.array([(score.dsc, score.hd95_mm, score.masd_mm, score.center_mm) for score in outcome.scores])
    dsc, hd95_mm, masd_mm, center_mm = scores.mean(axis=0).tolist()
    outline_mm, outline_p95_mm = np.nan, np.nan
    if outcome.outline_mm.size:
        outline_mm = float(outcome.outline_mm.mean())
        outline_p95_mm = float(np.percentile(outcome.outline_mm, 95))
    p50_ms, p99_ms, worst_ms = np.percentile(outcome.times_ms, (50, 99, 100)).tolist()
    return Figures(
        frames_scored=len(scores),
        frames_timed=len(outcome.times_ms),
        dsc=dsc,
        hd95_mm=hd95_mm,
        masd_mm=masd_mm,
        center_mm=center_mm,
        center_p95_mm=float(np.percentile(scores[:, 3], 95)),
        outline_mm=outline_mm,
        outline_p95_mm=outline_p95_mm,
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        worst_ms=worst_ms,
    )


def pool(cases: Mapping[str, Case]) -> dict[str, Figures]:
    """Return the figures of each method over all frames of all cases."""
    names = next(iter(cases.values()))
    return {name: figures(pooled([case[name] for case in cases.values()])) for name in names}


def ranked(rows: Mapping[str, Figures]) -> dict[str, Figures]:
    """Return the methods with the closest first: by the outline where its true place is known, else by the centre."""
    return dict(sorted(rows.items(), key=lambda row: _closeness(row[1])))


def _closeness(row: Figures) -> float:
    return row.center_mm if math.isnan(row.outline_mm) else row.outline_mm


def methods_table(title: str, rows: Mapping[str, Figures]) -> Table:
    """Return a table with one row per method."""
    table = Table(title=escape(printable(title)))
    table.add_column("method")
    with_outline = not all(math.isnan(row.outline_mm) for row in rows.values())
    headings = ["DSC", "HD95 mm", "MASD mm", "centre mm", "p95 mm"]
    headings += ["outline mm", "p95 mm"] if with_outline else []
    for heading in (*headings, "ms p50", "p99", "worst", "time / ours"):
        table.add_column(heading, justify="right")
    most_frames = max(row.frames_timed for row in rows.values())
    for name, row in rows.items():
        few = "" if row.frames_timed == most_frames else " *"
        distances_mm = [row.hd95_mm, row.masd_mm, row.center_mm, row.center_p95_mm]
        distances_mm += [row.outline_mm, row.outline_p95_mm] if with_outline else []
        times_ms = (row.p50_ms, row.p99_ms, row.worst_ms)
        ratio = row.p50_ms / rows[OURS].p50_ms
        table.add_row(
            name + few,
            f"{row.dsc:.4f}",
            *(f"{distance_mm:.3f}" for distance_mm in distances_mm),
            *(f"{time_ms:.3f}" for time_ms in times_ms),
            "" if name == NONE else f"{ratio:.2f}",
            style="bold" if name in (OURS, PREVIEWED) else None,
        )
    if any(row.frames_timed < most_frames for row in rows.values()):
        table.caption = "* timed on labelled frames only, because it is slow"
    return table


def groups_table(title: str, groups: Mapping[str, Mapping[str, Figures]], field: str, digits: int) -> Table:
    """Return a table of one figure, with a row per method and a column per group; the best of a column is bold.

    Parameters
    ----------
    title : str
        Title of the table.
    groups : mapping of str to mapping of str to Figures
        Figures of each method, by group.
    field : str
        Name of the figure; the largest DSC is the best, and of all others the smallest.
    digits : int
        Number of decimals.

    Returns
    -------
    rich.table.Table
    """
    table = Table(title=escape(printable(title)))
    table.add_column("method")
    for group in groups:
        table.add_column(escape(printable(group)), justify="right")
    best = {}
    for group, rows in groups.items():
        values = [float(getattr(row, field)) for row in rows.values()]
        best[group] = max(values) if field == "dsc" else min(values)
    for method in next(iter(groups.values())):
        cells = []
        for group, rows in groups.items():
            value = getattr(rows[method], field)
            cells.append(f"[bold]{value:.{digits}f}[/bold]" if value == best[group] else f"{value:.{digits}f}")
        table.add_row(method, *cells, style="bold" if method in (OURS, PREVIEWED) else None)
    return table


def cases_table(cases: Mapping[str, Case]) -> Table:
    """Return a table with one row per case: gatekeeper, the most accurate peer on the case, and times."""
    table = Table(title="Case by case: mean centre distance in mm, and time of a frame")
    table.add_column("case")
    table.add_column("frames", justify="right")
    table.add_column(OURS, justify="right")
    table.add_column("best peer there")
    for heading in ("its", "ours less its", "ms p50", "p99 / p50", f"{FASTEST_GOOD} / ours", f"{MOST_EXACT} / ours"):
        table.add_column(heading, justify="right")
    for name, case in cases.items():
        rows = {method: figures(outcome) for method, outcome in case.items()}
        ours = rows[OURS]
        peers = (method for method in rows if method not in (OURS, PREVIEWED))
        best = min(peers, key=lambda method: rows[method].center_mm)
        table.add_row(
            name,
            f"{ours.frames_scored}",
            f"{ours.center_mm:.3f}",
            best,
            f"{rows[best].center_mm:.3f}",
            f"{ours.center_mm - rows[best].center_mm:+.3f}",
            f"{ours.p50_ms:.3f}",
            f"{ours.p99_ms / ours.p50_ms:.1f}",
            *(f"{rows[peer].p50_ms / ours.p50_ms:.1f}" if peer in rows else "-" for peer in (FASTEST_GOOD, MOST_EXACT)),
        )
    return table


def as_json(groups: Mapping[str, Mapping[str, Case]], left_out: str | None) -> dict[str, object]:
    """Return all results: pooled by group, and by case and method."""
    return {
        "pooled": {group: plain(pool(cases)) for group, cases in groups.items()},
        "cases": {
            name: plain({method: figures(outcome) for method, outcome in case.items()})
            for cases in groups.values()
            for name, case in cases.items()
        },
        "left_out": left_out,
        "versions": {name: metadata.version(name) for name in ("numpy", "simpleitk")} | {"opencv": cv2.__version__},
    }


def plain(rows: Mapping[str, Figures]) -> dict[str, dict[str, float]]:
    """Return the figures of each method as plain values for JSON, with its time relative to gatekeeper's."""
    return {
        method: _finite(asdict(row)) | {"time_ratio": row.p50_ms / rows[OURS].p50_ms} for method, row in rows.items()
    }


def _finite(row: dict[str, float]) -> dict[str, float]:
    """Return a row without figures that are not known."""
    return {name: value for name, value in row.items() if not math.isnan(value)}
