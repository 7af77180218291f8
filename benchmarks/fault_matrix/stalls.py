"""Watch the machine: note when a processor stood still, as one of a virtual machine does that is not given its time.

`python -m benchmarks.fault_matrix.stalls PROCESSOR` wakes every 2 ms at a real-time priority above everything that is
measured, and prints a line when it begins, and begin and end of each longer pause. Nothing in the measured programs can
delay it.
"""

import contextlib
import gc
import os
import subprocess
import sys
import threading
import time
from typing import Self

from gatekeeper.core.clock import monotonic_ns

PRIORITY = 50
"""Real-time priority, above those of engine and interlock."""
EVERY_S = 0.002
STALL_S = 0.005
"""A pause longer than this is a stall, in s."""


def watch(processor: int) -> None:
    """Print the stalls of a processor until the parent has ended; return at once without real-time priority."""
    try:
        os.sched_setaffinity(0, {processor})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        return
    gc.disable()
    print("watching", flush=True)
    parent, before_s = os.getppid(), monotonic_ns() * 1e-9
    while os.getppid() == parent:
        time.sleep(EVERY_S)
        now_s = monotonic_ns() * 1e-9
        if now_s - before_s > STALL_S:
            print(before_s, now_s, flush=True)
        before_s = now_s


class Stalls:
    """Context manager that watches every processor, and knows their stalls.

    Attributes
    ----------
    found : list of tuple
        Begin and end of each stall, on the clock that all processes share, in s.
    watching : bool
        False where real-time priority is not granted; then no stall is found.
    """

    def __init__(self) -> None:
        self.found: list[tuple[float, float]] = []
        self.watching = True
        self._watches: list[tuple[subprocess.Popen[str], threading.Thread]] = []

    @property
    def pids(self) -> list[int]:
        """Return the watching processes."""
        return [process.pid for process, _ in self._watches]

    def __enter__(self) -> Self:
        """Start a process for each processor."""
        for processor in sorted(os.sched_getaffinity(0)):
            command = [sys.executable, "-m", "benchmarks.fault_matrix.stalls", str(processor)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
            assert process.stdout is not None
            self.watching &= process.stdout.readline() != ""
            thread = threading.Thread(target=self._read, args=(process,), daemon=True)
            thread.start()
            self._watches.append((process, thread))
        return self

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            began_s, ended_s = map(float, line.split())
            self.found.append((began_s, ended_s))

    def any_between(self, begin_s: float, end_s: float) -> bool:
        """Return whether a processor stood still between two times, in s."""
        return any(began_s < end_s and ended_s > begin_s for began_s, ended_s in self.found)

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        for process, thread in self._watches:
            process.terminate()
            process.wait(10.0)
            thread.join(10.0)
            if process.stdout is not None:
                process.stdout.close()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        watch(int(sys.argv[1]))
