"""Run the matrix and print its table.

`python -m benchmarks.fault_matrix [--write docs/explanation/safety.md] [--only NAME]`
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.fault_matrix.faults import FAULTS, Fault
from benchmarks.fault_matrix.run import Outcome, run_case
from benchmarks.fault_matrix.scene import make_scene, save

BEGIN, END = "<!-- fault matrix: make fault-matrix -->", "<!-- end of fault matrix -->"
RATES_HZ = (4.0, 8.0)
LONGER_S = {"slow consumer: writer stopped": 1.5}


def measure(faults: Sequence[Fault], jobs: int = 1, rates_hz: Sequence[float] = RATES_HZ) -> list[list[Outcome]]:
    """Run faults at each frame rate, some at a time, and return the outcomes of each fault."""
    with tempfile.TemporaryDirectory(prefix="fault-matrix-") as name, ThreadPoolExecutor(jobs) as pool:
        # Scenes first: making them would disturb the measurement.
        scenes = {}
        for longer_s in {LONGER_S.get(fault.name, 0.0) for fault in faults}:
            for rate_hz in rates_hz:
                path = Path(name) / f"{rate_hz:g}-{longer_s:g}.npz"
                scenes[rate_hz, longer_s] = (make_scene(rate_hz, longer_s), path)
                save(scenes[rate_hz, longer_s][0].recording, path)

        def one(fault: Fault, rate_hz: float) -> Outcome:
            folder = Path(tempfile.mkdtemp(dir=name))
            return run_case(fault, *scenes[rate_hz, LONGER_S.get(fault.name, 0.0)], folder)

        waiting = [[pool.submit(one, fault, rate_hz) for rate_hz in rates_hz] for fault in faults]
        found = []
        for outcomes in waiting:
            found.append([outcome.result() for outcome in outcomes])
            for outcome in found[-1]:
                print(outcome_text(outcome), flush=True)
        return found


def outcome_text(one: Outcome) -> str:
    """Return one outcome as a line of text."""
    return (
        f"{'ok  ' if one.good else 'FAIL'} {one.fault.name}, {1.0 / one.period_s:.0f} per s: on before {one.was_on}, "
        f"to HOLD {1e3 * one.to_hold_s:.1f} of {1e3 * one.limit_s:.0f} ms, beyond {1e3 * one.beyond_s:.1f} ms, "
        f"while out {1e3 * one.while_out_s:.1f} ms, {', '.join(sorted(one.reasons))}"
    )


def table(found: list[list[Outcome]]) -> str:
    """Return the outcomes, one row for each fault with one outcome per rate, as a table for the document."""
    rows = [
        "| fault | noticed by | stated ms, 4 / 8 per s | measured ms | beam-on beyond it ms | beam-on while out ms |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for outcomes in found:
        fault = outcomes[0].fault
        rows.append(
            f"| {fault.name} | {fault.detected_by} | {_ms(outcomes, 'limit_s')} | {_ms(outcomes, 'to_hold_s')} "
            f"| {_ms(outcomes, 'beyond_s')} | {_ms(outcomes, 'while_out_s')} |"
        )
    return "\n".join(rows)


def _ms(outcomes: list[Outcome], name: str) -> str:
    values = [1e3 * max(getattr(one, name), 0.0) for one in outcomes]
    return " / ".join(f"{value:.0f}" if math.isfinite(value) else "-" for value in values)


def write(text: str, path: Path) -> None:
    """Write the table into the document, between its markers."""
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Run, print, and return 1 when an outcome differs from what is stated."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fault_matrix", description=__doc__)
    parser.add_argument("--write", type=Path, help="write the table into this document")
    parser.add_argument("--only", nargs="+", help="only these faults", choices=[fault.name for fault in FAULTS])
    parser.add_argument("--jobs", type=int, default=2, help="number of cases at a time (default 2)")
    options = parser.parse_args()
    faults = [fault for fault in FAULTS if not options.only or fault.name in options.only]
    found = measure(faults, options.jobs)
    print(table(found))
    if options.write is not None:
        write(table(found), options.write)
    return int(not all(one.good for outcomes in found for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
