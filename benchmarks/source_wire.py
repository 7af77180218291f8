"""Measure the time from the last byte of a frame to the lease, through a live source.

Usage: `python -m benchmarks.source_wire [PROTOCOL ...]`.

The complete path of a session on the loopback. A scanner process sends frames of 256 x 256 pixels in the source's
protocol. The source's thread reads them and passes them to the loop, which tracks, decides and sends a lease. An
interlock process verifies and grants it. For comparison, in another run at the same rate, the same number of bytes is
received and forwarded to another process: the time of TCP and the machine alone. All times are of the monotonic clock
that the processes share. A neighbour walks through memory all the time, at normal priority.
"""

import argparse
import json
import multiprocessing as mp
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from multiprocessing.connection import Connection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.source_fuzz.registry import WIRES
from benchmarks.source_fuzz.session import NoRecord
from benchmarks.wire import HEAD_SIZE, KEY, MATRIX, NOISE, fill, interlock, make_engine, neighbour, quantiles, started
from gatekeeper.config import GateConfig, LeaseLinacConfig
from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import FrameSource
from gatekeeper.linac.lease.port import LeaseLinac
from gatekeeper.runtime.realtime import prompt_threads
from gatekeeper.session.loop import run_loop
from gatekeeper.session.rehearsal import Rehearsal
from gatekeeper.sources.newest_frame import NewestFrame
from replay.fresh_noise import FreshNoise

WARM = 30
"""Number of frames at the beginning that are not counted."""
BUDGETS_MS = {"mrd": (2.0, 5.0), "openigtlink": (2.0, 5.0), "dicom": (5.0, 10.0)}
"""Limits of p50 and p99 of a lease, in ms; the DICOM library takes milliseconds to decode a message."""


class Measured(NamedTuple):
    """Results for one protocol: bytes of a frame, leases and dropped frames, and times in ms."""

    protocol: str
    size: int
    leases: int
    dropped: int
    lease: dict[str, float]
    echo: dict[str, float]


class Monotonic:
    """Session time on the monotonic clock that all processes share."""

    def now_s(self) -> float:
        return monotonic_ns() * 1e-9

    def sleep_until(self, time_s: float) -> None:
        time.sleep(max(time_s - self.now_s(), 0.0))


