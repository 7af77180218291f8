"""What runs beside the loop in a process of its own leaves the processors to the loop."""

import os
from contextlib import suppress

NICENESS = 5


def step_back() -> None:
    """Give this process what the loop leaves: any processor, no real-time priority, and never the loop's turn.

    SCHED_BATCH is not SCHED_IDLE: on a machine that has no time left this process becomes slower, but is not starved,
    so that a record is still written and an operator's hold still arrives. What the system refuses stays as it was.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        os.nice(NICENESS)
    with suppress(OSError):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
