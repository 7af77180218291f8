"""Run the matrix and print its table.

`python -m benchmarks.fault_matrix [--write docs/explanation/safety.md] [--only NAME] [--trials 30]`
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.fault_matrix.cell import Cell
from benchmarks.fault_matrix.faults import FAULTS, Fault
from benchmarks.fault_matrix.run import act_in_time, run_cell
from benchmarks.fault_matrix.scene import make_scene, save
from benchmarks.fault_matrix.stalls import Stalls

BEGIN, END = "<!-- fault matrix: make fault-matrix -->", "<!-- end of fault matrix -->"
RATES_HZ = (4.0, 8.0)
TRIALS = 30


def measure(
    faults: Sequence[Fault], jobs: int = 1, rates_hz: Sequence[float] = RATES_HZ, trials: int = TRIALS
) -> list[list[Cell]]:
    """Run faults at each frame rate, some cells at a time, and return the cells of each fault."""
    with (
        tempfile.TemporaryDirectory(prefix="fault-matrix-") as name,
        Stalls() as stalls,
        ThreadPoolExecutor(jobs, initializer=act_in_time) as pool,
    ):
        # Scenes first: making them would disturb the measurement.
        scenes = {}
        for leaves in {fault.leaves for fault in faults}:
            for rate_hz in rates_hz:
                path = Path(name) / f"{rate_hz:g}-{leaves}.npz"
                scenes[rate_hz, leaves] = (make_scene(rate_hz, leaves), path)
                save(scenes[rate_hz, leaves][0].recording, path)

        def one(fault: Fault, rate_hz: float) -> Cell:
            folder = Path(tempfile.mkdtemp(dir=name))
            return run_cell(fault, *scenes[rate_hz, fault.leaves], folder, trials, stalls)

        waiting = [[pool.submit(one, fault, rate_hz) for rate_hz in rates_hz] for fault in faults]
        found = []
        for cells in waiting:
            found.append([cell.result() for cell in cells])
            for cell in found[-1]:
                print(cell_text(cell), flush=True)
        return found


def cell_text(one: Cell) -> str:
    """Return one cell as a line of text."""
    missed = f", {one.missed} without {one.fault.means}" if one.missed else ""
    return (
        f"{'ok  ' if one.good else 'FAIL'} {one.fault.name}, {1.0 / one.period_s:.0f} per s: worst "
        f"{1e3 * one.worst_s:.1f}, mean {1e3 * one.mean_s:.1f} of {1e3 * one.limit_s:.0f} ms in {len(one.trials)} "
        f"trials, {one.void} void{missed}"
    )


def table(found: list[list[Cell]]) -> str:
    """Return the cells, one row for each fault with one cell per rate, as a table for the document."""
    rows = [
        "| fault | noticed by | stated ms, 4 / 8 per s | worst ms | mean ms | why more than one period |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for cells in found:
        fault = cells[0].fault
        rows.append(
            f"| {fault.name} | {fault.detected_by} | {_ms(cells, 'limit_s')} | {_ms(cells, 'worst_s')} "
            f"| {_ms(cells, 'mean_s')} | {fault.why or '-'} |"
        )
    return "\n".join(rows)


def _ms(cells: list[Cell], name: str) -> str:
    return " / ".join(f"{1e3 * getattr(one, name):.0f}" for one in cells)


def write(text: str, path: Path) -> None:
    """Write the table into the document, between its markers."""
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Run, print, and return 1 when a cell differs from what is stated."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fault_matrix", description=__doc__)
    parser.add_argument("--write", type=Path, help="write the table into this document")
    parser.add_argument("--only", nargs="+", help="only these faults", choices=[fault.name for fault in FAULTS])
    parser.add_argument("--jobs", type=int, default=8, help="number of cells at a time, which mostly wait (default 8)")
    parser.add_argument("--trials", type=int, default=TRIALS, help=f"trials of each cell (default {TRIALS})")
    options = parser.parse_args()
    faults = [fault for fault in FAULTS if not options.only or fault.name in options.only]
    found = measure(faults, options.jobs, trials=options.trials)
    print(table(found))
    if options.write is not None:
        write(table(found), options.write)
    return int(not all(one.good for cells in found for one in cells))


if __name__ == "__main__":
    sys.exit(main())