class Stamped:
    """A source that records when each frame was received, in ns."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self.came: dict[int, int] = {}

    def next_frame(self, timeout_s: float) -> Frame | None:
        frame = self._source.next_frame(timeout_s)
        if frame is not None:
            self.came[frame.sequence] = round(frame.received_s * 1e9)
        return frame

    def ended(self) -> bool:
        return self._source.ended()

    def close(self) -> None:
        self._source.close()


def frames_at_a_pace(
    images: NDArray[np.uint16], spacing_mm: tuple[float, float], count: int, period_s: float
) -> Iterator[Frame]:
    """Yield frames, each when it is due; each is made in the second half of the period, when the engine has rested."""
    clock, noise = Monotonic(), FreshNoise(NOISE)
    began_s = clock.now_s()
    for sequence in range(count):
        clock.sleep_until(began_s + (sequence - 0.5) * period_s)
        image = noise.added(images[sequence % len(images)].astype(np.float32))
        clock.sleep_until(began_s + sequence * period_s)
        now_s = clock.now_s()
        yield Frame(image, spacing_mm, sequence, now_s, now_s)


def scanner(
    name: str, port: int, images: NDArray[np.uint16], spacing_mm: tuple[float, float], count: int, period_s: float
) -> None:
    """Send frames in a protocol, at a steady rate."""
    with closing(WIRES[name].feeder("127.0.0.1", port)) as feeder:
        for frame in frames_at_a_pace(images, spacing_mm, count, period_s):
            feeder.send(frame)


def bare_scanner(port: int, size: int, count: int, period_s: float) -> None:
    """Send as many bytes as a frame has, beginning with a number, at the same rate."""
    clock = Monotonic()
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began_s = clock.now_s()
        for sequence in range(count):
            clock.sleep_until(began_s + sequence * period_s)
            link.sendall(sequence.to_bytes(HEAD_SIZE, "big") + bytes(size - HEAD_SIZE))


def echo(size: int, pipe: Connection) -> None:
    """Receive forwarded bytes, and report when the last byte of each frame arrived, in ns."""
    arrived: dict[int, int] = {}
    buffer = bytearray(size)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pipe.send(listener.getsockname()[1])
        link, _ = listener.accept()
        with link:
            while fill(link, memoryview(buffer)):
                arrived[int.from_bytes(buffer[:HEAD_SIZE], "big")] = monotonic_ns()
    pipe.send(arrived)


def measure_lease(name: str, count: int, period_s: float) -> tuple[list[float], int]:
    """Return the times from the last byte to the lease in ms, and the number of frames the source dropped."""
    context, clock = mp.get_context("spawn"), Monotonic()
    engine, images, spacing_mm = make_engine()
    here, there = context.Pipe()
    far_end = context.Process(target=interlock, args=(there,), daemon=True)
    far_end.start()
    with ExitStack() as stack:
        stack.enter_context(prompt_threads())
        linac = LeaseLinac(LeaseLinacConfig(port=here.recv(), key_file="unused"), KEY)
        stack.callback(linac.close)
        source = WIRES[name].source(clock, 2.0)
        stamped = Stamped(NewestFrame(source))
        stack.callback(stamped.close)
        while not linac.alive:
            time.sleep(0.01)
        arguments = (name, source.address[1], images, spacing_mm, count, period_s)
        sender = context.Process(target=scanner, args=arguments, daemon=True)
        sender.start()

        def end_with_the_scanner() -> None:
            sender.join()
            time.sleep(0.2)
            source.close()

        threading.Thread(target=end_with_the_scanner, daemon=True).start()
        frames = Rehearsal(stamped, engine, linac, clock)
        run_loop(frames, engine, linac, NoRecord(), clock, GateConfig().max_age_s)
    here.send("end")
    granted = here.recv()
    far_end.join(5.0)
    times_ms = [(granted[k] - came) * 1e-6 for k, came in stamped.came.items() if k >= WARM and k in granted]
    return times_ms, source.counts.dropped


def measure_bare(size: int, count: int, period_s: float) -> list[float]:
    """Return the times from the last byte received to its arrival in another process, in ms."""
    context = mp.get_context("spawn")
    here, there = context.Pipe()
    far_end = context.Process(target=echo, args=(size, there), daemon=True)
    far_end.start()
    came: dict[int, int] = {}
    buffer = bytearray(size)
    with (
        socket.create_connection(("127.0.0.1", here.recv())) as bare,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sender = context.Process(target=bare_scanner, args=(listener.getsockname()[1], size, count, period_s))
        sender.start()
        link, _ = listener.accept()
        with link:
            while fill(link, memoryview(buffer)):
                came[int.from_bytes(buffer[:HEAD_SIZE], "big")] = monotonic_ns()
                bare.sendall(buffer)
    arrived = here.recv()
    sender.join(5.0)
    far_end.join(5.0)
    return [(arrived[k] - at) * 1e-6 for k, at in came.items() if k >= WARM and k in arrived]


def measure(name: str, count: int, period_s: float) -> Measured:
    """Measure one protocol."""
    leases_ms, dropped = measure_lease(name, count, period_s)
    size = len(WIRES[name].begun(Frame(np.zeros(MATRIX, np.float32), (1.0, 1.0), 1, 0.0, 0.0)))
    bare_ms = measure_bare(size, count, period_s)
    if len(leases_ms) < count - WARM:
        print(f"{name}: {count - WARM - len(leases_ms)} frames were not granted a lease", file=sys.stderr)
    return Measured(name, size, len(leases_ms), dropped, quantiles(leases_ms), quantiles(bare_ms))


def main() -> int:
    """Measure, print, and return the exit code: 1 when a lease exceeds its budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("protocols", nargs="*", help=f"of {', '.join(WIRES)}; all by default")
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--rate", type=float, default=8.0, help="frames per second")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    unknown = set(options.protocols) - set(WIRES)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: no such protocol; they are {', '.join(WIRES)}")
    beside = started(neighbour)[0]
    found = [measure(name, options.frames, 1.0 / options.rate) for name in options.protocols or WIRES]
    beside.terminate()
    if options.json:
        print(json.dumps([row._asdict() for row in found]))
    else:
        _show(found, options.rate)
    over = [f"{row.protocol} {name}" for row in found for name, most_ms in _limits(row) if row.lease[name] > most_ms]
    if over:
        print(f"over the budget: {', '.join(over)}", file=sys.stderr)
    return int(bool(over))


def _limits(row: Measured) -> Iterator[tuple[str, float]]:
    yield from zip(("p50", "p99"), BUDGETS_MS[row.protocol], strict=True)


def _show(found: list[Measured], rate_hz: float) -> None:
    table = Table(title=f"last byte -> lease, {MATRIX[0]} x {MATRIX[1]} pixels, {rate_hz:g} frames/s")
    for heading in ("protocol", "ms", "frames", "p50", "p99", "p99.9", "worst"):
        table.add_column(heading, justify="left" if heading in ("protocol", "ms") else "right")
    for row in found:
        for way, times in (("lease", row.lease), ("echo", row.echo)):
            numbers = (f"{times[k]:.3f}" for k in ("p50", "p99", "p999", "max"))
            table.add_row(row.protocol, way, str(row.leases), *numbers)
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
