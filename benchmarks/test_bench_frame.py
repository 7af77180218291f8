"""Benchmark tracking, deciding, and both on one frame."""

from collections.abc import Iterable, Iterator
from itertools import count, cycle

import numpy as np
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Scene
from gatekeeper.config import GateConfig
from gatekeeper.core.decision import BeamState
from gatekeeper.core.frame import Frame
from gatekeeper.gating.gate import Gate
from gatekeeper.session.engine import Engine


def _frames(scene: Scene, images: Iterable[NDArray[np.float32]]) -> Iterator[Frame]:
    """Yield images repeatedly, as frames with rising numbers."""
    again = cycle(images)
    return (Frame(next(again), scene.recording.spacing_mm, i, 0.0, 0.0) for i in count())


def test_track(benchmark: BenchmarkFixture, scene: Scene) -> None:
    images = cycle(scene.images)
    benchmark(lambda: scene.tracker.track(next(images)))


def test_decide(benchmark: BenchmarkFixture, scene: Scene, gate_config: GateConfig) -> None:
    # The frames are shown again and again, which a live session holds.
    config = gate_config.model_copy(update={"retrospective": True})
    gate, frames = Gate(scene.envelope, config), _frames(scene, scene.images[:2])
    track = scene.tracker.track(scene.images[0])
    benchmark(lambda: gate.decide(track, next(frames), 0.01))
    assert gate.state.beam is BeamState.ON


def test_engine_step(benchmark: BenchmarkFixture, scene: Scene, gate_config: GateConfig) -> None:
    engine, frames = Engine(scene.tracker, Gate(scene.envelope, gate_config)), _frames(scene, scene.images)
    benchmark(lambda: engine.step(next(frames), 0.01))
