"""Run hundreds of thousands of frames through a `LiveSession` with console, record and picture: memory stays constant.

The second tenth of the session is compared with the last, since caches, rings and the picture's history are filled by
then. Frames come at full speed, but for a short pause that lets the writer's process keep up.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

from benchmarks.soak import CLEAN, TENTHS, Endless
from gatekeeper.config import LiveConfig, build
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.frame import Frame
from gatekeeper.display.web.process import Address, Console
from gatekeeper.display.web.publisher import WebPublisher
from gatekeeper.display.web.session_info import SessionInfo
from gatekeeper.report.live_overview import draw
from gatekeeper.session.definition import SessionDefinition
from gatekeeper.session.live_session import LiveSession
from gatekeeper.session.target import Drawn, Reference
from replay.phantom import PhantomConfig, make_phantom
from replay.recording import Recording

RESIDENT_KB = 2048
"""Limit of the growth of either process from the second tenth to the last, in kB."""
HEAP_KB = 64
"""Limit of the growth of Python's own memory, in kB."""
PAUSE_S = 0.0005


class Paused(Endless):
    """An endless source that lets the writer keep up."""

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame."""
        time.sleep(PAUSE_S)
        return super().next_frame(timeout_s)


class Measuring:
    """A linac port that measures memory after each tenth of the decisions."""

    alive = True

    def __init__(self, frames: int, console: int) -> None:
        self._frames, self._console, self._sent = frames, console, 0
        self.beam_on = 0
        self.rows: list[tuple[int, int, int]] = []

    def send(self, decision: Decision) -> None:
        """Count a decision, and measure when it is time."""
        self.beam_on += decision.state is BeamState.ON
        self._sent += 1
        if self._sent * TENTHS >= (len(self.rows) + 1) * self._frames and len(self.rows) < TENTHS:
            heap_kb = tracemalloc.get_traced_memory()[0] // 1024 if tracemalloc.is_tracing() else 0
            self.rows.append((resident_kb(os.getpid()), resident_kb(self._console), heap_kb))

    def close(self) -> None:
        """Do nothing; there is nothing to close."""


def resident_kb(process: int) -> int:
    """Return the resident memory of a process, in kB."""
    return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * 4


def run(recording: Recording, frames: int, folder: Path, *, traced: bool) -> dict[str, object]:
    """Run one session, and return its figures."""
    rate_hz = 1.0 / float(recording.times_s[1] - recording.times_s[0])
    values = {
        "source": {"kind": "mrd", "frames_per_s": rate_hz},
        "target": {"kind": "trackrad", "case": "unused"},
        "preview": {"seconds": 10.0},
    }
    grid = Reference(recording.frames[0], recording.spacing_mm, recording.plane, recording.name)
    assert recording.first_mask is not None
    target = Drawn.of_mask("target", recording.first_mask, grid)
    config = build(LiveConfig, values, "benchmark")
    definition = SessionDefinition(recording.name, config, target=target, reference=grid, arm_by="soak")
    clock = VirtualClock()
    session = LiveSession(definition, clock, draw=draw)
    console = Console(Address(), SessionInfo.of(recording.name, config, "a phantom", "nowhere"))
    linac, began_s = Measuring(frames, console.pid), time.monotonic()
    if traced:
        tracemalloc.start()
    try:
        with WebPublisher(session.status, clock, console, session.requests, session.contour_requests):
            outcome = session.run(Paused(recording, frames, clock), linac, folder)
    finally:
        tracemalloc.stop()
        console.close()
    resident, shown, heap = zip(*linac.rows, strict=True)
    return {
        "frames": outcome.summary.frames,
        "seconds": round(time.monotonic() - began_s, 1),
        "beam_on_decisions": linac.beam_on,
        "not_kept": outcome.status.counts.not_kept,
        "hold_reasons": outcome.summary.hold_reasons,
        "picture": (folder / "overview.png").stat().st_size > 0,
        "resident_kb": resident,
        "console_kb": shown,
        "heap_kb": heap,
    }


def faults(found: dict[str, object]) -> list[str]:
    """Return the violated requirements as text."""
    grown = {name: _grown(found[name]) for name in ("resident_kb", "console_kb", "heap_kb")}
    limits = {"resident_kb": RESIDENT_KB, "console_kb": RESIDENT_KB, "heap_kb": HEAP_KB}
    wrong = [f"{name} grew by {grown[name]}" for name, limit in limits.items() if grown[name] > limit]
    return wrong if found["beam_on_decisions"] else [*wrong, "the beam was never on"]


def _grown(row: object) -> int:
    assert isinstance(row, tuple)
    return int(row[-1] - row[1])


def main() -> int:
    """Run, print, and return the exit code: 1 when a requirement does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live_soak", description=__doc__)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--traced", action="store_true", help="measure Python's memory too, which is slower")
    options = parser.parse_args()
    recording = make_phantom(PhantomConfig(name="phantom", acquisition=CLEAN)).recording
    with tempfile.TemporaryDirectory() as folder:
        found = run(recording, options.frames, Path(folder) / "session", traced=options.traced)
    wrong = faults(found)
    print(json.dumps({**found, "faults": wrong}))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
