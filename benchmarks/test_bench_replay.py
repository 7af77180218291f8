"""Benchmark a complete recording through the live loop, and the transfer of one frame to the writer."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Scene
from gatekeeper.config import SessionConfig
from gatekeeper.core.clock import VirtualClock
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.frame import Frame
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.gating.gate import Gate
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.recording.session_folder import SessionRecorder
from gatekeeper.recording.writer_client import OFFLINE_TIMEOUTS
from gatekeeper.session.engine import Engine
from gatekeeper.session.loop import run_loop
from replay.player import Player
from replay.run import replay_input


@pytest.fixture
def sessions(scene: Scene, tmp_path: Path) -> Iterator[Iterator[SessionRecorder]]:
    """Yield sessions that are open, as before the first frame; all are closed at the end."""
    made: list[SessionRecorder] = []

    def fresh() -> Iterator[SessionRecorder]:
        for number in count():
            setup = replay_input(scene.recording).setup
            made.append(SessionRecorder(tmp_path / f"{number}", SessionConfig(), setup, OFFLINE_TIMEOUTS))
            yield made[-1]

    yield fresh()
    for session in made:
        session.close()


def test_replay(benchmark: BenchmarkFixture, scene: Scene, sessions: Iterator[SessionRecorder]) -> None:
    config = SessionConfig()

    def complete_replay(session: SessionRecorder) -> None:
        clock = VirtualClock()
        engine = Engine(scene.tracker, Gate(scene.envelope, config.gate))
        run_loop(Player(scene.recording, clock), engine, DryRunLinac(), session, clock, config.gate.max_age_s)
        session.seal()

    benchmark.pedantic(complete_replay, setup=lambda: ((next(sessions),), {}), rounds=10, warmup_rounds=1)


def test_record(benchmark: BenchmarkFixture, scene: Scene, sessions: Iterator[SessionRecorder]) -> None:
    session = next(sessions)
    frame = Frame(scene.images[0], scene.recording.spacing_mm, 0, 0.0, 0.0)
    decision = Decision(0, 0.0, BeamState.ON, (), 0.0)
    step = Step(decision, frame, Track(scene.contour_px, (100.0, 100.0), 1.0))

    def record() -> None:
        session.record(step, 0.5)
        assert session.fault is None

    benchmark.pedantic(record, rounds=400, warmup_rounds=20)
