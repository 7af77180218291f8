"""Run a session behind a live source: the real loop, engine and gate, with a tracker that is always confident.

Only the source and the gate's checks of frames can therefore keep a bad message from turning the beam on.
"""

import queue
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from benchmarks.source_fuzz.wires import LiveSource, Wire
from gatekeeper.config import GateConfig
from gatekeeper.core.clock import PacedClock
from gatekeeper.core.command import Action, Command
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.errors import LinkError
from gatekeeper.core.frame import Frame, Plane
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.session.engine import Engine
from gatekeeper.session.loop import run_loop
from gatekeeper.sources.newest_frame import NewestFrame
from replay.feed.port import Feeder

SHAPE = (24, 20)
SPACING_MM = (2.0, 3.0)
PLANE = Plane((7.0, -40.0, 60.0))
PERIOD_S = 0.02
PATIENCE_S = 20.0
ANGLES = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
TARGET_PX = np.stack([12.0 + 4.0 * np.sin(ANGLES), 10.0 + 3.0 * np.cos(ANGLES)], axis=1)


class AlwaysSure:
    """A tracker that finds the target unmoved on any image."""

    def track(self, image: NDArray[np.float32]) -> Track:  # noqa: ARG002 - any image
        return Track(TARGET_PX, (24.0, 30.0), 1.0)


class Beam:
    """A linac port that counts decisions."""

    alive = True

    def __init__(self) -> None:
        self.is_on = False
        self.times_on = 0
        self.passes = 0
        self.reasons: Counter[str] = Counter()

    def send(self, decision: Decision) -> None:
        self.passes += 1
        self.is_on = decision.state is BeamState.ON
        self.times_on += self.is_on
        self.reasons.update(reason.value for reason in decision.reasons)

    def close(self) -> None:
        self.is_on = False


class NoRecord:
    fault = None

    def record(self, step: Step, total_ms: float) -> None: ...

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None: ...


class Session:
    """A session that runs until its context is left."""

    def __init__(self, wire: Wire, read_deadline_s: float = 2.0) -> None:
        self.wire = wire
        self.clock = PacedClock()
        self.beam = Beam()
        self.failure: BaseException | None = None
        self.source: LiveSource = wire.source(self.clock, read_deadline_s)
        self._orders: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._chance = np.random.default_rng(7)
        self._number = 0
        self._thread = threading.Thread(target=self._run, name="session")
        self._thread.start()

    def _run(self) -> None:
        config = GateConfig()
        envelope = Envelope.around(TARGET_PX, 8.0, SPACING_MM, SHAPE, PLANE)
        engine = Engine(AlwaysSure(), Gate(envelope, config))
        source = NewestFrame(self.source)
        try:
            run_loop(source, engine, self.beam, NoRecord(), self.clock, config.max_age_s, operator=self._order)
        except BaseException as error:
            self.failure = error

    def _order(self) -> Command | None:
        try:
            return self._orders.get_nowait()
        except queue.Empty:
            return None

    def reset(self) -> None:
        """Reset all faults as the operator, so that none hides later ones."""
        self._orders.put(Command(Action.RESET, "fuzz", self.clock.now_s()))

    def wait_for_reset(self) -> None:
        """Return when a reset was done; a later one would clear the fault of the next connection."""
        until_s = time.monotonic() + PATIENCE_S
        while not self._orders.empty() and self._thread.is_alive() and time.monotonic() < until_s:
            time.sleep(0.001)

    def frame(self) -> Frame:
        """Return the next valid frame, with a new number, time and pixels."""
        self._number += 1
        now_s = self.clock.now_s()
        image = self._chance.random(SHAPE, dtype=np.float32) * 1000.0
        return Frame(image, SPACING_MM, self._number, now_s, now_s, PLANE)

    def lets_on(self) -> bool:
        """Return True when a valid client, after retries if needed, gets the beam on within the time limit."""
        self.reset()
        before, until_s = self.beam.times_on, time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s and self.beam.times_on == before:
            try:
                feeder = self.wire.feeder(*self.source.address)
            except LinkError:
                continue
            self._feed(feeder, before, until_s)
        return self.beam.times_on > before

    def _feed(self, feeder: Feeder, before: int, until_s: float) -> None:
        try:
            while time.monotonic() < until_s and self.beam.times_on == before:
                feeder.send(self.frame())
                # Every connection is another source, which the operator accepts each time.
                self.reset()
                time.sleep(PERIOD_S)
        except LinkError:
            time.sleep(PERIOD_S)
        finally:
            feeder.close()

    def is_held(self) -> bool:
        """Return True once the beam is held, as required soon after a client has disconnected."""
        until_s = time.monotonic() + PATIENCE_S
        while self.beam.is_on and time.monotonic() < until_s:
            time.sleep(PERIOD_S)
        return not self.beam.is_on

    def close(self) -> None:
        self.source.close()
        self._thread.join(PATIENCE_S)


@contextmanager
def session(wire: Wire, read_deadline_s: float = 2.0) -> Iterator[Session]:
    """Run a session; an error that ended it early is raised."""
    running = Session(wire, read_deadline_s)
    try:
        yield running
    finally:
        running.close()
    if running.failure is not None:
        raise running.failure
