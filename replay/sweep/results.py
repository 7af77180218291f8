"""The results of a sweep: one table, the best settings by a rule, and a picture."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from gatekeeper.analysis.extra import needed
from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.decision import BeamState
from gatekeeper.style.colors import AP_COLOR, BEAM_COLOR, LIMIT_COLOR, MUTED_COLOR, SI_COLOR
from replay.sweep.grid import BestRule, Grid

if TYPE_CHECKING:
    import pandas as pd

RESULTS, BEST, PICTURE = "results.parquet", "best.csv", "sweep.png"
FIGURES = {
    "frames": ("count", "", "frames judged"),
    "lasted_s": ("real", "s", "time from the first to the last decision"),
    "beam_on_s": ("real", "s", "time with the beam on"),
    "duty_cycle": ("real", "0-1", "beam-on time over that time"),
    "holds": ("count", "", "separate holds, including the one at the start"),
    "out_by": ("word", "", "what tells that the target was out: labels, or session (as it was measured then)"),
    "on_while_out_s": ("real", "s", "time with the beam on and the target out"),
    "false_hold_s": ("real", "s", "time with the beam held and the target inside; missing for a session"),
    "accuracy": ("real", "0-1", "share of labelled frames judged right; missing for a session"),
}
"""Columns of results after case, kind and settings: type, unit and meaning."""
TRACKER = "tracker."
DPI = 200
COLORS = (BEAM_COLOR[BeamState.ON], LIMIT_COLOR, AP_COLOR, SI_COLOR, BEAM_COLOR[BeamState.HOLD], MUTED_COLOR)
MARKERS = "os^Dvx"


def write_results(out: Path, rows: Sequence[Mapping[str, Any]], grid: Grid) -> "pd.DataFrame":
    """Write all results as Parquet, the settings in the order of the rule, and the picture.

    Parameters
    ----------
    out : Path
        Folder of the sweep.
    rows : sequence of mapping
        Rows of all tasks, in the order of the tasks.
    grid : Grid
        The grid.

    Returns
    -------
    DataFrame
        Settings, the best one first, see `ranked`.

    Raises
    ------
    OutputError
        When a file cannot be written.
    """
    pandas = needed("pandas")
    table = pandas.DataFrame(rows, columns=["case", "kind", *grid.names, *FIGURES])
    data = io.BytesIO()
    table.to_parquet(data, index=False, compression="zstd")
    write_atomically(out / RESULTS, data.getvalue())
    best = ranked(table, grid)
    write_atomically(out / BEST, best.to_csv(index=False).encode())
    picture = io.BytesIO()
    sweep_figure(best, grid).savefig(picture, format="png", dpi=DPI, metadata={"Software": None})
    write_atomically(out / PICTURE, picture.getvalue())
    return best


def ranked(results: "pd.DataFrame", grid: Grid) -> "pd.DataFrame":
    """Return each setting over all cases, the best one first.

    Beam-on and on-while-out times are added over the cases; those in which nothing tells when the target was out count
    in the duty cycle only. First come the settings whose share of beam-on time with
    the target out is within the limit of the rule, by falling duty cycle; then all others, by rising share.

    Parameters
    ----------
    results : DataFrame
        All results.
    grid : Grid
        The grid, with the rule.

    Returns
    -------
    DataFrame
        The settings, `cases`, `lasted_s`, `beam_on_s`, `on_while_out_s`, `cases_with_truth`, `duty_cycle`,
        `on_while_out_percent` and `within`, whether the rule's limit is kept. A case without a result is missing in
        `cases`.
    """
    names = list(grid.names)
    known = results["on_while_out_s"].notna()
    results = results.assign(
        known_on_s=results["beam_on_s"].where(known, 0.0), known_cases=results["case"].where(known)
    )
    summed = ("lasted_s", "beam_on_s", "known_on_s", "on_while_out_s")
    added = {name: (name, "sum") for name in summed} | {"cases_with_truth": ("known_cases", "nunique")}
    table: pd.DataFrame = (
        results.groupby(names, sort=False, dropna=False).agg(cases=("case", "nunique"), **added).reset_index()
    )
    lasted_s, beam_on_s = table["lasted_s"].to_numpy(np.float64), table["beam_on_s"].to_numpy(np.float64)
    table["duty_cycle"] = np.divide(beam_on_s, lasted_s, out=np.zeros_like(beam_on_s), where=lasted_s > 0.0)
    out_s = table["on_while_out_s"].to_numpy(np.float64)
    known_s = table.pop("known_on_s").to_numpy(np.float64)
    share = np.divide(out_s, known_s, out=np.zeros_like(out_s), where=known_s > 0.0)
    table["on_while_out_percent"] = np.where(table["cases_with_truth"] > 0, 100.0 * share, np.nan)
    table["within"] = table["on_while_out_percent"] <= grid.rule.on_while_out_percent
    order = np.lexsort(
        (
            np.where(table["within"], 0.0, table["on_while_out_percent"]),
            np.where(table["within"], -table["duty_cycle"], 0.0),
            ~table["within"],
        )
    )
    return table.iloc[order].reset_index(drop=True)


def sweep_figure(best: "pd.DataFrame", grid: Grid) -> Figure:
    """Return duty cycle over on-while-out time, a line for each setting of the tracker.

    A line joins the settings of one tracker that no other of its settings beats in both.
    """
    figure = Figure(figsize=(8.2, 5.0), layout="constrained")
    axes = figure.subplots()
    trackers = [name for name, _ in grid.tracked[0]]
    for number, setting in enumerate(grid.tracked):
        chosen = np.ones(len(best), dtype=np.bool_)
        for name, value in setting:
            chosen &= (best[name] == value).to_numpy()
        own = best[chosen].sort_values(["on_while_out_percent", "duty_cycle"], ascending=[True, False], kind="stable")
        percent = own["on_while_out_percent"].to_numpy(np.float64)
        duty = 100.0 * own["duty_cycle"].to_numpy(np.float64)
        words = ", ".join(f"{name.removeprefix(TRACKER)} {value}" for name, value in setting) or "tracker as it is"
        color, marker = COLORS[number % len(COLORS)], MARKERS[number % len(MARKERS)]
        axes.plot(percent, duty, marker, color=color, ms=4, alpha=0.35, mec="none")
        front = np.diff(np.maximum.accumulate(duty), prepend=-1.0) > 0.0
        axes.plot(percent[front], duty[front], f"-{marker}", color=color, ms=5, label=words)
    limit = grid.rule.on_while_out_percent
    axes.axvline(limit, color=MUTED_COLOR, ls="--", lw=1)
    axes.set(xlabel=f"beam on with the target out (% of beam-on time); dashed: {limit:g} %", ylabel="duty cycle (%)")
    axes.set_ylim(0.0, 102.0)
    axes.set_xlim(left=-0.02 * max(limit, axes.get_xlim()[1]))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=9, title=None if trackers else "all settings")
    return figure


def rule_in_words(rule: BestRule) -> str:
    """Return the rule for the best settings in one line."""
    return (
        f"best: highest duty cycle of the settings with at most {rule.on_while_out_percent:g} % of beam-on time with "
        "the target out, added over all cases"
    )
