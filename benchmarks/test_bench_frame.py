"""One frame: found, decided, and both."""

from itertools import cycle

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Scene
from gatekeeper.config import GateConfig
from gatekeeper.engine import Engine
from gatekeeper.frame import Frame
from gatekeeper.gating.gate import Gate


def _frames(scene: Scene) -> list[Frame]:
    spacing_mm = scene.recording.spacing_mm
    return [Frame(image, spacing_mm, i, 0.0, 0.0) for i, image in enumerate(scene.images)]


def test_track(benchmark: BenchmarkFixture, scene: Scene) -> None:
    images = cycle(scene.images)
    benchmark(lambda: scene.tracker.track(next(images)))


def test_decide(benchmark: BenchmarkFixture, scene: Scene, gate_config: GateConfig) -> None:
    gate = Gate(scene.envelope, gate_config)
    frame = _frames(scene)[5]
    track = scene.tracker.track(frame.image)
    benchmark(gate.decide, track, frame, 0.01)


def test_engine_step(benchmark: BenchmarkFixture, scene: Scene, gate_config: GateConfig) -> None:
    engine = Engine(scene.tracker, Gate(scene.envelope, gate_config))
    frames = cycle(_frames(scene))
    benchmark(lambda: engine.step(next(frames), 0.01))
