"""Measure the time from the last byte of a frame to the lease at the interlock, over TCP.

Usage: `python -m benchmarks.wire [--frames N] [--rate HZ] [--jitter-ms MS] [--quiet-machine] [--plain]`.

Five processes on the loopback. The scanner streams frames of 256 x 256 pixels of 16 bit. The engine, the loop of a live
session with its default settings, receives, tracks, decides and sends a lease. The interlock verifies and grants it.
The echo only receives. The neighbour walks through memory all the time, at normal priority. Between two frames as many
bytes as a lease are asked for without any work, and as many bytes as a frame are forwarded unchanged: the time of TCP
and the machine alone, in the same run. All times are of the monotonic clock that the processes share.
"""

import argparse
import json
import math
import multiprocessing as mp
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext, suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from gatekeeper.config import GateConfig, LeaseLinacConfig, LoopConfig, build
from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.frame import Frame
from gatekeeper.core.step import Step
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.linac.lease.interlock import Event, EventKind, InterlockServer
from gatekeeper.linac.lease.messages import SIZE
from gatekeeper.linac.lease.port import LeaseLinac
from gatekeeper.linac.lease.receiver import Rules
from gatekeeper.runtime.realtime import prompt_threads, real_time
from gatekeeper.session.engine import Engine
from gatekeeper.session.loop import run_loop
from gatekeeper.session.rehearsal import Rehearsal
from gatekeeper.tracking.tracker import Tracker
from replay.fresh_noise import FreshNoise
from replay.phantom import PhantomConfig, make_phantom

MATRIX = (256, 256)
HEAD_SIZE = 8
FRAME_SIZE = HEAD_SIZE + 2 * MATRIX[0] * MATRIX[1]
KEY = bytes(range(32))
NOISE = 0.05
"""Noise of each frame, as a share of the brightness: the gate holds frames that come back."""
WIDE_MM = 40.0
"""Margin that keeps the target inside, so that every frame gets a lease."""
WARM = 10
"""Number of frames at the beginning that are not counted."""
BUDGET_P50, BUDGET_P99 = 4.0, 4.0
"""Most that a lease may take, in times of the bare echo of as many bytes."""
PATHS = ("lease", "answer", "pass on")
NEIGHBOUR_BYTES = 1 << 26
"""Memory that the neighbour walks through, twice what the caches hold."""


def interlock(pipe: Connection, plain: bool = False) -> None:
    """Serve, and report when a lease was first granted for each frame, in ns."""
    granted: dict[int, int] = {}

    def tell(event: Event) -> None:
        if event.kind is EventKind.GRANTED:
            granted.setdefault(event.state.frame, monotonic_ns())

    def wait_for_the_end() -> None:
        pipe.recv()
        server.stop()

    server = InterlockServer("127.0.0.1", 0, Rules(KEY), tell, rehearse=not plain)
    pipe.send(server.address[1])
    threading.Thread(target=wait_for_the_end, daemon=True).start()
    with nullcontext() if plain else prompt_threads():
        server.run()
    pipe.send(granted)


def echo(pipe: Connection) -> None:
    """Receive answers and complete frames, and report when the last byte of each arrived, in ns."""
    arrived: dict[int, int] = {}
    buffer = bytearray(FRAME_SIZE)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pipe.send(listener.getsockname()[1])
        link, _ = listener.accept()
        with link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while fill(link, memoryview(buffer)[:HEAD_SIZE]):
                number = int.from_bytes(buffer[:HEAD_SIZE], "big")
                size = (SIZE, FRAME_SIZE)[number % 3 - 1]
                fill(link, memoryview(buffer)[: size - HEAD_SIZE])
                arrived[number] = monotonic_ns()
    pipe.send(arrived)


