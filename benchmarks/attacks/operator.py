"""Attacks by a hurried or careless operator, and on what stands between the gate and the linac.

Two rebases with the target at rest where it was planned, a breath that stops under a prediction, settings that switch
every check off, a watchdog that is killed, and an old beam-on given to every port.
"""

import math
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.attack import Attack, Outcome
from gatekeeper.config import (
    DryRunLinacConfig,
    LeaseConfig,
    LeaseLinacConfig,
    LiveConfig,
    PredictionConfig,
    RepeaterLinacConfig,
    build,
)
from gatekeeper.core.clock import PacedClock, VirtualClock, monotonic_ns
from gatekeeper.core.command import Action, Command
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import LinacPort
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.lookahead import USUAL_ERROR_MM
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.linac.freshness import age_by
from gatekeeper.linac.lease.interlock import Event, InterlockServer
from gatekeeper.linac.lease.port import LeaseLinac
from gatekeeper.linac.lease.receiver import Rules
from gatekeeper.linac.open import open_linac
from gatekeeper.linac.port_guard import GuardedPort
from gatekeeper.linac.repeater import BeamOrder, Repeater
from gatekeeper.linac.watchdog import Watchdog
from gatekeeper.session.definition import SessionDefinition
from gatekeeper.session.live_session import LiveSession
from gatekeeper.session.target import Drawn, Reference
from replay.phantom import PhantomConfig, make_phantom
from replay.player import Player
from replay.recording import Recording

RATE_HZ = 8.0
PERIOD_S = 1.0 / RATE_HZ
SPACING_MM, SHAPE, CENTER_MM = (1.0, 1.0), (128, 128), (64.0, 64.0)
MARGIN_MM, LIMIT_PERCENT = 5.0, 5.0
RADIUS_MM = 12.0
STALE_S = 2.0
TURNS = np.linspace(0.0, 2.0 * math.pi, 120, endpoint=False)
TARGET_PX = CENTER_MM + RADIUS_MM * np.stack([np.sin(TURNS), np.cos(TURNS)], axis=1)
PLANNED = Envelope.around(TARGET_PX, MARGIN_MM, SPACING_MM, SHAPE)


class Beamline:
    """A gate with a target that is wherever the attack has it, frame by frame, and the time with the beam on."""

    def __init__(self, prediction: PredictionConfig | None = None) -> None:
        self.gate = Gate(Envelope.around(TARGET_PX, MARGIN_MM, SPACING_MM, SHAPE), prediction=prediction)
        self._noise = np.random.default_rng(7)
        self._frames = 0

    def at(self, si_mm: float) -> BeamState:
        """Return the decision on the next frame, on which the target is `si_mm` inferior of the plan."""
        now_s = PERIOD_S * self._frames
        image: NDArray[np.float32] = self._noise.random(SHAPE, dtype=np.float32)
        frame = Frame(image, SPACING_MM, self._frames, now_s, now_s)
        track = Track(np.add(TARGET_PX, (si_mm, 0.0)), (CENTER_MM[0] + si_mm, CENTER_MM[1]), 0.95)
        self._frames += 1
        return self.gate.decide(track, frame, now_s).state

    def ask(self, action: Action, shift_mm: tuple[float, float] = (0.0, 0.0)) -> str:
        """Apply a command, and return its note."""
        return self.gate.apply(Command(action, "attacker", PERIOD_S * self._frames, shift_mm)).note


def out(si_mm: float, allowed_mm: float = 0.0) -> bool:
    """Return whether the target is outside the planned envelope, were it so much nearer."""
    return PLANNED.outside_percent(np.add(TARGET_PX, (max(si_mm - allowed_mm, 0.0), 0.0))) > LIMIT_PERCENT


def rebase_twice() -> Outcome:
    """Move the envelope by 3 and 2 mm while the target rests where it was planned, and let the target follow it."""
    line, on_s = Beamline(), 0.0
    for _ in range(80):
        before = line.at(0.0)
    line.ask(Action.HOLD)
    note, _ = line.ask(Action.REBASE, (3.0, 0.0)), line.ask(Action.REBASE, (2.0, 0.0))
    line.ask(Action.RELEASE)
    first_out, held = None, math.inf
    for k in range(120):
        si_mm = 0.1 * k
        state = line.at(si_mm)
        if out(si_mm):
            first_out = k if first_out is None else first_out
            on_s += PERIOD_S * (state is BeamState.ON)
            held = min(held, PERIOD_S * (k - first_out)) if state is BeamState.HOLD else held
    return Outcome(on_s, held if before is BeamState.ON else math.nan, note.partition("; ")[0])


