"""Run complete live sessions over the loopback in real time: `python -m benchmarks.session_matrix [--seconds S]`.

For every source and every linac port, `gatekeeper feed` plays a phantom at 8 frames per second into `gatekeeper run`,
which learns, is armed, and drives a far end that records the orders. The feeder is then stopped with the beam on,
another one is accepted by a reset, and the far end is stopped with the beam on. The exit code is 1 when a decision is
lost, the far end received other states than the journal has, a stop takes longer to HOLD than stated, or the session
cannot be verified.
"""

import argparse
import json
import math
import multiprocessing
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.session_matrix.cell import Cell, run_cell
from benchmarks.session_matrix.parts import FRAMES_PER_S, LINACS, SOURCES
from gatekeeper.config import build
from replay.phantom import PhantomConfig, write_phantom

CASE_S = 40.0
PREVIEW_S = 10.0
NUMBERS = ("frames", "lost", "skipped", "changes", "far end", "feeder stops ms", "far end stops ms", "p50 ms", "p99 ms")


def write_case(folder: Path, seconds: float = CASE_S) -> Path:
    """Write the phantom that is fed, nearly without noise of its own, and return its folder."""
    acquisition = {"frame_rate_hz": FRAMES_PER_S, "duration_s": seconds, "snr": 1000.0}
    config = build(PhantomConfig, {"name": "matrix", "acquisition": acquisition}, "matrix")
    return write_phantom(config, folder / "matrix")


def measure(cells: Sequence[tuple[str, str]], seconds: float, side_by_side: int) -> list[Cell]:
    """Run cells, some at a time, each from its own process, and return the results in order."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(side_by_side, spawn) as pool:
        case = write_case(Path(name))
        waiting = [pool.submit(run_cell, source, linac, case, seconds, PREVIEW_S) for source, linac in cells]
        found = []
        for one in waiting:
            found.append(one.result())
            last = found[-1]
            result = "; ".join(last.findings) or "as stated"
            print(f"{last.source} to {last.linac}: {result}", file=sys.stderr, flush=True)
        return found


def table(found: Sequence[Cell]) -> Table:
    """Return the cells as an aligned table."""
    shown = Table(box=None, pad_edge=False)
    for head in ("source", "linac"):
        shown.add_column(head)
    for head in NUMBERS:
        shown.add_column(head, justify="right")
    for one in found:
        shown.add_row(
            one.source,
            one.linac,
            f"{one.frames}",
            f"{one.lost}",
            f"{one.skipped}",
            f"{one.changes}",
            "-" if one.same is None else "the same" if one.same else "OTHER",
            _of(one.source_ms, one.source_stated_ms),
            _of(one.linac_ms, one.linac_stated_ms),
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
        )
    return shown


def _of(measured_ms: float, stated_ms: float) -> str:
    return "-" if math.isnan(measured_ms) else f"{measured_ms:.0f} of {stated_ms:.0f}"


def main() -> int:
    """Run, print, and return 1 when a result differs from what is stated."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.session_matrix", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=120.0, help="time for which each session is armed (default 120)"
    )
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=SOURCES, help="only these")
    parser.add_argument("--linacs", nargs="+", choices=LINACS, default=LINACS, help="only these")
    parser.add_argument("--side-by-side", type=int, default=1, help="number of sessions at a time (default 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    cells = [(source, linac) for source in options.sources for linac in options.linacs]
    found = measure(cells, options.seconds, options.side_by_side)
    Console(width=160).print(table(found))
    print(f"{options.seconds:g} s at {FRAMES_PER_S:g} frames per second each, {options.side_by_side} at a time")
    for one in found:
        for finding in one.findings:
            print(f"FAIL {one.source} to {one.linac}: {finding}")
    if options.json:
        cells_ = [{name: None if value != value else value for name, value in asdict(one).items()} for one in found]
        print(json.dumps({"seconds": options.seconds, "side_by_side": options.side_by_side, "cells": cells_}))
    return int(any(one.findings for one in found))


if __name__ == "__main__":
    sys.exit(main())
