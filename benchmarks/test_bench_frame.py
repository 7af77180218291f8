"""Benchmark tracking, deciding, and both on one frame."""

from collections.abc import Iterable, Iterator
from itertools import count, cycle

import numpy as np
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Scene
from gatekeeper.config import GateConfig
from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.frame import Frame
from gatekeeper.gating.gate import Gate
from gatekeeper.session.engine import Engine


def _frames(scene: Scene, images: Iterable[NDArray[np.float32]]) -> Iterator[Frame]:
    """Yield images repeatedly, as frames with rising numbers; one pixel changes, as the same picture is not live."""
    for i, image in zip(count(), cycle(images), strict=False):
        image[0, 0] = i
        yield Frame(image, scene.recording.spacing_mm, i, 0.0, 0.0)


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
    gate = Gate(scene.envelope, gate_config)
    engine, frames = Engine(scene.tracker, gate), _frames(scene, scene.images)
    benchmark(lambda: engine.step(next(frames), 0.01))
    assert Reason.NOT_LIVE not in gate.state.reasons