def stopped_breath(stops: int = 24) -> Outcome:
    """Stop the breath under the full prediction, at each of the last frames before the target is back; the worst."""
    worst = Outcome(0.0, 0.0, "outside")
    for stop in range(stops):
        line = Beamline(PredictionConfig(mode="full"))
        on_s, held, seen = 0.0, math.inf, BeamState.HOLD
        first_s = 480 - stop
        stays_mm = breath_mm(PERIOD_S * first_s)
        if not out(stays_mm, USUAL_ERROR_MM):
            continue
        for k in range(first_s):
            seen = BeamState.ON if line.at(breath_mm(PERIOD_S * k)) is BeamState.ON else seen
        for k in range(40):
            state = line.at(stays_mm)
            on_s += PERIOD_S * (state is BeamState.ON)
            held = min(held, PERIOD_S * k) if state is BeamState.HOLD else held
        if seen is not BeamState.ON:
            held = math.nan
        worst = max(worst, Outcome(on_s, held, "outside"), key=lambda one: (one.on_while_out_s, one.time_to_hold_s))
    return worst


def breath_mm(time_s: float) -> float:
    """Return a regular breath along SI, resting where the target was planned."""
    return 14.0 * math.sin(math.pi * time_s / 4.0) ** 4


def unsafe_settings_session() -> Outcome:
    """Run a session with every check switched off, armed by an option and by a word without the typed one."""
    tables = {
        "envelope": {"margin_mm": 50.0},
        "gate": {"outside_percent": 100.0, "min_confidence": 1e-6, "max_age_s": 10.0},
    }
    recording = phantom(6.0)
    clock, linac = VirtualClock(), DryRunLinac()
    with tempfile.TemporaryDirectory() as folder:
        session = LiveSession(definition_of(recording, tables), clock)
        session.run(Player(recording, clock), linac, Path(folder) / "session")
        lines = [line.text for line in session.status.lines if line.text.startswith("refused: arm")]
    on_s = sum(PERIOD_S for command in linac.commands if command.state is BeamState.ON)
    return Outcome(on_s, 0.0 if lines else math.inf, "refused: arm with settings beyond their safe ranges")


def watchdog_killed() -> Outcome:
    """Kill the watchdog of a session that runs in real time."""
    recording, clock = phantom(5.0), PacedClock(1.0)
    linac, killed_s = Timed(clock), []
    watchdog = Watchdog(dry_port, 0.625)

    def kill() -> None:
        time.sleep(2.5)
        killed_s.append(clock.now_s())
        os.kill(watchdog.pid or 0, signal.SIGKILL)

    with tempfile.TemporaryDirectory() as folder, closing(watchdog):
        session = LiveSession(definition_of(recording, {}), clock)
        thread = threading.Thread(target=kill)
        thread.start()
        session.run(
            Player(recording, clock),
            linac,
            Path(folder) / "session",
            watchdog.beat,
            fault=watchdog.fault,
        )
        thread.join()
    before = [state for at_s, state in linac.sent if at_s < killed_s[0]]
    after = [at_s - killed_s[0] for at_s, state in linac.sent if at_s >= killed_s[0] and state is BeamState.HOLD]
    return Outcome(0.0, min(after, default=math.inf) if before[-1:] == [BeamState.ON] else math.nan, "watchdog_lost")


def stale_on() -> Outcome:
    """Give a beam-on that was decided 2 s ago to every port; the longest time with the beam on."""
    return max((attack() for attack in (stale_on_simple, stale_on_repeated, stale_on_lease)), key=lambda one: one[0])[1]


def stale_on_simple() -> tuple[float, Outcome]:
    """Give it to a dry run and to a plug-in."""
    clock = VirtualClock(100.0)
    dry, plug_in = open_linac(DryRunLinacConfig(), 0.375, clock=clock), DryRunLinac()
    if not isinstance(dry, DryRunLinac):
        raise TypeError(f"the settings of a dry run open a {type(dry).__name__}")
    guarded = GuardedPort(plug_in, "plug-in", 0.375, age_by(clock))
    shown = []
    for port, end in ((dry, dry), (guarded, plug_in)):
        port.send(beam_on(clock.now_s() - STALE_S))
        is_on = end.beam_on
        port.send(beam_on(clock.now_s()))
        shown.append((is_on, end.beam_on))
    return outcome_of(math.inf if any(on for on, _ in shown) else 0.0, all(fresh for _, fresh in shown))


