"""Time tracking and deciding at a scanner's pace, cold first; exit code 1 when a limit is exceeded.

Usage: `python -m benchmarks.cold [--scale] [--seconds S] [--plot FILE] [--json]`.
"""

import argparse
import json
import sys
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.cold.pace import STAGES, Case, Neighbours, Timed, neighbours, time_case
from benchmarks.cold.plot import draw

RATES = (4.0, 8.0, 24.0)
MOST_COLD = 2.0
"""Limit of the p50 of a step at `RATE`, rehearsed as in a live session, over the hot one."""
RATE = 8.0
LEAST_FRAMES = 60
GROWTH_NOISE = 1.2
"""Growth by this factor more than in proportion is within what the machine's other work makes of it."""
AXES: tuple[tuple[str, tuple[Case, ...]], ...] = (
    ("structures", tuple(Case(structures=count) for count in (1, 2, 3, 4, 5, 6))),
    ("pixels (1000)", tuple(Case(side_px=side) for side in (128, 192, 256, 384, 512))),
    ("frames/s", tuple(Case(frames_per_s=rate) for rate in (4.0, 8.0, 16.0, 25.0, 50.0))),
)
LARGEST = Case(structures=6, side_px=512, frames_per_s=50.0)


def place(name: str, case: Case) -> float:
    """Return where a case is on an axis."""
    if name == "structures":
        return case.structures
    return case.frames_per_s if name == "frames/s" else case.side_px**2 / 1000


def growth(name: str, timed: Sequence[Timed]) -> float:
    """Return the largest growth of the cold p50 along an axis, over that of the axis; time need not grow with the rate.

    Up to 1 the time grows at most linearly.
    """
    first, *others = timed
    cold = [float(np.median(one.cold_ms[:, 2])) for one in timed]
    by = [1.0 if name == "frames/s" else place(name, one.case) / place(name, first.case) for one in others]
    return max(one / cold[0] / more for one, more in zip(cold[1:], by, strict=True))


def stage_rows(timed: Timed) -> list[list[str]]:
    """Return one row for each stage."""
    rows = []
    for index, stage in enumerate(STAGES):
        cold, rehearsed, hot = (one[:, index] for one in (timed.cold_ms, timed.rehearsed_ms, timed.hot_ms))
        numbers = [*np.percentile(cold, [50, 99, 100]), *np.percentile(rehearsed, [50, 99])]
        numbers += np.percentile(hot, [50, 99]).tolist()
        ratios = numbers[0] / numbers[5], numbers[3] / numbers[5]
        times = [f"{one:.3f}" for one in numbers]
        rows.append([f"{timed.case.frames_per_s:g}", stage, *times, *(f"{one:.2f}" for one in ratios)])
    return rows


def scale_row(timed: Timed) -> list[str]:
    """Return the row of a case in the table of growth."""
    case = timed.case
    cold, hot = timed.cold_ms[:, 2], timed.hot_ms[:, 2]
    numbers = [*np.percentile(cold, [50, 99, 100]), np.median(hot)]
    what = [str(case.structures), f"{case.side_px} x {case.side_px}", f"{case.frames_per_s:g}"]
    return [*what, *(f"{one:.3f}" for one in numbers), f"{100 * timed.share_of_period:.2f}"]


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table with numbers on the right."""
    made = Table(title=title)
    for heading in headings:
        made.add_column(heading, justify="left" if heading == "stage" else "right")
    for row in rows:
        made.add_row(*row)
    return made


def measure_scale(seconds: float, beside: Neighbours) -> list[tuple[str, list[Timed]]]:
    """Return the times along each axis; a case on two of them is measured once."""
    known: dict[Case, Timed] = {}
    for _, cases in AXES:
        for case in cases:
            if case not in known:
                known[case] = time_case(case, seconds, LEAST_FRAMES, beside)
    return [(name, [known[case] for case in cases]) for name, cases in AXES]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", action="store_true", help="grow structures, pixels and rate as well, 3 min")
    parser.add_argument("--seconds", type=float, default=10.0, help="time at each pace")
    parser.add_argument("--plot", help="picture of the growth; needs --scale")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    console, found, over = Console(width=130), {}, False
    with neighbours() as beside:
        paced = [time_case(Case(frames_per_s=rate), options.seconds, LEAST_FRAMES, beside) for rate in RATES]
        axes = measure_scale(options.seconds, beside) if options.scale else []
        largest = time_case(LARGEST, options.seconds, LEAST_FRAMES, beside) if options.scale else None
    headings = ("frames/s", "stage", "cold p50", "p99", "worst", "rehearsed p50", "p99", "hot p50", "p99", "cold / hot")
    headings += ("rehearsed / hot",)
    rows = [row for one in paced for row in stage_rows(one)]
    console.print(table("One structure, 256 x 256, beside processes that walk through memory, in ms", headings, rows))
    at_rate = next(one for one in paced if one.case.frames_per_s == RATE)
    hot_ms = np.median(at_rate.hot_ms[:, 2])
    cold, ratio = (float(np.median(one[:, 2]) / hot_ms) for one in (at_rate.cold_ms, at_rate.rehearsed_ms))
    over |= not ratio <= MOST_COLD
    console.print(
        f"p50 at {RATE:g} frames/s over that of the hot loop: {cold:.2f}; with the rehearsal of a live session "
        f"{ratio:.2f}, at most {MOST_COLD:g}: {'over' if over else 'ok'}"
    )
    found["paced"] = [stage_rows(one) for one in paced]
    found["over_hot"] = {"cold": cold, "rehearsed": ratio}
    if largest is not None:
        headings = ("structures", "pixels", "frames/s", "cold p50 ms", "p99", "worst", "hot p50 ms", "p99, % of period")
        every = [one for _, timed in axes for one in timed] + [largest]
        console.print(table("Growth of a step", headings, [scale_row(one) for one in every]))
        for name, timed in axes:
            grown = growth(name, timed)
            over |= not grown <= GROWTH_NOISE
            console.print(f"growth along {name} over that of the axis: {grown:.2f}, at most {GROWTH_NOISE:g}")
        found["scale"] = [scale_row(one) for one in every]
        if options.plot:
            draw(options.plot, [(name, [place(name, one.case) for one in timed], timed) for name, timed in axes])
    if options.json:
        print(json.dumps(found))
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
