"""Run hundreds of thousands of frames: check constant memory, constant latency, and equal decisions in two runs.

Latency is real time and rises with other load on the machine. The processor time of a pass, from one record to the
next, is shown as well, since it is not affected.
"""

import argparse
import hashlib
import sys
import time
import tracemalloc
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from gatekeeper.config import SessionConfig
from gatekeeper.core.clock import Clock, VirtualClock, stopwatch_ns
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.frame import Frame
from gatekeeper.core.step import Step
from gatekeeper.runtime.timing import LagSummary, LoopStats
from gatekeeper.session.arming import arm
from gatekeeper.session.loop import run_loop
from replay.fresh_noise import FreshNoise
from replay.phantom import PhantomConfig, make_phantom
from replay.phantom.config import AcquisitionConfig
from replay.recording import Recording
from replay.run import replay_input

TENTHS = 10
LATENCY_RATIO = 1.2
"""Limit of the 99th percentile of the last tenth, relative to that of the first."""
RESIDENT_KB = 1024
"""Limit of the process's growth from the second tenth to the last, in kB; caches are filled in the first."""
HEAP_KB = 16
"""Limit of the growth of Python's own memory from the second tenth to the last, in kB."""
WARM_UP = 2000
"""Number of frames in a first run that is not measured."""
CLEAN = AcquisitionConfig(snr=1000.0)
"""A phantom nearly without noise of its own. Each frame gets new noise, or the gate would hold what comes back."""
NOISE = 0.05
"""Standard deviation of that noise, as a share of the brightness."""


class Endless:
    """A source that plays a phantom back and forth, so that motion is continuous, with rising numbers and times.

    Each frame has noise of its own, the same in each run.
    """

    def __init__(self, recording: Recording, frames: int, clock: Clock) -> None:
        self.period_s = float(recording.times_s[1] - recording.times_s[0])
        self._images = [np.ascontiguousarray(image, np.float32) for image in recording.frames]
        self._spacing_mm, self._plane = recording.spacing_mm, recording.plane
        self._frames, self._clock = frames, clock
        self._noise = FreshNoise(NOISE, seed=1)
        self._next = 0

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame when it is due within `timeout_s`, else None after that time."""
        index, until_s = self._next, self._clock.now_s() + timeout_s
        if index * self.period_s > until_s:
            self._clock.sleep_until(until_s)
            return None
        self._next += 1
        turns, position = divmod(index, len(self._images) - 1)
        image = self._images[position if turns % 2 == 0 else len(self._images) - 1 - position]
        noisy = self._noise.added(image)
        self._clock.sleep_until(index * self.period_s)
        now_s = self._clock.now_s()
        return Frame(noisy, self._spacing_mm, index, now_s, now_s, self._plane)

    def ended(self) -> bool:
        """Return True after the last frame."""
        return self._next >= self._frames

    def close(self) -> None:
        """Deliver no more frames."""
        self._next = self._frames


class Counting:
    """A linac port that counts beam-on decisions."""

    alive = True

    def __init__(self) -> None:
        self.beam_on = 0

    def send(self, decision: Decision) -> None:
        """Count beam-on."""
        self.beam_on += decision.state is BeamState.ON

    def close(self) -> None:
        """Do nothing; there is nothing to close."""


class Sampling:
    """A recorder that hashes each decision, times each pass, and measures memory after each tenth.

    All of its own memory is allocated at the start.
    """

    def __init__(self, frames: int) -> None:
        self._digest = hashlib.sha256()
        self._frames, self._passes = frames, 0
        self.total_ms = np.zeros(frames)
        self.cpu_ms = np.zeros(frames)
        self._cpu_ns = time.thread_time_ns()
        self.resident_kb = array("d", [0.0] * TENTHS)
        self.heap_kb = array("d", [0.0] * TENTHS)

    @property
    def digest(self) -> str:
        """SHA-256 of all decisions and contours."""
        return self._digest.hexdigest()

    fault = None

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        """Ignore events; there is no operator."""

    def record(self, step: Step, total_ms: float) -> None:
        """Record one pass."""
        decision, track = step.decision, step.track
        self._digest.update(
            f"{decision.sequence} {decision.time_s.hex()} {decision.state} {' '.join(decision.reasons)} "
            f"{decision.outside_percent.hex()} {'-' if track is None else track.confidence.hex()}\n".encode()
        )
        if track is not None:
            self._digest.update(np.asarray(track.contour_px).tobytes())
        self.total_ms[self._passes] = total_ms
        before_ns, self._cpu_ns = self._cpu_ns, time.thread_time_ns()
        self.cpu_ms[self._passes] = (self._cpu_ns - before_ns) * 1e-6
        self._passes += 1
        tenth, left = divmod(self._passes * TENTHS, self._frames)
        if left < TENTHS and tenth >= 1:
            self.resident_kb[tenth - 1] = resident_kb()
            if tracemalloc.is_tracing():
                self.heap_kb[tenth - 1] = tracemalloc.get_traced_memory()[0] / 1024.0


@dataclass(frozen=True, slots=True)
class Soaked:
    """Result of one run."""

    digest: str
    total_ms: NDArray[np.float64]
    cpu_ms: NDArray[np.float64]
    resident_kb: NDArray[np.float64]
    heap_kb: NDArray[np.float64]
    beam_on: int
    lag: LagSummary
    lasted_s: float


def resident_kb() -> float:
    """Return the resident memory of this process, in kB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4.0