def stale_on_repeated() -> tuple[float, Outcome]:
    """Give it to the thread that serves Modbus, serial lines and OpenIGTLink."""
    clock, orders = PacedClock(1.0), []

    class Wire:
        def deliver(self, order: BeamOrder) -> None:
            orders.append((clock.now_s(), order.beam_on))

        def close(self) -> None:
            pass

    with closing(Repeater(RepeaterLinacConfig(refresh_ms=10), Wire, age_s=age_by(clock))) as port:
        return given(port, clock, lambda: sum(on for _, on in orders) * 0.01)


def stale_on_lease() -> tuple[float, Outcome]:
    """Give it to the lease of a real interlock."""
    clock, key = PacedClock(1.0), bytes(range(32))
    beam: list[tuple[float, bool]] = []

    def on_s() -> float:
        ends = [*(at_s for at_s, _ in beam[1:]), monotonic_ns() * 1e-9]
        return sum(end_s - at_s for (at_s, on), end_s in zip(beam, ends, strict=True) if on)

    def note(event: Event) -> None:
        beam.append((event.time_ns * 1e-9, event.state.beam is BeamState.ON))

    with interlock(key, note) as server:
        config = LeaseLinacConfig(port=server.address[1], key_file="unused", lease=LeaseConfig())
        with closing(LeaseLinac(config, key, age_s=age_by(clock))) as port:
            return given(port, clock, on_s)


def given(port: LinacPort, clock: PacedClock, on_s: Callable[[], float]) -> tuple[float, Outcome]:
    """Send an old beam-on and then a fresh one, and return for how long the old one had the beam on."""
    until_s = clock.now_s() + 10.0
    while not port.alive and clock.now_s() < until_s:
        time.sleep(0.01)
    for age_s, seconds in ((STALE_S, 0.6), (0.0, 0.2)):
        before_s = on_s()
        port.send(beam_on(clock.now_s() - age_s))
        time.sleep(seconds)
        if age_s:
            stale_s = on_s() - before_s
    return outcome_of(stale_s, on_s() > stale_s)


def outcome_of(on_s: float, fresh_is_on: bool) -> tuple[float, Outcome]:
    """Return the outcome; it shows nothing where a fresh beam-on does not get through either."""
    return on_s, Outcome(on_s, on_s if fresh_is_on else math.nan, "withheld: older than its freshness")


def beam_on(time_s: float) -> Decision:
    """Return a beam-on that was decided at a session time."""
    return Decision(0, time_s, BeamState.ON, (), 0.0)


@contextmanager
def interlock(key: bytes, note: Callable[[Event], None]) -> Iterator[InterlockServer]:
    """Serve an interlock on the loopback."""
    server = InterlockServer("127.0.0.1", 0, Rules(key), note)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


class Timed(DryRunLinac):
    """A dry run that keeps when it was told what."""

    def __init__(self, clock: PacedClock) -> None:
        super().__init__()
        self._clock = clock
        self.sent: list[tuple[float, BeamState]] = []

    def send(self, decision: Decision) -> None:
        """Keep a decision."""
        self.sent.append((self._clock.now_s(), decision.state))


def dry_port() -> DryRunLinac:
    """Return a port for the watchdog's process."""
    return DryRunLinac()


def phantom(seconds: float) -> Recording:
    """Return a case whose target hardly moves."""
    values = {
        "breathing": {"amplitude_mm": 1.0},
        "acquisition": {"duration_s": seconds, "frame_rate_hz": RATE_HZ},
    }
    return make_phantom(PhantomConfig.model_validate(values)).recording


def definition_of(recording: Recording, tables: dict[str, dict[str, float]]) -> SessionDefinition:
    """Return a session on a recording, armed as soon as it is ready."""
    grid = Reference(recording.frames[0], recording.spacing_mm, recording.plane, recording.name)
    values = {
        "source": {"kind": "mrd", "frames_per_s": RATE_HZ},
        "target": {"kind": "trackrad", "case": "unused"},
        "preview": {"seconds": 0.0},
        **tables,
    }
    config = build(LiveConfig, values, "attack")
    target = Drawn.of_mask("target", recording.first_mask, grid)
    return SessionDefinition(recording.name, config, target, reference=grid, arm_by="attacker")


ATTACKS = (
    Attack(
        "two rebases, target at rest", rebase_twice, PERIOD_S, "one frame period, from leaving the planned envelope"
    ),
    Attack(
        "breath stops, full prediction",
        stopped_breath,
        PERIOD_S,
        "one frame period, beyond the usual error of 1 mm",
        lambda: stopped_breath(8),
    ),
    Attack("every check switched off", unsafe_settings_session, 0.0, "never armed without a typed word"),
    Attack("watchdog killed", watchdog_killed, PERIOD_S + 0.1, "one frame period, and a busy machine"),
    Attack("beam-on of 2 s ago, every port", stale_on, 0.0, "refused"),
)
