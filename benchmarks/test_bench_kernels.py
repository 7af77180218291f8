"""Benchmark each kernel, on arrays as for a 176 x 140 frame."""

import itertools

import numpy as np
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Scene
from gatekeeper.gating.liveness import LEARNING_FRAMES, REMEMBERED_NOISE, LivenessMonitor
from gatekeeper.tracking.coarse_start import COARSE_ITERATIONS
from gatekeeper.tracking.template_tracker import FINE_ITERATIONS
from gatekeeper.wire.openigtlink.header import checksum
from kernels.clearance import clearance
from kernels.image_checks import check_image, is_finite_and_varied_within
from kernels.ncc import best_peaks, correlate
from kernels.overlap import area_outside
from kernels.polygon import area, centroid, coverage, fill
from kernels.pyramid import block_mean
from kernels.warp import warp_contour


def test_block_mean(benchmark: BenchmarkFixture, scene: Scene) -> None:
    search = scene.tracker.template_tracker.search
    benchmark(block_mean, scene.images[0], *search.origin, search.factor, search.window)


def test_correlate(benchmark: BenchmarkFixture, scene: Scene) -> None:
    search = scene.tracker.template_tracker.search
    benchmark(correlate, search.window, search.template, search.scores)


def test_best_peaks(benchmark: BenchmarkFixture, scene: Scene) -> None:
    search = scene.tracker.template_tracker.search
    search.run(scene.images[0])
    benchmark(best_peaks, search.scores, 2, search.peaks)


def _fits(benchmark: BenchmarkFixture, scene: Scene, level: str, iterations: int) -> None:
    template_tracker = scene.tracker.template_tracker
    fitted = template_tracker.fine[0] if level == "fine" else template_tracker.coarse
    params: NDArray[np.float32] = np.zeros(2 * len(fitted.template.modes), np.float32)

    def fit_from_the_reference() -> None:
        params[:] = 0.0
        fitted.fit(scene.images[1], params, iterations)

    benchmark(fit_from_the_reference)


def test_coarse_fit(benchmark: BenchmarkFixture, scene: Scene) -> None:
    _fits(benchmark, scene, "coarse", COARSE_ITERATIONS)


def test_fine_fit(benchmark: BenchmarkFixture, scene: Scene) -> None:
    _fits(benchmark, scene, "fine", FINE_ITERATIONS)


def test_warp_contour(benchmark: BenchmarkFixture, scene: Scene) -> None:
    size, modes = len(scene.contour_px), 12
    out = np.empty_like(scene.contour_px)
    contour_px = scene.contour_px.copy()
    benchmark(warp_contour, contour_px, np.ones((modes, size)), np.ones(2 * modes, np.float32), 0.5, 0.5, out)


def test_polygon_area(benchmark: BenchmarkFixture, scene: Scene) -> None:
    benchmark(area, scene.contour_px)


def test_polygon_centroid(benchmark: BenchmarkFixture, scene: Scene) -> None:
    benchmark(centroid, scene.contour_px, np.empty(2))


def test_polygon_fill(benchmark: BenchmarkFixture, scene: Scene) -> None:
    benchmark(fill, scene.contour_px, np.empty(scene.images[0].shape, np.bool_))


def test_polygon_coverage(benchmark: BenchmarkFixture, scene: Scene) -> None:
    benchmark(coverage, scene.contour_px, np.empty(scene.images[0].shape, np.float32))


def test_area_outside(benchmark: BenchmarkFixture, scene: Scene) -> None:
    scratch = np.empty((3, len(scene.envelope.contour_px)), np.int64)
    moved_px = scene.contour_px + 4.0
    benchmark(area_outside, moved_px, scene.envelope.contour_px, scratch)


def test_clearance(benchmark: BenchmarkFixture, scene: Scene) -> None:
    beside_px = np.add(scene.contour_px, (0.0, 40.0))
    benchmark(clearance, np.ascontiguousarray(beside_px), scene.envelope.contour_px, *scene.envelope.spacing_mm)


def test_validity(benchmark: BenchmarkFixture, scene: Scene) -> None:
    image = scene.images[0]
    benchmark(is_finite_and_varied_within, image, 0, image.shape[0], 0, image.shape[1])


def test_survey(benchmark: BenchmarkFixture, scene: Scene) -> None:
    benchmark(check_image, scene.images[0])


def test_survey_512(benchmark: BenchmarkFixture) -> None:
    benchmark(check_image, np.random.default_rng(0).normal(size=(512, 512)).astype(np.float32))


def test_noise(benchmark: BenchmarkFixture, scene: Scene) -> None:
    monitor = LivenessMonitor(scene.envelope)
    numbers = itertools.count()
    for image in scene.images[: LEARNING_FRAMES + REMEMBERED_NOISE]:
        monitor.check(image, next(numbers))
    # In the gate the frame is in the processor's cache, as all its pixels were read just before.
    images = itertools.cycle(scene.images[:2])
    benchmark(lambda: monitor.check(next(images), next(numbers)))


def test_checksum_512(benchmark: BenchmarkFixture) -> None:
    benchmark(checksum, np.random.default_rng(0).bytes(72 + 2 * 512 * 512))