def neighbour(pipe: Connection) -> None:
    """Walk through memory at normal priority, until it is ended."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    memory = np.zeros(NEIGHBOUR_BYTES // 8)
    pipe.send(0)
    while True:
        memory += 1.0


def scanner(port: int, images: NDArray[np.uint16], count: int, period_s: float, jitter_s: float) -> None:
    """Stream frames at a steady rate, each followed by what is to be answered and what is to be passed on."""
    noise, random = FreshNoise(NOISE), np.random.default_rng(0)
    # All are made beforehand: the scanner computes nothing on this machine.
    noisy = [noise.added(images[number % len(images)].astype(np.float32)).astype(np.uint16) for number in range(count)]
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began_s = time.monotonic()
        for number in range(3 * count):
            raw = number.to_bytes(HEAD_SIZE, "big") + noisy[number // 3].tobytes()
            sleep_until(began_s + number * period_s / 3.0 + jitter_s * random.uniform(-1.0, 1.0))
            link.sendall(raw)


def sleep_until(time_s: float) -> None:
    """Sleep until a time of the monotonic clock, in s."""
    time.sleep(max(time_s - time.monotonic(), 0.0))


def fill(link: socket.socket, view: memoryview) -> bool:
    """Receive until `view` is full; False when the other side has closed."""
    while view:
        got = link.recv_into(view)
        if got == 0:
            return False
        view = view[got:]
    return True


def make_engine() -> tuple[Engine, NDArray[np.uint16], tuple[float, float]]:
    """Return an engine that has processed its frames once, these frames in the scanner's type, and their spacing."""
    config = build(PhantomConfig, {"acquisition": {"matrix": MATRIX, "duration_s": 12.0, "snr": 1000.0}}, "wire")
    recording = make_phantom(config).recording
    images = np.clip(np.rint(recording.frames), 0, 65535).astype(np.uint16)
    first = images[0].astype(np.float32)
    tracker = Tracker(first, recording.first_mask, recording.spacing_mm)
    envelope = Envelope.around(mask_to_contour(recording.first_mask), WIDE_MM, recording.spacing_mm, first.shape)
    # Frames may come faster than the phantom breathes.
    engine = Engine(tracker, Gate(envelope, GateConfig(jump_mm_per_s=1000.0)))
    noise = FreshNoise(NOISE)
    for sequence, image in enumerate(images):
        noisy = noise.added(image.astype(np.float32))
        engine.step(Frame(noisy, recording.spacing_mm, sequence, 0.0, 0.0), 0.0)
    return engine, images, recording.spacing_mm


class Monotonic:
    """Session time on the monotonic clock that all processes share."""

    def now_s(self) -> float:
        return monotonic_ns() * 1e-9

    def sleep_until(self, time_s: float) -> None:
        time.sleep(max(time_s - self.now_s(), 0.0))


class WireFrames:
    """The frames of the scanner as a source; what is to be answered or passed on goes to the echo at once.

    Attributes
    ----------
    came : dict
        Time at which the last byte of each message was received, in ns.
    """

    def __init__(self, link: socket.socket, bare: socket.socket, spacing_mm: tuple[float, float]) -> None:
        self._link, self._bare, self._spacing_mm = link, bare, spacing_mm
        self._buffer = bytearray(FRAME_SIZE)
        self._pixels = np.frombuffer(self._buffer, dtype=np.uint16, offset=HEAD_SIZE).reshape(MATRIX)
        self._image = np.empty(MATRIX, dtype=np.float32)
        self._ended = False
        self.came: dict[int, int] = {}

    def next_frame(self, timeout_s: float) -> Frame | None:
        until_ns = monotonic_ns() + round(timeout_s * 1e9)
        while not self._ended:
            ready, _, _ = select.select([self._link], [], [], max(0.0, (until_ns - monotonic_ns()) * 1e-9))
            if not ready:
                return None
            self._ended = not fill(self._link, memoryview(self._buffer))
            came_ns = monotonic_ns()
            if self._ended:
                return None
            number = int.from_bytes(self._buffer[:HEAD_SIZE], "big")
            self.came[number] = came_ns
            if number % 3 == 0:
                np.copyto(self._image, self._pixels)
                return Frame(self._image, self._spacing_mm, number // 3, came_ns * 1e-9, came_ns * 1e-9)
            self._bare.sendall(self._buffer[: (SIZE, FRAME_SIZE)[number % 3 - 1]])
        return None

    def ended(self) -> bool:
        return self._ended

    def close(self) -> None:
        self._link.close()


class Stages:
    """A recorder that keeps the time of each stage, in ms."""

    fault = None

    def __init__(self) -> None:
        self.times_ms: dict[str, list[float]] = {"before": [], "track": [], "decide": [], "send": []}
        self.sent_ns: dict[int, int] = {}

    def record(self, step: Step, total_ms: float) -> None:
        frame = step.frame
        if frame is None or frame.sequence < WARM:
            return
        times_ms = self.times_ms
        before_ms = 1e3 * (step.decision.time_s - frame.received_s)
        times_ms["before"].append(before_ms)
        times_ms["track"].append(step.track_ms)
        times_ms["decide"].append(step.decide_ms)
        times_ms["send"].append(total_ms - step.track_ms - step.decide_ms)
        self.sent_ns[frame.sequence] = round(frame.received_s * 1e9 + 1e6 * (before_ms + total_ms))

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        pass


class Measured(NamedTuple):
    """Times of the three paths, and of the stages of the first, in ms."""

    paths: dict[str, list[float]]
    stages: dict[str, list[float]]


def started(work: Callable[[Connection], None]) -> tuple[mp.process.BaseProcess, Connection, int]:
    """Return a new process, its pipe and the number that it has sent first."""
    context = mp.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there,), daemon=True)
    process.start()
    number: int = here.recv()
    return process, here, number


