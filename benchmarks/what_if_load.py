"""Measure the console's time to answer what-if requests over HTTP, on a session of 20 minutes.

The console is the command in another process. Requests have different margins and limits and follow one another on the
same connection; each answer is read completely.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from itertools import cycle, islice, product
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console as Screen
from rich.table import Table

from benchmarks.long_session import GATEKEEPER, MINUTES, make_session
from benchmarks.percentiles import p50_and_worst
from gatekeeper.core.clock import stopwatch_ns
from replay.progress import ProgressBars

ANSWERED_S = 2.0
"""Limit of an answer: a person moving a slider would not wait longer."""
MATRICES = ((72, 60), (256, 256))
MARGINS_MM = (5.0, 3.0, 0.0, 8.0, 2.5, 6.5, 10.0)
OUTSIDE_PERCENTS = (5.0, 1.0, 20.0, 0.0, 50.0)
AGAIN_S = 0.5
READY_S = 300.0


@contextmanager
def console_of(session: Path) -> Iterator[tuple[str, int]]:
    """Run the console of a session, and yield its host and port."""
    command = [*GATEKEEPER, "console", str(session)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            address = urlsplit(process.stdout.readline().split()[-1])
            yield str(address.hostname), int(address.port or 0)
        finally:
            process.terminate()


def ask(link: HTTPConnection, margin_mm: float, outside_percent: float) -> tuple[int, dict[str, object]]:
    """Send a request as the page does; return status and answer."""
    origin = f"http://{link.host}:{link.port}"
    body = json.dumps({"margin_mm": margin_mm, "outside_percent": outside_percent})
    link.request("POST", "/what-if", body, {"content-type": "application/json", "origin": origin})
    answer = link.getresponse()
    return answer.status, json.loads(answer.read())


def answered_s(session: Path, questions: int) -> tuple[float, list[float]]:
    """Return the time until the first answer, and the time of each later one, in s."""
    began_ns = stopwatch_ns()
    with console_of(session) as (host, port), closing(HTTPConnection(host, port)) as link:
        while (found := ask(link, MARGINS_MM[0], OUTSIDE_PERCENTS[0]))[0] != 200:
            if found[0] != 503 or stopwatch_ns() - began_ns > READY_S * 1e9:
                raise SystemExit(f"what-if: answered with {found[0]}, {found[1].get('note')}")
            time.sleep(AGAIN_S)
        ready_s, taken_s = (stopwatch_ns() - began_ns) * 1e-9, []
        for margin_mm, outside_percent in islice(cycle(product(MARGINS_MM, OUTSIDE_PERCENTS)), questions):
            asked_ns = stopwatch_ns()
            status, answer = ask(link, margin_mm, outside_percent)
            taken_s.append((stopwatch_ns() - asked_ns) * 1e-9)
            if status != 200 or (answer["margin_mm"], answer["outside_percent"]) != (margin_mm, outside_percent):
                raise SystemExit(f"what-if: requested {margin_mm} mm and {outside_percent} %, answered with {answer}")
    return ready_s, taken_s


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, and return 1 when an answer exceeds its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.what_if_load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="duration of the sessions (default 20)")
    parser.add_argument("--questions", type=int, default=35, help="number of requests to each (default 35)")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args(arguments)
    if options.questions < 1:
        parser.error("--questions must be at least 1")
    found = {}
    for matrix in MATRICES:
        with tempfile.TemporaryDirectory() as folder:
            with ProgressBars() as bars:
                session = make_session(Path(folder) / "session", bars, options.minutes, matrix)
            found["{} x {}".format(*matrix)] = answered_s(session, options.questions)
    table = Table("pixels", "first answer", "answer p50", "worst", "limit")
    for pixels, (ready_s, taken_s) in found.items():
        p50, worst = p50_and_worst(taken_s)
        table.add_row(pixels, f"{ready_s:.1f} s", f"{p50:.2f} s", f"{worst:.2f} s", f"{ANSWERED_S:g} s")
    Screen(stderr=True).print(table)
    good = all(max(taken_s) < ANSWERED_S for _, taken_s in found.values())
    if options.json:
        values = {pixels: {"ready_s": ready_s, "answered_s": taken_s} for pixels, (ready_s, taken_s) in found.items()}
        print(json.dumps({"pixels": values, "good": good}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
