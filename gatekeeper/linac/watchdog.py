"""The watchdog: a process of its own that sends HOLD when the engine's heartbeat stops or its process is gone.

It is a second line of defence. A lease that is not renewed holds the beam by itself; the watchdog is for ports that
keep the last state they received. It outlives the engine, also after a crash, kill -9 or a stopped process. The engine
watches it in turn: a watchdog that was killed or stopped is a fault, see `Watchdog.fault`.
"""

import mmap
import multiprocessing
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any

from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.errors import GatekeeperError, WatchdogError
from gatekeeper.core.protocols import LinacPort

Connect = Callable[[], LinacPort]
"""Open a port to the linac; runs in another process, so it must be a function of a module, or a partial of one."""

START_S = 20.0
"""Longest time for the process to start, in s."""
STOP_S = 5.0
"""Longest time for the process to end, in s."""
RETRY_S = 0.05
"""Pause before a HOLD that failed is sent again, in s."""
GIVE_UP_S = 10.0
"""Time after the engine's end during which sending HOLD is retried, in s."""
CHECKS = 10
"""Number of times the counter is read within its limit."""
COUNTERS = 16
"""Size of the two counters in bytes: the engine's beats, and those of the watchdog."""
WATCHING_S = 3.0
"""Time without a beat of the watchdog after which it counts as lost, in s: longer than it takes to open or close a
port, during which it does not beat."""


@dataclass(slots=True)
class HeartbeatDeadline:
    """Decide from a counter and a clock whether the engine is late; starts with the first beat.

    Attributes
    ----------
    limit_s : float
        Longest time for the counter to stand still, in s.
    """

    limit_s: float
    _count: int = 0
    _since_s: float | None = None

    def is_late(self, count: int, now_s: float) -> bool:
        """Return whether the counter, with the value `count` at `now_s`, has stood still for longer than the limit."""
        if count != self._count:
            self._count, self._since_s = count, now_s
        return self._since_s is not None and not now_s - self._since_s <= self.limit_s

    def left_s(self, now_s: float) -> float:
        """Return how long the counter may still stand, in s; the full limit before the first beat."""
        return self.limit_s if self._since_s is None else max(0.0, self._since_s + self.limit_s - now_s)


class Watchdog:
    """Start the watchdog process and feed it.

    The heartbeats are two counters in anonymous shared memory, one for each direction, which both processes hold by a
    file descriptor: no name can be left behind, and neither process can remove them while the other uses them.

    Parameters
    ----------
    connect : callable
        Open the watchdog's own port to the linac when it is needed.
    limit_s : float
        Time without a beat after which HOLD is sent, in s. The loop beats once per pass, so this must be longer than
        the longest wait of the loop.

    Raises
    ------
    WatchdogError
        When the process does not start.
    """

    def __init__(self, connect: Connect, limit_s: float) -> None:
        if not 0.0 < limit_s < 3600.0:
            raise WatchdogError(f"watchdog: limit is {limit_s} s; it must be above 0 and below 3600")
        memory = os.memfd_create("gatekeeper-heartbeat")
        os.ftruncate(memory, COUNTERS)
        self._memory = mmap.mmap(memory, COUNTERS)
        self._counter = memoryview(self._memory).cast("Q")
        spawn = multiprocessing.get_context("spawn")
        self._link, theirs = spawn.Pipe()
        self._closed = False
        self._process = spawn.Process(
            target=_main, args=(connect, limit_s, _Handed(memory), theirs, os.getpid()), daemon=True
        )
        try:
            self._process.start()
        finally:
            os.close(memory)
            theirs.close()
        if not self._link.poll(START_S) or not self._is_ready():
            self._process.kill()
            raise WatchdogError(
                f"watchdog: the process did not start within {START_S:g} s (exit code {self._process.exitcode}); "
                "start it with a function of a module that can be imported, or run without a watchdog"
            )
        self._gone = select.poll()
        self._gone.register(self._process.sentinel, select.POLLIN)
        self._heard, self._heard_ns = 0, monotonic_ns()

    def beat(self) -> None:
        """Give a sign of life; takes a few hundred nanoseconds."""
        self._counter[0] += 1

    def fault(self) -> Reason | None:
        """Return `watchdog_lost` when the process has ended or no longer watches; takes a few microseconds."""
        if self._closed:
            return None
        heard, now_ns = self._counter[1], monotonic_ns()
        if heard != self._heard:
            self._heard, self._heard_ns = heard, now_ns
        is_watching = not self._gone.poll(0) and now_ns - self._heard_ns <= WATCHING_S * 1e9
        return None if is_watching else Reason.WATCHDOG_LOST

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process.is_alive()

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._process.pid

    def close(self) -> None:
        """End the process without sending HOLD, which the loop has done by then; may be called twice."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):
            self._link.send("stand down")
        self._process.join(STOP_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(STOP_S)
        self._link.close()
        self._counter.release()
        self._memory.close()

    def _is_ready(self) -> bool:
        try:
            return bool(self._link.recv() == "ready")
        except (EOFError, OSError):
            return False


class _Handed:
    """A file descriptor passed to the process being spawned."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> tuple[Callable[..., "_Handed"], tuple[object]]:
        return _receive, (reduction.DupFd(self.descriptor),)


