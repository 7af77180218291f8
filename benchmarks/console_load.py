"""Measure how the console affects the loop, at 512 x 512 pixels and 8 frames per second, with and without browsers.

One recorded session runs all the time. A console is started and stopped beside it: with browsers that read every view
as fast as possible, with one that hangs, or with its process killed. Phases without and with a console alternate, so
that other load on the machine affects both alike. A browser is a program that requests and reads as the page does; with
--chromium it is the page in a real browser, which uses the processor as well.
"""

import argparse
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console as Screen
from rich.table import Table
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from benchmarks.soak import CLEAN, Endless
from gatekeeper.config import LoopConfig, SessionConfig
from gatekeeper.core.clock import PacedClock
from gatekeeper.core.step import Step
from gatekeeper.display.web.process import Address, Console
from gatekeeper.display.web.publisher import WebPublisher
from gatekeeper.display.web.session_info import SessionInfo
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.runtime.realtime import real_time
from gatekeeper.session.arming import arm
from gatekeeper.session.loop import run_loop
from gatekeeper.session.phases import Phase
from gatekeeper.session.status import SessionStatus
from replay.phantom import PhantomConfig, make_phantom
from replay.phantom.config import AcquisitionConfig
from replay.run import replay_input

SIZE, RATE_HZ = 512, 8.0
PHANTOM_S = 4.0
SETTLE_S = 2.0
"""Time after each change that is not measured, since a starting process uses the processor."""
TURN_S = 15.0
RATIO = 1.1
"""Limit of the 99th percentile with browsers, relative to that without."""
SPARE_MS = 0.1
"""Smaller differences are ignored."""


@dataclass
class Watch:
    """Record the time of every pass, and the load at that time."""

    session: SessionRecorder
    status: SessionStatus
    gate: object
    around: str = ""
    taken: list[tuple[str, float, float]] = field(default_factory=list)
    fault: str | None = None

    def event(self, *_: object) -> None:
        """Ignore events; there is no operator."""

    def record(self, step: Step, total_ms: float) -> None:
        self.session.record(step, total_ms)
        self.status.update(step, total_ms, True)
        if step.frame is not None and self.around:
            due_ms = 1e3 * (step.decision.time_s - step.frame.sequence / RATE_HZ) + total_ms
            self.taken.append((self.around, total_ms, due_ms))


