"""Write the results as tables and as plain values for JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
from rich.table import Table

from benchmarks.prediction.gating import Score, pooled
from benchmarks.prediction.methods import OURS

Rows = Mapping[str, Sequence[Score]]
"""Scores, one per seed or case, of each way to decide."""

HEADINGS = ("on while out %", "accuracy %", "duty cycle %", "ms / crossing")


def table(title: str, rows: Rows, sketch: Mapping[str, str] | None = None) -> Table:
    """Return a table with one row per way to decide: mean and standard deviation over seeds."""
    result = Table(title=title, title_justify="left")
    result.add_column("decided by", no_wrap=True)
    for heading in HEADINGS:
        result.add_column(heading, justify="right", no_wrap=True)
    if sketch is not None:
        result.add_column("sketch: out / accuracy / duty", justify="right", no_wrap=True)
    for name, scores in rows.items():
        columns = np.array([(s.on_while_out, s.accuracy, s.duty_cycle, s.crossing_error_ms) for s in scores])
        cells = [
            f"{mean:.{digits}f} ± {spread:.{digits}f}"
            for mean, spread, digits in zip(columns.mean(axis=0), columns.std(axis=0), (2, 2, 2, 0), strict=True)
        ]
        result.add_row(
            name,
            *cells,
            *([] if sketch is None else [sketch.get(name, "")]),
            style="bold" if name.startswith(OURS) else None,
        )
    return result


def cases_table(title: str, rows: Rows, healthy: Mapping[str, float]) -> Table:
    """Return a table with one row per case and one for all: beam on while out and duty cycle of each way to decide.

    `healthy` is the share of each case's frames on which our predictor was, 0-1.
    """
    result = Table(title=title, title_justify="left")
    result.add_column("case")
    result.add_column("inside %", justify="right")
    result.add_column("healthy %", justify="right")
    for name in rows:
        result.add_column(f"{name}\nout % / duty %", justify="right", no_wrap=True)
    for index, (case, share) in enumerate(healthy.items()):
        scores = [of_all[index] for of_all in rows.values()]
        cells = (f"{s.on_while_out:.1f} / {s.duty_cycle:.1f}" for s in scores)
        result.add_row(case, f"{scores[0].inside:.1f}", f"{100.0 * share:.0f}", *cells)
    together = [pooled(scores) for scores in rows.values()]
    result.add_section()
    weights = [score.time_s for score in next(iter(rows.values()))]
    share = float(np.average(list(healthy.values()), weights=weights))
    cells = (f"{s.on_while_out:.2f} / {s.duty_cycle:.2f}" for s in together)
    result.add_row("all", f"{together[0].inside:.1f}", f"{100.0 * share:.0f}", *cells)
    return result


def plain(rows: Rows) -> dict[str, dict[str, float]]:
    """Return the mean and the spread of each figure."""
    values = {}
    for name, scores in rows.items():
        columns = {field: [asdict(one)[field] for one in scores] for field in asdict(scores[0])}
        values[name] = {field: float(np.mean(column)) for field, column in columns.items()}
        values[name] |= {f"{field}_spread": float(np.std(column)) for field, column in columns.items()}
    return values
