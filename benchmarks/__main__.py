"""Run every benchmark and compare with its budget; exit code 1 when a median or ratio exceeds it."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from benchmarks.budgets import BUDGETS, RATIOS, Budget

ROOT = Path(__file__).parent


def measure() -> dict[str, list[float]]:
    """Return the timings of every benchmark in microseconds, by stage."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = ["-q", "-p", "no:randomly", "--benchmark-only", "--benchmark-enable", "--benchmark-disable-gc"]
        options += ["--benchmark-columns=median,max,rounds", f"--benchmark-json={report}"]
        code = pytest.main([str(ROOT), *options])
        if code != pytest.ExitCode.OK:
            sys.exit(int(code))
        found = json.loads(report.read_text(encoding="utf-8"))["benchmarks"]
    return {one["name"].removeprefix("test_"): [1e6 * s for s in one["stats"]["data"]] for one in found}


def with_unit(time_us: float) -> str:
    """Return a time as text with a suitable unit."""
    for unit, size_us in (("s", 1e6), ("ms", 1e3)):
        if time_us >= size_us:
            return f"{time_us / size_us:.2f} {unit}"
    return f"{time_us:.1f} us"


def row(budget: Budget, timings_us: list[float]) -> tuple[str, ...]:
    """Return one row of the table."""
    p50, p99, worst = np.percentile(timings_us, [50, 99, 100])
    verdict = "over" if p50 > budget.p50_us else "ok"
    numbers = (p50, budget.p50_us, p99, budget.p99_us, worst)
    return (budget.stage, *(with_unit(float(number)) for number in numbers), verdict, budget.what)


def main() -> int:
    """Measure, print the table, and return the exit code."""
    measured = measure()
    missing = {budget.stage for budget in BUDGETS} ^ set(measured)
    if missing:
        print(f"benchmarks: stages without a budget, or budgets without a benchmark: {sorted(missing)}")
        return 2
    table = Table(title="Measured times and budgets")
    table.add_column("stage")
    for heading in ("p50", "budget", "p99", "budget", "worst"):
        table.add_column(heading, justify="right")
    table.add_column("p50 is")
    table.add_column("what")
    for budget in BUDGETS:
        table.add_row(*row(budget, measured[budget.stage]))
    growth = Table(title="Growth of the cost")
    growth.add_column("stage")
    growth.add_column("beside")
    for heading in ("p50 over p50", "limit"):
        growth.add_column(heading, justify="right")
    growth.add_column("ratio is")
    medians = {stage: float(np.median(timings_us)) for stage, timings_us in measured.items()}
    over = any(medians[budget.stage] > budget.p50_us for budget in BUDGETS)
    for limit in RATIOS:
        ratio = medians[limit.stage] / medians[limit.beside]
        within = ratio <= limit.most
        over |= not within
        growth.add_row(limit.stage, limit.beside, f"{ratio:.2f}", f"{limit.most:g}", "ok" if within else "over")
    console = Console(width=140)
    console.print(table)
    console.print(growth)
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
