"""Measure the time from the last byte of a frame to the lease at the interlock, over TCP.

Usage: `python -m benchmarks.wire [--frames N]`.

Four processes on the loopback. The scanner streams frames of 256 x 256 pixels of 16 bit. The engine receives, tracks,
decides and sends a lease. The interlock verifies and grants it. The echo only receives. Every third frame takes the
complete path; the next one is answered by as many bytes as a lease without any work, and the one after it is forwarded
unchanged: the time of TCP and the machine alone, in the same run. All times are of the monotonic clock that the
processes share.
"""

import argparse
import gc
import json
import multiprocessing as mp
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from gatekeeper.config import GateConfig, LeaseLinacConfig, build
from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.frame import Frame
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.linac.lease.interlock import Event, EventKind, InterlockServer
from gatekeeper.linac.lease.messages import SIZE
from gatekeeper.linac.lease.port import LeaseLinac
from gatekeeper.linac.lease.receiver import Rules
from gatekeeper.session.engine import Engine
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
BUDGET_P50_MS, BUDGET_P99_MS = 1.0, 2.0
PATHS = ("lease", "answer", "pass on")


def interlock(pipe: Connection) -> None:
    """Serve, and report when a lease was first granted for each frame, in ns."""
    granted: dict[int, int] = {}

    def tell(event: Event) -> None:
        if event.kind is EventKind.GRANTED:
            granted.setdefault(event.state.frame, monotonic_ns())

    def wait_for_the_end() -> None:
        pipe.recv()
        server.stop()

    server = InterlockServer("127.0.0.1", 0, Rules(KEY), tell)
    pipe.send(server.address[1])
    threading.Thread(target=wait_for_the_end, daemon=True).start()
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
                sequence = int.from_bytes(buffer[:HEAD_SIZE], "big")
                size = (SIZE, FRAME_SIZE)[sequence % 3 - 1]
                fill(link, memoryview(buffer)[: size - HEAD_SIZE])
                arrived[sequence] = monotonic_ns()
    pipe.send(arrived)


def scanner(port: int, images: NDArray[np.uint16], count: int, period_s: float) -> None:
    """Stream frames at a steady rate; each is made in the second half of the period, when the engine has rested."""
    noise = FreshNoise(NOISE)
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began_s = time.monotonic()
        for sequence in range(count):
            sleep_until(began_s + (sequence - 0.5) * period_s)
            image = noise.added(images[sequence % len(images)].astype(np.float32))
            raw = sequence.to_bytes(HEAD_SIZE, "big") + image.astype(np.uint16).tobytes()
            sleep_until(began_s + sequence * period_s)
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
    # Every third frame is tracked, eight times as fast as the phantom breathes.
    engine = Engine(tracker, Gate(envelope, GateConfig(jump_mm_per_s=1000.0)))
    noise = FreshNoise(NOISE)
    for sequence, image in enumerate(images):
        noisy = noise.added(image.astype(np.float32))
        engine.step(Frame(noisy, recording.spacing_mm, sequence, 0.0, 0.0), 0.0)
    return engine, images, recording.spacing_mm


def receive(
    link: socket.socket, engine: Engine, spacing_mm: tuple[float, float], linac: LeaseLinac, bare: socket.socket
) -> tuple[dict[int, int], dict[str, list[float]]]:
    """Process frames; return when the last byte of each arrived, in ns, and the times of each stage, in ms."""
    buffer = bytearray(FRAME_SIZE)
    pixels = np.frombuffer(buffer, dtype=np.uint16, offset=HEAD_SIZE).reshape(MATRIX)
    image = np.empty(MATRIX, dtype=np.float32)
    came: dict[int, int] = {}
    stages: dict[str, list[float]] = {"convert": [], "track": [], "decide": [], "send": []}
    while fill(link, memoryview(buffer)):
        came_ns = monotonic_ns()
        sequence = int.from_bytes(buffer[:HEAD_SIZE], "big")
        came[sequence] = came_ns
        if sequence % 3 == 0:
            np.copyto(image, pixels)
            now_s = came_ns * 1e-9
            converted_ns = monotonic_ns()
            step = engine.step(Frame(image, spacing_mm, sequence, now_s, now_s, skipped=2), now_s)
            decided_ns = monotonic_ns()
            linac.send(step.decision)
            stages["send"].append((monotonic_ns() - decided_ns) * 1e-6)
            stages["convert"].append((converted_ns - came_ns) * 1e-6)
            stages["track"].append(step.track_ms)
            stages["decide"].append(step.decide_ms)
        else:
            bare.sendall(buffer[: (SIZE, FRAME_SIZE)[sequence % 3 - 1]])
    return came, stages