def measure(count: int, period_s: float, jitter_s: float, with_neighbour: bool, plain: bool) -> Measured:
    """Measure all paths over a number of frames."""
    engine, images, spacing_mm = make_engine()
    interlock_process, interlock_pipe, interlock_port = started(partial(interlock, plain=plain))
    echo_process, echo_pipe, echo_port = started(echo)
    beside = started(neighbour)[0] if with_neighbour else None
    config, clock, stages = LeaseLinacConfig(port=interlock_port, key_file="unused"), Monotonic(), Stages()
    with (
        nullcontext() if plain else prompt_threads(),
        socket.create_connection(("127.0.0.1", echo_port)) as bare,
        socket.create_server(("127.0.0.1", 0)) as listener,
        closing(LeaseLinac(config, KEY)) as linac,
    ):
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not linac.alive:
            time.sleep(0.01)
        arguments = (listener.getsockname()[1], images, count, period_s, jitter_s)
        scanner_process = mp.get_context("spawn").Process(target=scanner, args=arguments, daemon=True)
        scanner_process.start()
        link, _ = listener.accept()
        source = WireFrames(link, bare, spacing_mm)
        with closing(source), real_time(LoopConfig()):
            frames = source if plain else Rehearsal(source, engine, linac, clock)
            run_loop(frames, engine, linac, stages, clock, GateConfig().max_age_s)
        if linac.link.lost:
            print(f"the link was lost {linac.link.lost} times: {linac.link.fault}", file=sys.stderr)
    interlock_pipe.send("end")
    granted, arrived = interlock_pipe.recv(), echo_pipe.recv()
    if beside is not None:
        beside.terminate()
    for process in (scanner_process, interlock_process, echo_process):
        process.join(5.0)
    paths: dict[str, list[float]] = {name: [] for name in PATHS}
    for number, came_ns in source.came.items():
        sequence, kind = divmod(number, 3)
        end_ns = granted.get(sequence, math.nan) if kind == 0 else arrived.get(number, math.nan)
        if sequence >= WARM and math.isfinite(end_ns):
            paths[PATHS[kind]].append((end_ns - came_ns) * 1e-6)
    stages.times_ms["to the interlock"] = [
        (granted[sequence] - sent_ns) * 1e-6 for sequence, sent_ns in stages.sent_ns.items() if sequence in granted
    ]
    asked = len(stages.times_ms["track"])
    if len(paths["lease"]) < asked:
        print(f"{asked - len(paths['lease'])} of {asked} frames were not granted a lease", file=sys.stderr)
    return Measured(paths, stages.times_ms)


def quantiles(times_ms: list[float]) -> dict[str, float]:
    """Return p50, p99, p99.9 and the maximum."""
    found = np.percentile(times_ms, [50, 99, 99.9, 100])
    return dict(zip(("p50", "p99", "p999", "max"), map(float, found), strict=True))


def main() -> int:
    """Measure, print, and return the exit code: 1 when a lease exceeds its budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=800)
    parser.add_argument("--rate", type=float, default=8.0, help="frames per second")
    parser.add_argument("--jitter-ms", type=float, default=0.0, help="how much earlier or later than due they come")
    parser.add_argument("--quiet-machine", action="store_true", help="without the neighbour that walks through memory")
    parser.add_argument("--plain", action="store_true", help="without rehearsals and without asking for prompt threads")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    paths, stages = measure(
        options.frames, 1.0 / options.rate, options.jitter_ms * 1e-3, not options.quiet_machine, options.plain
    )
    found = {name: quantiles(times) for name, times in {**paths, **stages}.items()}
    ratio = {k: found["lease"][k] / found["answer"][k] for k in ("p50", "p99")}
    over = ratio["p50"] > BUDGET_P50 or ratio["p99"] > BUDGET_P99
    if options.json:
        print(json.dumps(found))
        return int(over)
    what = {
        "lease": "last frame byte received -> lease granted by the interlock",
        "answer": f"last frame byte received -> {SIZE} bytes received by another process, no work",
        "pass on": "last frame byte received -> same frame received by another process, no work",
    }
    table = Table(
        title=f"{len(paths['lease'])} leases, {options.rate:g} frames/s, {MATRIX[0]} x {MATRIX[1]} x 16 bit, "
        + ("nothing beside" if options.quiet_machine else "beside a process that walks through memory")
    )
    for heading in ("ms", "p50", "p99", "p99.9", "worst", "what"):
        table.add_column(heading, justify="left" if heading in ("ms", "what") else "right")
    for name, row in found.items():
        label = name if name in what else f"  {name}"
        table.add_row(label, *(f"{row[k]:.3f}" for k in ("p50", "p99", "p999", "max")), what.get(name, "part of it"))
    Console(width=140).print(table)
    print(f"lease / answer: p50 {ratio['p50']:.1f}, p99 {ratio['p99']:.1f}")
    print(f"budget: p50 {BUDGET_P50:g}, p99 {BUDGET_P99:g} times the answer: {'over' if over else 'ok'}")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
