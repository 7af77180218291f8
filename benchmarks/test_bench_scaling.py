"""Benchmark tracking with growing image, target and number of structures; limits are in `budgets.RATIOS`."""

from itertools import cycle

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.ndimage import gaussian_filter

from gatekeeper.tracking.tracker import StructureTracker

WARM_UP_FRAMES = 20
ROUNDS = 2000
FINEST_MM, PERIOD_MM = 0.5, 256.0
"""Pixel size in which the tissue is drawn, and period with which it repeats."""
CENTERS_MM = ((0.0, 0.0), (24.0, -24.0), (-24.0, -24.0), (24.0, 24.0))
"""Centres of the structures, chosen so that each has the same surroundings inside the image."""


def _frames(side: int, pixel_mm: float, dtype: DTypeLike) -> list[NDArray[np.generic]]:
    """Return frames of tissue that moves up and down by 8 mm.

    Tissue and motion are the same for any number and size of pixels, each of which is the mean over its area.
    """
    across, joined = round(PERIOD_MM / FINEST_MM), round(pixel_mm / FINEST_MM)
    tissue = np.random.default_rng(0).normal(size=(across, across))
    tissue = gaussian_filter(tissue, 6.0 / FINEST_MM, mode="wrap")
    tissue = 1000.0 + 200.0 * tissue / tissue.std()
    shifts = np.round(4.0 * (1.0 - np.cos(np.linspace(0.0, 2.0 * np.pi, 16))) / FINEST_MM).astype(int)
    count = across // joined
    shown = (np.arange(side) - side // 2) % count
    frames = []
    for shift in shifts:
        blocks = np.roll(tissue, shift, axis=0).reshape(count, joined, count, joined)
        frames.append(blocks.mean(axis=(1, 3))[np.ix_(shown, shown)].astype(dtype))
    return frames


def _track(
    benchmark: BenchmarkFixture,
    side: int,
    pixel_mm: float,
    diameter_mm: float,
    dtype: DTypeLike = np.float32,
    structures: int = 1,
) -> None:
    """Measure `track` on discs around the image's middle."""
    frames = _frames(side, pixel_mm, dtype)
    row, col = (np.mgrid[:side, :side] - 0.5 * side) * pixel_mm
    masks = {
        f"disc {down} {right}": (row - down) ** 2 + (col - right) ** 2 <= (0.5 * diameter_mm) ** 2
        for down, right in CENTERS_MM[:structures]
    }
    tracker = StructureTracker(frames[0], masks, (pixel_mm, pixel_mm))
    images = cycle(frames)
    for _ in range(WARM_UP_FRAMES):
        assert all(track.confidence > 0.5 for track in tracker.track(next(images)))
    # A fixed number of rounds, since pytest-benchmark would do fewer after a slow first call.
    benchmark.pedantic(lambda: tracker.track(next(images)), rounds=ROUNDS)


def test_image_128(benchmark: BenchmarkFixture) -> None:
    _track(benchmark, 128, 2.0, 30.0)


def test_image_512_wider(benchmark: BenchmarkFixture) -> None:
    _track(benchmark, 512, 2.0, 30.0)


def test_image_512_finer(benchmark: BenchmarkFixture) -> None:
    _track(benchmark, 512, 0.5, 30.0)


def test_image_128_uint16(benchmark: BenchmarkFixture) -> None:
    _track(benchmark, 128, 2.0, 30.0, np.uint16)


def test_image_512_wider_uint16(benchmark: BenchmarkFixture) -> None:
    _track(benchmark, 512, 2.0, 30.0, np.uint16)


def test_image_512_finer_uint16(benchmark: BenchmarkFixture) -> None:
    _track(benchmark, 512, 0.5, 30.0, np.uint16)


def test_target_15_mm(benchmark: BenchmarkFixture) -> None:
    _track(benchmark, 176, 2.0, 15.0)


def test_target_60_mm(benchmark: BenchmarkFixture) -> None:
    _track(benchmark, 176, 2.0, 60.0)


def test_structures_1(benchmark: BenchmarkFixture) -> None:
    _track(benchmark, 176, 2.0, 30.0, structures=1)


def test_structures_2(benchmark: BenchmarkFixture) -> None:
    _track(benchmark, 176, 2.0, 30.0, structures=2)


def test_structures_4(benchmark: BenchmarkFixture) -> None:
    _track(benchmark, 176, 2.0, 30.0, structures=4)