def run(recording: Recording, frames: int, *, traced: bool) -> Soaked:
    """Run one session; `traced` also measures Python's memory, which is slower."""
    config = SessionConfig()
    engine = arm(replay_input(recording).setup, config).engine
    clock, linac, sampling, stats = VirtualClock(), Counting(), Sampling(frames), LoopStats(config.loop.stall_ms)
    source = Endless(recording, frames, clock)
    if traced:
        tracemalloc.start()
    began_ns = stopwatch_ns()
    try:
        run_loop(
            source,
            engine,
            linac,
            sampling,
            clock,
            config.gate.max_age_s,
            stats,
            silence_s=config.silence_s(source.period_s),
        )
    finally:
        lasted_s = (stopwatch_ns() - began_ns) * 1e-9
        tracemalloc.stop()
    return Soaked(
        sampling.digest,
        sampling.total_ms,
        sampling.cpu_ms,
        np.asarray(sampling.resident_kb),
        np.asarray(sampling.heap_kb),
        linac.beam_on,
        stats.summary(),
        lasted_s,
    )


def table(timed: Soaked, traced: Soaked) -> Table:
    """Return a table of both runs by tenths."""
    shown = Table(title=f"{len(timed.total_ms)} frames by tenths")
    for heading in ("tenth", "p50 ms", "p99 ms", "worst ms", "p99 CPU ms", "resident kB", "Python heap kB"):
        shown.add_column(heading, justify="right")
    for tenth, part in enumerate(np.array_split(timed.total_ms, TENTHS)):
        p50, p99, worst = np.percentile(part, [50, 99, 100])
        cpu = np.percentile(np.array_split(timed.cpu_ms, TENTHS)[tenth], 99)
        memory = (timed.resident_kb[tenth], traced.heap_kb[tenth])
        shown.add_row(
            str(tenth + 1), *(f"{value:.3f}" for value in (p50, p99, worst, cpu)), *(f"{kb:.0f}" for kb in memory)
        )
    return shown


def verdicts(timed: Soaked, traced: Soaked) -> list[tuple[str, str, bool]]:
    """Return each requirement, the measured value, and whether it holds."""
    ratio, cpu_ratio = _p99_ratio(timed.total_ms), _p99_ratio(timed.cpu_ms)
    resident_kb = float(timed.resident_kb[-1] - timed.resident_kb[1])
    heap_kb = float(traced.heap_kb[-1] - traced.heap_kb[1])
    frames = len(timed.total_ms)
    return [
        (f"p99 of the last tenth / the first <= {LATENCY_RATIO}", f"{ratio:.3f}", ratio <= LATENCY_RATIO),
        (
            f"the same of processor time, without waiting <= {LATENCY_RATIO}",
            f"{cpu_ratio:.3f}",
            cpu_ratio <= LATENCY_RATIO,
        ),
        (f"growth of the process <= {RESIDENT_KB} kB", f"{resident_kb:.0f} kB", resident_kb <= RESIDENT_KB),
        (f"growth of Python's memory <= {HEAP_KB} kB", f"{heap_kb:.1f} kB", heap_kb <= HEAP_KB),
        ("decisions of the second run the same", timed.digest[:16], timed.digest == traced.digest),
        ("beam both on and held", f"on for {timed.beam_on} of {frames}", 0 < timed.beam_on < frames),
    ]


def _p99_ratio(times_ms: NDArray[np.float64]) -> float:
    tenths = np.array_split(times_ms, TENTHS)
    return float(np.percentile(tenths[-1], 99) / np.percentile(tenths[0], 99))


def main() -> int:
    """Run, print, and return the exit code: 1 when a requirement does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--frames", type=int, default=200_000, help="frames of each of the two runs (default 200000)")
    frames = parser.parse_args().frames
    if frames < 1000:
        parser.error(f"--frames is {frames}; it must be at least 1000, so that a tenth has a 99th percentile")
    recording = make_phantom(PhantomConfig(acquisition=CLEAN)).recording
    run(recording, WARM_UP, traced=False)
    timed = run(recording, frames, traced=False)
    traced = run(recording, frames, traced=True)
    console, lag = Console(width=120), timed.lag
    console.print(table(timed, traced))
    console.print(
        f"{frames / timed.lasted_s:.0f} frames per second; {lag.stalls} stalls, longest {lag.busy_max_ms:.1f} ms"
    )
    found = verdicts(timed, traced)
    for what, measured, holds in found:
        console.print(f"{'ok  ' if holds else 'FAIL'}  {what}: {measured}")
    return int(not all(holds for _, _, holds in found))


if __name__ == "__main__":
    sys.exit(main())
