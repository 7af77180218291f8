"""Write the results as tables and as one JSON object."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
from rich.table import Table

from benchmarks.scenes.catalogue import Scene
from benchmarks.scenes.follow import Followed
from benchmarks.scenes.judge import (
    AUC,
    BACK_FRAMES,
    FAR_MM,
    P95_MM,
    SURE,
    SURE_SHARE,
    WRONG_MM,
    Figures,
    reliability,
    roc_area,
)
from benchmarks.scenes.organs import OrganFigures
from benchmarks.scenes.size_table import SizeFigures

Sources = Mapping[str, Sequence[Followed]]


def scenes_table(rows: Mapping[str, tuple[Scene, Figures]], seeds: Sequence[int]) -> Table:
    """Return a table with one row per scene; the last column names violated limits."""
    table = Table(title=f"Hard scenes, seeds {', '.join(map(str, seeds))}; sure: confidence >= {SURE:g}")
    table.add_column("scene")
    for heading in ("frames", "trackable", "mean mm", "p95 mm", "worst mm", "sure %", "sure, far", "back after"):
        table.add_column(heading, justify="right")
    table.add_column("fault")
    for name, (scene, row) in rows.items():
        table.add_row(
            name + ("" if scene.can_be_followed else " *"),
            f"{row.frames}",
            f"{row.trackable}",
            *(_number(value, 2) for value in (row.mean_mm, row.p95_mm, row.worst_mm)),
            _number(100.0 * row.sure_share, 1),
            f"{row.sure_and_far}",
            "" if row.back_after is None else f"{row.back_after}",
            " ".join(row.faults),
            style="red" if row.faults else None,
        )
    table.caption = (
        f"millimetres: of sure frames that show the target. Must be: p95 <= {P95_MM:g} mm, sure on >= "
        f"{100 * SURE_SHARE:g} % of trackable frames, never sure and > {FAR_MM:g} mm off or sure of what is not there, "
        f"back within {BACK_FRAMES} frames. * doubt is a good answer here, too"
    )
    return table


def areas(sources: Sources) -> dict[str, tuple[int, int, float]]:
    """Return frames, frames that are wrong and the area under the ROC curve of each source, and of all together."""
    found = {}
    everything = {**sources, "all together": [run for runs in sources.values() for run in runs]}
    for name, runs in everything.items():
        confidence, errors_mm = pooled(runs)
        found[name] = (len(errors_mm), int((errors_mm > WRONG_MM).sum()), roc_area(confidence, errors_mm))
    return found


def pooled(runs: Sequence[Followed]) -> tuple[np.ndarray, np.ndarray]:
    """Return confidence and error of all frames of several runs."""
    return np.concatenate([run.confidence for run in runs]), np.concatenate([run.errors_mm for run in runs])


def areas_table(sources: Sources) -> Table:
    """Return how well confidence ranks frames by error, by source."""
    table = Table(title=f"Area under the ROC curve for an error > {WRONG_MM:g} mm, or no target to be found")
    table.add_column("frames of")
    for heading in ("frames", "wrong", f"area (>= {AUC:g})"):
        table.add_column(heading, justify="right")
    for name, (frames, wrong, area) in areas(sources).items():
        table.add_row(name, f"{frames}", f"{wrong}", _number(area, 4), style="red" if area < AUC else None)
    return table


def reliability_table(sources: Sources) -> Table:
    """Return the calibration of confidence: by bin, share of wrong frames and mean error of the others."""
    table = Table(title="What a confidence means, all frames together")
    for heading in ("confidence", "frames", f"> {WRONG_MM:g} mm or not there, %", "mean mm where it is there"):
        table.add_column(heading, justify="right")
    for low, high, frames, wrong, mean_mm in reliability(*pooled([run for runs in sources.values() for run in runs])):
        table.add_row(f"{low:g}-{high:g}", f"{frames}", _number(100.0 * wrong, 1), _number(mean_mm, 2))
    return table


def unsure_shares(sources: Sources) -> dict[str, tuple[int, float]]:
    """Return the number of frames and the share with low confidence, by kind of disturbance."""
    runs = [run for several in sources.values() for run in several]
    if not runs:
        return {}
    kind, confidence = (np.concatenate([getattr(run, field) for run in runs]) for field in ("kinds", "confidence"))
    return {
        str(name): (int((kind == name).sum()), float((confidence[kind == name] < SURE).mean()))
        for name in np.unique(kind[kind != ""])
    }


def unsure_table(shares: Mapping[str, tuple[int, float]]) -> Table:
    """Return the share of frames with low confidence where it should be low."""
    table = Table(title=f"Confidence below {SURE:g} where there is doubt")
    table.add_column("frames")
    for heading in ("how many", "unsure %"):
        table.add_column(heading, justify="right")
    for name, (frames, share) in shares.items():
        table.add_row(name, f"{frames}", _number(100.0 * share, 1), style="red" if share <= 0.5 else None)
    return table


def as_json(
    rows: Mapping[str, tuple[Scene, Figures]],
    sources: Sources,
    shares: Mapping[str, tuple[int, float]],
    by_size: Mapping[str, Mapping[str, SizeFigures]],
    organs: Mapping[str, OrganFigures],
) -> dict[str, object]:
    """Return all tables as numbers; null where no frame gives a value."""
    tables = {
        "scenes": {name: asdict(row) for name, (_, row) in rows.items()},
        "roc_area": {
            name: {"frames": frames, "wrong": wrong, "area": area}
            for name, (frames, wrong, area) in (areas(sources) if sources else {}).items()
        },
        "reliability": [
            dict(zip(("from", "to", "frames", "wrong_share", "mean_mm"), row, strict=True))
            for row in (reliability(*pooled([run for runs in sources.values() for run in runs])) if sources else ())
        ],
        "by_size": {
            title: {name: asdict(row) for name, row in found.items()} for title, found in by_size.items() if found
        },
        "organs": {name: asdict(row) for name, row in organs.items()},
        "unsure": {name: {"frames": frames, "share": share} for name, (frames, share) in shares.items()},
    }
    return {name: _without_nan(value) for name, value in tables.items()}


def _without_nan(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _without_nan(inner) for name, inner in value.items()}
    return [_without_nan(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"
