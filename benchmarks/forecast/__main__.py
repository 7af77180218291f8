"""Forecast duty cycles from the first seconds of recordings, compare with the rest, and print a table."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.forecast.judge import Compared, compare
from benchmarks.forecast.sequences import cine, traces
from gatekeeper.core.errors import GatekeeperError
from replay.progress import ProgressBars

SHARED = Path(__file__).resolve().parents[3] / "shared"
LEAST_BETTER_PERCENT, HELD_PERCENT, WIDEST = 15.0, (70.0, 92.0), 30.0
"""What is wanted: by how much errors are smaller, how many cells the intervals hold, and their mean width in points."""


def figures(compared: Sequence[Compared]) -> dict[str, float]:
    """Return errors in points, cells held in percent, and the mean width of the intervals in points."""
    forecast = np.concatenate([np.abs(one.middle - one.true).ravel() for one in compared])
    goes_on = np.concatenate([np.abs(one.goes_on - one.true).ravel() for one in compared])
    values: dict[str, float] = {}
    for name, errors in (("forecast", forecast), ("goes_on", goes_on)):
        values[f"{name}_mean"] = float(errors.mean())
        values[f"{name}_median"] = float(np.median(errors))
        values[f"{name}_p80"] = float(np.quantile(errors, 0.8))
    values["held_percent"] = 100.0 * float(np.concatenate([one.held.ravel() for one in compared]).mean())
    values["width"] = float(np.concatenate([(one.high - one.low).ravel() for one in compared]).mean())
    return values


def as_table(compared: Sequence[Compared], groups: dict[str, Sequence[Compared]]) -> Table:
    """Return the table of all sequences, and of groups of them."""
    table = Table(title="Duty cycle after the preview, over margins 3-8 mm and 1-20 % outside", title_justify="left")
    table.add_column("sequence", no_wrap=True)
    for heading in ("true %", "goes on: mean", "median", "p80", "forecast: mean", "median", "p80", "held %", "width"):
        table.add_column(heading, justify="right")
    for name, ones in [(one.name, [one]) for one in compared] + list(groups.items()):
        values = figures(ones)
        true = float(np.mean([one.true.mean() for one in ones]))
        columns = ("goes_on_mean", "goes_on_median", "goes_on_p80", "forecast_mean", "forecast_median", "forecast_p80")
        cells = [f"{values[column]:.1f}" for column in columns]
        table.add_row(name, f"{true:.1f}", *cells, f"{values['held_percent']:.0f}", f"{values['width']:.1f}")
    return table


def main(args: Sequence[str] | None = None) -> int:
    """Compare, print the table, and return the exit code: 0 good, 1 less than wanted, 2 nothing to compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast", description=__doc__)
    parser.add_argument("--cine", type=Path, default=SHARED / "cine", help="folder of recorded cases")
    parser.add_argument("--traces", type=Path, default=SHARED / "traces", help="folder of motion as CSV files")
    parser.add_argument("--futures", type=int, default=1000, help="number of futures of each forecast")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line of standard output")
    options = parser.parse_args(args)
    groups: dict[str, list[Compared]] = {"all cine": [], "all traces": []}
    try:
        with ProgressBars() as bars:
            for sequence in cine(options.cine, bars):
                groups["all cine"].append(compare(sequence, options.futures))
            for sequence in traces(options.traces):
                groups["all traces"].append(compare(sequence, options.futures))
    except (GatekeeperError, OSError) as error:
        print(f"bench-forecast: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    compared = [one for ones in groups.values() for one in ones]
    if not compared:
        print(f"bench-forecast: no case in {options.cine} and no trace in {options.traces}", file=sys.stderr)
        return 2
    shown = {name: ones for name, ones in groups.items() if ones} | {"all": compared}
    console = Console(stderr=options.json, width=150)
    console.print(as_table(compared, shown))
    values = figures(compared)
    better = {
        name: 100.0 * (1.0 - values[f"forecast_{name}"] / values[f"goes_on_{name}"])
        if values[f"goes_on_{name}"]
        else 0.0
        for name in ("mean", "p80")
    }
    good = (
        min(better.values()) >= LEAST_BETTER_PERCENT
        and HELD_PERCENT[0] <= values["held_percent"] <= HELD_PERCENT[1]
        and values["width"] <= WIDEST
    )
    console.print(
        f"Smaller than if the preview went on: mean {better['mean']:.0f} %, 80th percentile {better['p80']:.0f} % "
        f"(wanted {LEAST_BETTER_PERCENT:g} %); intervals hold {values['held_percent']:.0f} % of the cells (wanted "
        f"{HELD_PERCENT[0]:g} to {HELD_PERCENT[1]:g} %) at a mean width of {values['width']:.1f} points (at most "
        f"{WIDEST:g})"
    )
    if options.json:
        sequences = {one.name: figures([one]) for one in compared}
        print(json.dumps({**values, "better_percent": better, "good": good, "sequences": sequences}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
