"""Real-time settings of the loop: what is requested of the operating system, and what is granted."""

import ctypes
import gc
import os
import platform
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

MCL_CURRENT, MCL_FUTURE = 1, 2
PR_SET_TIMERSLACK = 29
TIMER_SLACK_NS, USUAL_SLACK_NS = 1_000, 50_000
"""How much later than asked for the system may end a wait, in ns: what prompt threads ask for, and what is usual."""
SLICE_NS = 1_000_000
"""Time on the processor for which a thread asks at once, in ns: the less it asks for, the sooner it gets it."""
SWITCH_INTERVAL_S = 0.0005
"""Time after which a thread that computes leaves the interpreter to another one, in s; usually it is 5 ms."""
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
"""Number of the system call, by machine."""


class _SchedulingAttributes(ctypes.Structure):
    """`struct sched_attr` of Linux."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


@contextmanager
def prompt_threads() -> Iterator[None]:
    """Let this thread, and threads that it starts meanwhile, be woken in time; needs no privilege.

    Waits end to the microsecond, not to 50 of them. A thread that asks for a short slice is let onto a busy processor
    when it wakes, and not only after the other's slice (Linux 6.12 and later; earlier ones take no notice). Threads of
    the interpreter give way to each other sooner. What the system refuses is left unchanged.
    """
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    set_timer_slack(TIMER_SLACK_NS)
    _set_slice(SLICE_NS)
    try:
        yield
    finally:
        _set_slice(0)
        set_timer_slack(USUAL_SLACK_NS)
        sys.setswitchinterval(interval_s)


def set_timer_slack(slack_ns: int) -> None:
    """Set how much later than asked for the system may end a wait of this thread, in ns."""
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, ctypes.c_ulong(slack_ns), 0, 0, 0)


def _set_slice(slice_ns: int) -> None:
    """Set the time on the processor for which this thread asks at once, in ns; 0 for the usual one."""
    number = SCHED_SETATTR.get(platform.machine())
    if number is not None and os.sched_getscheduler(0) == os.SCHED_OTHER:
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        size = ctypes.sizeof(_SchedulingAttributes)
        asked = _SchedulingAttributes(size, os.SCHED_OTHER, 0, nice, 0, slice_ns, 0, 0)
        ctypes.CDLL(None).syscall(number, 0, ctypes.byref(asked), 0)


@dataclass(frozen=True, slots=True)
class Grant:
    """Result of one request to the operating system.

    Attributes
    ----------
    request : str
        What was requested.
    refusal : str or None
        Why it was refused and what to do; None when it was granted.
    """

    request: str
    refusal: str | None = None

    @property
    def granted(self) -> bool:
        """Whether the request was granted."""
        return self.refusal is None

    def as_line(self) -> str:
        """Return the result as one line of text."""
        return f"{self.request}: {'granted' if self.refusal is None else f'not granted, {self.refusal}'}"


class Machine(Protocol):
    """The operating system's real-time services; each method raises OSError when the request is refused."""

    def pin(self, cpu: int) -> Callable[[], None]:
        """Keep this thread on one processor; return a function that undoes it."""
        ...

    def use_fifo(self, priority: int) -> Callable[[], None]:
        """Run this thread with SCHED_FIFO at a priority of 1 to 99; return a function that undoes it."""
        ...

    def lock_memory(self) -> Callable[[], None]:
        """Keep all memory of this process from being swapped out; return a function that undoes it."""
        ...


class Linux:
    """The machine on which the process runs."""

    def pin(self, cpu: int) -> Callable[[], None]:
        """Keep this thread on one processor."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {cpu})
        return lambda: os.sched_setaffinity(0, before)

    def use_fifo(self, priority: int) -> Callable[[], None]:
        """Run this thread with SCHED_FIFO; its child processes run as usual."""
        policy, before = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
        return lambda: os.sched_setscheduler(0, policy, before)

    def lock_memory(self) -> Callable[[], None]:
        """Lock current memory, and future memory only if no limit can make that fail during a session."""
        libc = ctypes.CDLL(None, use_errno=True)
        limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
        unlimited = limit == resource.RLIM_INFINITY or os.geteuid() == 0
        if libc.mlockall(MCL_CURRENT | MCL_FUTURE if unlimited else MCL_CURRENT) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return lambda: libc.munlockall()


class RealTimeSettings(Protocol):
    """Real-time settings; `LoopConfig` has them."""

    @property
    def lock_memory(self) -> bool:
        """Whether to lock all memory of this process."""
        ...

    @property
    def pin_cpu(self) -> int:
        """Processor to run on; -1 for any."""
        ...

    @property
    def fifo_priority(self) -> int:
        """SCHED_FIFO priority, 1 to 99; 0 for normal scheduling."""
        ...


@contextmanager
def real_time(config: RealTimeSettings, machine: Machine | None = None) -> Iterator[tuple[Grant, ...]]:
    """Request the real-time settings, yield the results, and undo them at the end.

    A refusal does not stop the loop: the beam is safe without it, only more often held. Enter the context on the thread
    that runs the loop.

    Parameters
    ----------
    config : RealTimeSettings
        What to request.
    machine : Machine, optional
        Where to request it; by default the machine on which the process runs.

    Yields
    ------
    tuple of Grant
        One for each request.
    """
    machine = Linux() if machine is None else machine
    requests: list[tuple[str, str, Callable[[], Callable[[], None]]]] = []
    if config.lock_memory:
        remedy = "raise the limit with ulimit -l unlimited, or grant CAP_IPC_LOCK"
        requests.append(("memory locked", remedy, machine.lock_memory))
    if config.pin_cpu >= 0:
        requests.append((f"processor {config.pin_cpu}", "name one that exists", lambda: machine.pin(config.pin_cpu)))
    if config.fifo_priority > 0:
        remedy = "raise the limit with ulimit -r, or grant CAP_SYS_NICE"
        requests.append(
            (f"SCHED_FIFO priority {config.fifo_priority}", remedy, lambda: machine.use_fifo(config.fifo_priority))
        )
    with ExitStack() as undo:
        grants = []
        for request, remedy, grant in requests:
            try:
                undo.callback(grant())
                grants.append(Grant(request))
            except OSError as error:
                grants.append(Grant(request, f"{error.strerror or error}; {remedy}; the loop runs without it"))
        yield tuple(grants)


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Pause the garbage collector, and restore its state at the end.

    The loop creates no reference cycles, so that memory use stays constant without it (``make soak``). What exists now
    is left out of collections that others ask for meanwhile: walking through it would stop all threads, the loop too,
    for some tenths of a second.
    """
    was_enabled, frozen = gc.isenabled(), gc.get_freeze_count()
    gc.collect()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        # What others froze before cannot be told apart, and stays frozen.
        if not frozen:
            gc.unfreeze()
        if was_enabled:
            gc.enable()
