"""What runs beside the loop in a process of its own, and leaves the processors to the loop."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

NICENESS = 5


def start_process(
    module: str, *words: object, passed: tuple[int, ...], stdout: int | None = None
) -> "subprocess.Popen[bytes]":
    """Start a module as a process, with the same interpreter and the same sources as this one.

    Parameters
    ----------
    module : str
        Its full name.
    *words
        What it finds on its command line.
    passed : tuple of int
        Open files that it gets.
    stdout : int, optional
        Where it writes to; by default nowhere.
    """
    sources = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, (sources, os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", "-m", module, *map(str, words)],
        env=os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
        pass_fds=passed,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if stdout is None else stdout,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end_process(process: "subprocess.Popen[bytes]", within_s: float) -> int:
    """Wait for a process to end, kill it when it does not within some seconds of real time; return its exit code."""
    try:
        return process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def lower_priority() -> None:
    """Give this process what the loop leaves: any processor, no real-time priority, and never the loop's turn.

    SCHED_BATCH is not SCHED_IDLE: on a machine that has no time left this process becomes slower, but is not starved,
    so that a record is still written and an operator's hold still arrives. What the system refuses stays as it was.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        os.nice(NICENESS)
    with suppress(OSError):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