def look(url: str, hangs: bool) -> None:
    """Act as a browser: read the page's views one by one, or request once and never read."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    base = url.partition("#")[0]
    with connect(
        f"{base.replace('http', 'ws')}views", origin=base[:-1], subprotocols=["gatekeeper"], max_size=None
    ) as link:
        after = -1
        while True:
            link.send(json.dumps({"after": after}))
            if hangs:
                for _ in range(50):
                    link.send(json.dumps({"after": -1}))
                os.kill(os.getpid(), signal.SIGSTOP)
            view = link.recv()
            if isinstance(view, bytes):
                after = json.loads(view[8 : 8 + int.from_bytes(view[:4], "little")])["count"]


@contextmanager
def looking(url: str, browsers: int, hanging: int, chromium: bool) -> Iterator[None]:
    """Run browsers while the block runs."""
    with ExitStack() as stack:
        if chromium:
            from tests.support.browser import chromium as opened

            browser = stack.enter_context(opened())
            for _ in range(browsers):
                browser.new_page(viewport={"width": 1240, "height": 900}).goto(url)
        context = multiprocessing.get_context("spawn")
        for number in range(hanging + (0 if chromium else browsers)):
            process = context.Process(target=_quiet_look, args=(url, number < hanging), daemon=True)
            process.start()
            stack.callback(process.join)
            stack.callback(process.kill)
        yield


def _quiet_look(url: str, hangs: bool) -> None:
    try:
        look(url, hangs)
    except (OSError, WebSocketException):
        return


AROUND: dict[str, tuple[int, int]] = {"three browsers": (3, 0), "ten browsers": (10, 0), "ten and a hung one": (10, 1)}


def measure(options: argparse.Namespace, say: Callable[[str], None]) -> tuple[Watch, int]:
    """Run the session under every load; return the times, and the number of missing frames."""
    say("making the phantom")
    acquisition = AcquisitionConfig(
        matrix=(SIZE, SIZE), pixel_mm=(0.7, 0.7), frame_rate_hz=RATE_HZ, duration_s=PHANTOM_S, snr=CLEAN.snr
    )
    recording = make_phantom(PhantomConfig(name="load", acquisition=acquisition)).recording
    setup, config, status = (
        replay_input(recording).setup,
        SessionConfig(loop=LoopConfig(fifo_priority=options.fifo_priority)),
        SessionStatus(),
    )
    armed, clock = arm(setup, config), PacedClock(1.0)
    status.begin(setup, armed)
    status.enter(Phase.DELIVERY, 0.0)
    with tempfile.TemporaryDirectory() as folder, SessionRecorder(Path(folder) / "session", config, setup) as session:
        watch = Watch(session, status, armed.gate)
        source = Endless(recording, sys.maxsize, clock)

        def run() -> None:
            with closing(DryRunLinac()) as linac, real_time(config.loop) as grants:
                for grant in grants:
                    say(grant.as_line())
                run_loop(source, armed.engine, linac, watch, clock, config.gate.max_age_s)

        thread = threading.Thread(target=run, name="loop")
        thread.start()
        try:
            _turns(watch, status, clock, options, say, config)
        finally:
            source.close()
            thread.join()
    return watch, status.current.counts.missing


def _turns(
    watch: Watch,
    status: SessionStatus,
    clock: PacedClock,
    options: argparse.Namespace,
    say: Callable[[str], None],
    config: SessionConfig,
) -> None:
    """Measure under each load in turn, repeatedly."""
    turns = max(1, round(options.seconds / TURN_S))
    seconds, chosen = options.seconds / turns, AROUND if options.only is None else {options.only: AROUND[options.only]}
    for turn in range(turns):
        _measured(watch, "alone", seconds)
        for name, (browsers, hanging) in chosen.items():
            say(f"turn {turn + 1} of {turns}: {name}")
            with (
                _console(config) as console,
                WebPublisher(status, clock, console, fifo_priority=config.loop.fifo_priority),
                looking(console.url, browsers, hanging, options.chromium),
            ):
                _measured(watch, name, seconds)
                if name == "ten browsers":
                    os.kill(console.pid, signal.SIGKILL)
                    _measured(watch, "console killed", seconds, settle_s=0.0)


@contextmanager
def _console(config: SessionConfig) -> Iterator[Console]:
    with closing(Console(Address(), SessionInfo.of("load", config, "a phantom", "nowhere"))) as console:
        yield console


def _measured(watch: Watch, name: str, seconds: float, settle_s: float = SETTLE_S) -> None:
    watch.around = ""
    time.sleep(settle_s)
    watch.around = name
    time.sleep(seconds)
    watch.around = ""


def figures(watch: Watch) -> dict[str, dict[str, float]]:
    """Return the latency of decisions under each load."""
    found = {}
    for name in dict.fromkeys(name for name, _, _ in watch.taken):
        total_ms = np.array([total for around, total, _ in watch.taken if around == name])
        due_ms = np.array([due for around, _, due in watch.taken if around == name])
        found[name] = {
            "frames": len(total_ms),
            "p50_ms": float(np.percentile(total_ms, 50)),
            "p99_ms": float(np.percentile(total_ms, 99)),
            "max_ms": float(total_ms.max()),
            "due_p99_ms": float(np.percentile(due_ms, 99)),
        }
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, and return 1 when the console slows the loop beyond the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="measured time under each load")
    parser.add_argument("--only", choices=AROUND, help="measure under this load only")
    parser.add_argument(
        "--chromium", action="store_true", help="use real browsers instead of programs that read like them"
    )
    parser.add_argument("--fifo-priority", type=int, default=0, help="run the loop with this real-time priority")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args(arguments)
    screen = Screen(stderr=True)
    watch, missing = measure(options, screen.print)
    found = figures(watch)
    table = Table("load", "frames", "p50 (ms)", "p99 (ms)", "max (ms)", "due to sent p99 (ms)")
    for name, one in found.items():
        values = (f"{one[key]:.2f}" for key in ("p50_ms", "p99_ms", "max_ms", "due_p99_ms"))
        table.add_row(name, f"{one['frames']:.0f}", *values)
    screen.print(table)
    alone_ms = found["alone"]["p99_ms"]
    good = missing == 0 and all(one["p99_ms"] <= max(RATIO * alone_ms, alone_ms + SPARE_MS) for one in found.values())
    screen.print(
        f"{missing} frames missing; p99 {'stays within' if good else 'EXCEEDS'} {RATIO:g} x that of the loop alone"
    )
    if options.json:
        print(json.dumps({"around": found, "missing": missing, "good": good}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
