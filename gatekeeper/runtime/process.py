"""Child processes beside the loop, which leave the processors to it."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from gatekeeper.runtime.realtime import USUAL_SLACK_NS, set_timer_slack

NICENESS = 5


def start_process(
    module: str, *words: object, passed: tuple[int, ...], stdout: int | None = None, stderr: int | None = None
) -> "subprocess.Popen[bytes]":
    """Start a module as a process, with the same interpreter and the same sources as this one.

    Parameters
    ----------
    module : str
        Full name of the module.
    *words
        Its command line arguments.
    passed : tuple of int
        File descriptors that it inherits.
    stdout, stderr : int, optional
        Descriptors for its standard output and standard error; discarded by default.

    Returns
    -------
    subprocess.Popen
        The process.
    """
    sources = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, (sources, os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", "-m", module, *map(str, words)],
        env=os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
        pass_fds=passed,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if stdout is None else stdout,
        stderr=subprocess.DEVNULL if stderr is None else stderr,
        start_new_session=True,
    )


def end_process(process: "subprocess.Popen[bytes]", within_s: float) -> int:
    """Wait for a process to end, kill it after `within_s` seconds of real time, and return its exit code."""
    try:
        return process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def lower_priority() -> None:
    """Lower the priority of this process: any processor, no real-time scheduling, a higher nice value, usual timers.

    SCHED_BATCH, unlike SCHED_IDLE, only slows the process down on a busy machine and does not starve it, so that
    records are still written and an operator's hold still arrives. What the system refuses is left unchanged.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        os.nice(NICENESS)
    with suppress(OSError):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    set_timer_slack(USUAL_SLACK_NS)