def _receive(handed: Any) -> _Handed:
    return _Handed(handed.detach())


class _TerminatedError(Exception):
    """SIGTERM arrived."""


def _terminate(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _TerminatedError


def _main(connect: Connect, limit_s: float, memory: _Handed, link: Connection, engine: int) -> None:
    """Watch until asked to end, or until the engine is gone and HOLD was sent; the process's main function."""
    # A terminal's interrupt is for the engine, which terminates its child processes when it ends.
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    counter = memoryview(mmap.mmap(memory.descriptor, COUNTERS)).cast("Q")

    def count() -> int:
        counter[1] += 1
        return counter[0]

    os.close(memory.descriptor)
    try:
        gone = os.pidfd_open(engine)
    except OSError:
        gone = -1
    hold_sender = HoldSender(connect)
    try:
        signal.signal(signal.SIGTERM, _terminate)
        link.send("ready")
        if watch(hold_sender, limit_s, count, link, gone):
            _send_hold(hold_sender)
    except (_TerminatedError, OSError):
        _send_hold(hold_sender)
    finally:
        hold_sender.close()


def watch(hold_sender: "HoldSender", limit_s: float, count: Callable[[], int], link: Connection, gone: int) -> bool:
    """Send HOLD while the counter stands still.

    Parameters
    ----------
    hold_sender : HoldSender
        Sends HOLD.
    limit_s : float
        Longest time for the counter to stand still, in s.
    count : callable
        Read the engine's counter; called in every round, so that it can give the watchdog's own sign of life.
    link : Connection
        Any message on it is the request to end; its end means that the engine is gone.
    gone : int
        Descriptor that becomes readable when the engine's process has ended; below 0 when there is none.

    Returns
    -------
    bool
        True once the engine is gone, False when asked to end.
    """
    heartbeat = HeartbeatDeadline(limit_s)
    descriptors = [link.fileno()] + ([gone] if gone >= 0 else [])
    late = False
    while True:
        now_s = monotonic_ns() * 1e-9
        # The counter has no time stamp, so it is read often enough for the delay not to matter.
        wait_s = RETRY_S if late else min(heartbeat.left_s(now_s), limit_s / CHECKS)
        ready, _, _ = select.select(descriptors, [], [], wait_s)
        if link.fileno() in ready and _has_message(link):
            return False
        if ready:
            return True
        late = heartbeat.is_late(count(), monotonic_ns() * 1e-9)
        if late:
            hold_sender.hold()
        else:
            hold_sender.close()


class HoldSender:
    """Send HOLD over a port of its own, opened on first use and again after a failure."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._port: LinacPort | None = None

    def hold(self) -> bool:
        """Send one HOLD; return whether the port accepted it."""
        try:
            if self._port is None:
                self._port = self._connect()
            self._port.send(Decision(-1, monotonic_ns() * 1e-9, BeamState.HOLD, (Reason.NO_FRAME,), float("nan")))
        except (OSError, GatekeeperError):
            self.close()
            return False
        return True

    def close(self) -> None:
        """Close the port, which holds too."""
        port, self._port = self._port, None
        if port is not None:
            with suppress(OSError, GatekeeperError):
                port.close()


def _has_message(link: Connection) -> bool:
    """Return whether a message arrived, and not the end of the engine."""
    try:
        link.recv()
    except (EOFError, OSError):
        return False
    return True


def _send_hold(hold_sender: HoldSender) -> None:
    """Send HOLD until it is accepted or the time is over."""
    until_s = monotonic_ns() * 1e-9 + GIVE_UP_S
    while not hold_sender.hold() and monotonic_ns() * 1e-9 < until_s:
        select.select([], [], [], RETRY_S)
