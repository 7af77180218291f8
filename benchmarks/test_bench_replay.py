"""A whole recording through the live loop into a session's journal."""

from itertools import count
from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Scene
from gatekeeper.clock import VirtualClock
from gatekeeper.config import SessionConfig
from gatekeeper.engine import Engine
from gatekeeper.gating.gate import Gate
from gatekeeper.linac.dry_run import DryRunLinac
from gatekeeper.loop import run_loop
from gatekeeper.recording.session import Session
from replay.player import Player


def test_replay(benchmark: BenchmarkFixture, scene: Scene, tmp_path: Path) -> None:
    config = SessionConfig()
    folders = (tmp_path / str(number) for number in count())

    def whole_replay() -> None:
        clock = VirtualClock()
        engine = Engine(scene.tracker, Gate(scene.envelope, config.gate))
        with Session(next(folders), config) as session:
            player = Player(scene.recording, clock)
            run_loop(player, engine, DryRunLinac(), session, clock, config.gate.max_age_s)

    benchmark.pedantic(whole_replay, rounds=10, warmup_rounds=1)