def measure(count: int, period_s: float) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return the times of all three paths and of the stages of the first, in ms."""
    context = mp.get_context("spawn")
    engine, images, spacing_mm = make_engine()

    def started(work: Callable[[Connection], None]) -> tuple[mp.process.BaseProcess, Connection, int]:
        here, there = context.Pipe()
        process = context.Process(target=work, args=(there,), daemon=True)
        process.start()
        return process, here, here.recv()

    interlock_process, interlock_pipe, interlock_port = started(interlock)
    echo_process, echo_pipe, echo_port = started(echo)
    gc.collect()
    gc.disable()
    config = LeaseLinacConfig(port=interlock_port, key_file="unused")
    with (
        socket.create_connection(("127.0.0.1", echo_port)) as bare,
        socket.create_server(("127.0.0.1", 0)) as listener,
        closing(LeaseLinac(config, KEY)) as linac,
    ):
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not linac.alive:
            time.sleep(0.01)
        arguments = (listener.getsockname()[1], images, count, period_s)
        scanner_process = context.Process(target=scanner, args=arguments, daemon=True)
        scanner_process.start()
        link, _ = listener.accept()
        with link:
            came, stages = receive(link, engine, spacing_mm, linac, bare)
        if linac.link.lost:
            print(f"the link was lost {linac.link.lost} times: {linac.link.fault}", file=sys.stderr)
    interlock_pipe.send("end")
    granted, arrived = interlock_pipe.recv(), echo_pipe.recv()
    for process in (scanner_process, interlock_process, echo_process):
        process.join(5.0)
    ends = (granted, arrived, arrived)
    warm = 30
    times_ms = {
        way: [(ends[k][i] - t) * 1e-6 for i, t in came.items() if i >= warm and i % 3 == k and i in ends[k]]
        for k, way in enumerate(PATHS)
    }
    asked = sum(i >= warm and i % 3 == 0 for i in came)
    if len(times_ms["lease"]) < asked:
        print(f"{asked - len(times_ms['lease'])} of {asked} frames were not granted a lease", file=sys.stderr)
    return times_ms, stages


def quantiles(times_ms: list[float]) -> dict[str, float]:
    """Return p50, p99, p99.9 and the maximum."""
    found = np.percentile(times_ms, [50, 99, 99.9, 100])
    return dict(zip(("p50", "p99", "p999", "max"), map(float, found), strict=True))


def main() -> int:
    """Measure, print, and return the exit code: 1 when a lease exceeds its budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--frames", type=int, default=3000, help="number of frames, of which a third takes the complete path"
    )
    parser.add_argument("--rate", type=float, default=50.0, help="frames per second")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    times_ms, stages = measure(options.frames, 1.0 / options.rate)
    found = {name: quantiles(times) for name, times in {**times_ms, **stages}.items()}
    over = found["lease"]["p50"] > BUDGET_P50_MS or found["lease"]["p99"] > BUDGET_P99_MS
    if options.json:
        print(json.dumps(found))
        return int(over)
    what = {
        "lease": "last frame byte received -> lease granted by the interlock",
        "answer": f"last frame byte received -> {SIZE} bytes received by another process, no work",
        "pass on": "last frame byte received -> same frame received by another process, no work",
    }
    table = Table(
        title=f"{len(times_ms['lease'])} leases, {options.rate:g} frames/s, {MATRIX[0]} x {MATRIX[1]} x 16 bit"
    )
    for heading in ("ms", "p50", "p99", "p99.9", "worst", "what"):
        table.add_column(heading, justify="left" if heading in ("ms", "what") else "right")
    for name, row in found.items():
        label = name if name in what else f"  {name}"
        table.add_row(label, *(f"{row[k]:.3f}" for k in ("p50", "p99", "p999", "max")), what.get(name, "part of it"))
    Console(width=140).print(table)
    ratios = (found["lease"][k] / found["answer"][k] for k in ("p50", "p99"))
    print("lease / answer: p50 {:.1f}, p99 {:.1f}".format(*ratios))
    print(f"budget: p50 {BUDGET_P50_MS:g} ms, p99 {BUDGET_P99_MS:g} ms: {'over' if over else 'ok'}")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
