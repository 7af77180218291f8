"""The engine's process: trials in real time through loop, gate and lease, each with one fault.

`python -m benchmarks.fault_matrix.engine SETTINGS.json` arms once and prints a JSON line. Each line of its input, the
settings of one trial, then starts the trial in a copy of the process (fork), so that it may crash or be killed. The
copy prints a line when it is ready, one with the time of its first frame, and one with its reasons; at its end the
process prints one more line.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.fault_matrix.faults import IMAGING_S
from benchmarks.fault_matrix.scene import FAULT_FRAME, load
from gatekeeper.config import LeaseConfig, LeaseLinacConfig, SessionConfig
from gatekeeper.core.clock import Clock, PacedClock, monotonic_ns
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import FrameSource, Recorder, TargetTracker
from gatekeeper.core.step import Step
from gatekeeper.linac.lease.key import load_key
from gatekeeper.linac.lease.port import LeaseLinac
from gatekeeper.recording.forwarding import ForwardingRecorder
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.session.arming import arm
from gatekeeper.session.loop import run_loop
from gatekeeper.sources.newest_frame import NewestFrame
from replay.faults import inject
from replay.faults.clock import JumpingClock
from replay.faults.slow import SlowTracker
from replay.faults.spec import When
from replay.player import Player
from replay.run import replay_input

CONNECT_S = 10.0
PRIORITY = 10
"""Real-time priority of the engine's threads, where the machine grants it: other work is not what is measured."""


class Scanner:
    """A source whose frames arrive `IMAGING_S` after their acquisition, and which tells the first acquisition."""

    def __init__(self, source: FrameSource, on_first: Callable[[Frame], None]) -> None:
        self._source, self._said, self._on_first = source, False, on_first

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the frame of the source with its true time of acquisition."""
        frame = self._source.next_frame(timeout_s)
        if frame is None:
            return None
        frame = replace(frame, acquired_s=frame.acquired_s - IMAGING_S)
        if not self._said:
            self._said = True
            self._on_first(frame)
        return frame

    def ended(self) -> bool:
        """Forward to the source."""
        return self._source.ended()

    def close(self) -> None:
        """Close the source."""
        self._source.close()


class LoopClock:
    """The loop's clock, which a fault can shift."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def now_s(self) -> float:
        """Return the session time in s."""
        return self.clock.now_s()

    def sleep_until(self, time_s: float) -> None:
        """Sleep until a session time in s."""
        self.clock.sleep_until(time_s)


class NoRecorder:
    """A recorder that keeps nothing; most trials are not about the record."""

    fault = None

    def record(self, step: Step, total_ms: float) -> None:
        """Do nothing."""

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        """Do nothing."""


class Reasons(ForwardingRecorder):
    """A recorder that collects the reasons of all decisions."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.found: set[str] = set()

    def record(self, step: Step, total_ms: float) -> None:
        """Forward, and keep the reasons."""
        super().record(step, total_ms)
        self.found.update(reason.value for reason in step.decision.reasons)


def say(values: Mapping[str, object]) -> None:
    """Print one line."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


class Trials:
    """Everything that is made once, before the first trial."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._recording = load(Path(options["recording"]))
        self._setup = replay_input(self._recording).setup
        base = SessionConfig()
        self._period_s = float(options["period_s"])
        self._silence_s = base.silence_s(self._period_s)
        lease = LeaseConfig(fresh_ms=round(1e3 * self._silence_s), retry_ms=20)
        self._linac = LeaseLinacConfig(port=options["port"], key_file=options["key_file"], lease=lease)
        self._config = base.model_copy(update={"linac": self._linac})
        self._true = PacedClock(1.0)
        self._engine = arm(self._setup, self._config, self._around).engine

    def _around(self, tracker: TargetTracker) -> TargetTracker:
        slow_s = self._options.get("slow_s")
        return SlowTracker(tracker, When(FAULT_FRAME), self._true, slow_s) if slow_s else tracker

    def run(self, trial: dict[str, Any]) -> None:
        """Run one trial."""
        true, options, clock = self._true, self._options, LoopClock(self._true)

        def begin(first: Frame) -> None:
            if options.get("jump_s"):
                at_s = first.acquired_s + IMAGING_S + (FAULT_FRAME - 1 + trial["phase"]) * self._period_s
                clock.clock = JumpingClock(true, at_s, options["jump_s"])
            say({"first_s": monotonic_ns() * 1e-9 - (true.now_s() - first.acquired_s)})

        scanner = Scanner(Player(self._recording, true), begin)
        source: FrameSource = inject(scanner, options["source"], true, seed=1)
        if not options.get("every_frame"):
            source = NewestFrame(source)
        with ExitStack() as stack:
            session: Recorder = NoRecorder()
            writer_pid = 0
            if trial["session"]:
                made = SessionRecorder(Path(trial["session"]), self._config, self._setup)
                session, writer_pid = stack.enter_context(made), made.writer_pid
            with suppress(OSError):
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
            linac = stack.enter_context(closing(LeaseLinac(self._linac, load_key(Path(self._linac.key_file)))))
            recorder = Reasons(session)
            end_s = time.monotonic() + CONNECT_S
            while not linac.alive and time.monotonic() < end_s:
                time.sleep(0.005)
            say({"pid": os.getpid(), "writer_pid": writer_pid})
            max_age_s = self._config.gate.max_age_s
            try:
                run_loop(source, self._engine, linac, recorder, clock, max_age_s, silence_s=self._silence_s)
            finally:
                # What is left to do would keep the other cells waiting.
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
                say({"reasons": sorted(recorder.found)})


def main(settings: Path) -> None:
    """Arm, and run a trial for each line of the input."""
    trials = Trials(json.loads(settings.read_text(encoding="utf-8")))
    # Forked trials share the memory until it is written to, as the collector would do.
    gc.freeze()
    say({"armed": True})
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                trials.run(json.loads(line))
                code = 0
            finally:
                os._exit(code)
        os.waitpid(pid, 0)
        say({"ended": True})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
