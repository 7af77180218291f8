"""Measure the report of a session of 20 minutes: time to write, size, and time to open.

It is opened in Chromium, each time in a fresh context. The time runs from the navigation until the page is loaded, its
trace is drawn, and two more frames have been shown.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console as Screen
from rich.table import Table

from benchmarks.long_session import GATEKEEPER, MINUTES, make_session
from benchmarks.percentiles import p50_and_worst
from gatekeeper.core.clock import stopwatch_ns
from replay.progress import ProgressBars
from tests.support.browser import CHROMIUM, chromium

MOST_BYTES = 5_000_000
OPENED_S = 2.0
"""Limits of size (for mail) and of the time to open."""
DRAWN = """() => new Promise((resolve) => {
  const canvas = document.getElementById("strip");
  const look = () => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const inked = data.some((one) => one > 0);
    requestAnimationFrame(inked ? () => requestAnimationFrame(resolve) : look);
  };
  look();
})"""


def written_s(session: Path, out: Path, runs: int) -> list[float]:
    """Return the time of the command in each run, including its start, in s."""
    command = [*GATEKEEPER, "report", str(session), "--out", str(out)]
    return [_timed(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(runs)]  # noqa: S603


def opened_s(page: Path, runs: int) -> list[float]:
    """Return the time to open the page in each run, in s."""
    taken_s = []
    with chromium() as browser:
        for _ in range(runs):
            context = browser.new_context(viewport={"width": 1240, "height": 900})
            tab = context.new_page()
            taken_s.append(_timed(lambda tab=tab: (tab.goto(page.as_uri(), wait_until="load"), tab.evaluate(DRAWN))))
            context.close()
    return taken_s


def _timed(action: Callable[[], object]) -> float:
    began_ns = stopwatch_ns()
    action()
    return (stopwatch_ns() - began_ns) * 1e-9


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, and return 1 when the report is too large or opens too slowly."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report_load", description=__doc__)
    parser.add_argument("--session", type=Path, help="session folder; by default a session of a phantom is made")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="duration of that session (default 20)")
    parser.add_argument("--writing", type=int, default=3, help="number of times the report is written (default 3)")
    parser.add_argument("--opening", type=int, default=10, help="number of times it is opened (default 10)")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args(arguments)
    if CHROMIUM is None:
        parser.error("Chromium is absent: Debian's package chromium brings it")
    if min(options.writing, options.opening) < 1:
        parser.error("--writing and --opening must be at least 1")
    with tempfile.TemporaryDirectory() as folder:
        session = options.session
        if session is None:
            with ProgressBars() as bars:
                session = make_session(Path(folder) / "session", bars, options.minutes)
        page = Path(folder) / "report.html"
        writing_s = written_s(session, page, options.writing)
        size, opening_s = page.stat().st_size, opened_s(page, options.opening)
    (written_p50, written_worst), (opened_p50, opened_worst) = p50_and_worst(writing_s), p50_and_worst(opening_s)
    table = Table("what", "p50", "worst", "limit")
    table.add_row("gatekeeper report", f"{written_p50:.1f} s", f"{written_worst:.1f} s", "")
    table.add_row("size", f"{1e-6 * size:.2f} MB", "", f"{1e-6 * MOST_BYTES:g} MB")
    table.add_row("opening in Chromium", f"{opened_p50:.2f} s", f"{opened_worst:.2f} s", f"{OPENED_S:g} s")
    Screen(stderr=True).print(table)
    good = size < MOST_BYTES and opened_worst < OPENED_S
    if options.json:
        print(json.dumps({"written_s": writing_s, "bytes": size, "opened_s": opening_s, "good": good}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
