"""The engine's process: a recording in real time through loop, gate and lease, recorded as a session, with one fault.

`python -m benchmarks.fault_matrix.engine SETTINGS.json` prints a JSON line when it is ready, and at the first frame.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks.fault_matrix.run import JUMP_BEFORE
from benchmarks.fault_matrix.scene import load
from gatekeeper.config import LeaseConfig, LeaseLinacConfig, SessionConfig
from gatekeeper.core.clock import Clock, PacedClock, monotonic_ns
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import FrameSource, TargetTracker
from gatekeeper.linac.lease.key import load_key
from gatekeeper.linac.lease.port import LeaseLinac
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


class Announced:
    """A source that prints when its first frame arrived."""

    def __init__(self, source: FrameSource, on_first: Callable[[], None]) -> None:
        self._source, self._said, self._on_first = source, False, on_first

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Forward to the source."""
        frame = self._source.next_frame(timeout_s)
        if frame is not None and not self._said:
            self._said = True
            say({"first_s": monotonic_ns() * 1e-9})
            self._on_first()
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


def say(values: dict[str, float]) -> None:
    """Print one line."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def main(settings: Path) -> None:
    """Run one session."""
    options = json.loads(settings.read_text(encoding="utf-8"))
    recording = load(Path(options["recording"]))
    replay_setup = replay_input(recording)
    period_s, fault_frame = options["period_s"], options["fault_frame"]
    base = SessionConfig()
    silence_s = base.silence_s(period_s)
    lease = LeaseConfig(fresh_ms=round(1e3 * silence_s), retry_ms=20)
    linac_config = LeaseLinacConfig(port=options["port"], key_file=options["key_file"], lease=lease)
    config = base.model_copy(update={"linac": linac_config})
    true = PacedClock(1.0)

    def around(tracker: TargetTracker) -> TargetTracker:
        return SlowTracker(tracker, When(fault_frame), true, options["slow_s"]) if options.get("slow_s") else tracker

    engine = arm(replay_setup.setup, config, around).engine
    with (
        closing(LeaseLinac(linac_config, load_key(Path(linac_config.key_file)))) as linac,
        SessionRecorder(Path(options["session"]), config, replay_setup.setup) as session,
    ):
        end_s = time.monotonic() + CONNECT_S
        while not linac.alive and time.monotonic() < end_s:
            time.sleep(0.005)
        say({"ready": True, "writer_pid": session.writer_pid})
        clock = LoopClock(true)

        def set_off() -> None:
            if options.get("jump_s"):
                at_s = true.now_s() + (fault_frame - JUMP_BEFORE) * period_s
                clock.clock = JumpingClock(true, at_s, options["jump_s"])

        source: FrameSource = Announced(inject(Player(recording, true), options["source"], true, seed=1), set_off)
        if not options.get("every_frame"):
            source = NewestFrame(source)
        run_loop(source, engine, linac, session, clock, config.gate.max_age_s, silence_s=silence_s)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
