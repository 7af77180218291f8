"""What tracking costs when image, target or number of structures grows; limits of growth are in `budgets.RATIOS`."""

from itertools import cycle

import numpy as np
from numpy.typing import DTypeLike
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.ndimage import gaussian_filter

from gatekeeper.tracking.structures import StructureTracker

WARM_UP_FRAMES = 20
ROUNDS = 2000
PLACES_MM = ((0.0, 0.0), (24.0, -24.0), (-24.0, -24.0), (24.0, 24.0))
"""Where the structures stand, so that each has the same surroundings inside the image."""


def _follow(
    benchmark: BenchmarkFixture,
    side: int,
    pixel_mm: float,
    diameter_mm: float,
    dtype: DTypeLike = np.float32,
    structures: int = 1,
) -> None:
    """Measure `track` on tissue that moves up and down by 8 mm, around discs that stand around the image's middle."""
    tissue = np.random.default_rng(0).normal(size=(side, side))
    tissue = gaussian_filter(tissue, 6.0 / pixel_mm, mode="wrap")
    tissue = 1000.0 + 200.0 * tissue / tissue.std()
    shifts_px = np.round(4.0 * (1.0 - np.cos(np.linspace(0.0, 2.0 * np.pi, 16))) / pixel_mm).astype(int)
    frames = [np.ascontiguousarray(np.roll(tissue, shift, axis=0)).astype(dtype) for shift in shifts_px]
    row, col = (np.mgrid[:side, :side] - 0.5 * side) * pixel_mm
    masks = {
        f"disc {down} {right}": (row - down) ** 2 + (col - right) ** 2 <= (0.5 * diameter_mm) ** 2
        for down, right in PLACES_MM[:structures]
    }
    tracker = StructureTracker(frames[0], masks, (pixel_mm, pixel_mm))
    images = cycle(frames)
    for _ in range(WARM_UP_FRAMES):
        assert all(track.confidence > 0.5 for track in tracker.track(next(images)))
    # A fixed number of rounds, so that a slow first call cannot make them few.
    benchmark.pedantic(lambda: tracker.track(next(images)), rounds=ROUNDS)


def test_image_128(benchmark: BenchmarkFixture) -> None:
    _follow(benchmark, 128, 2.0, 30.0)


def test_image_512_wider(benchmark: BenchmarkFixture) -> None:
    _follow(benchmark, 512, 2.0, 30.0)


def test_image_512_finer(benchmark: BenchmarkFixture) -> None:
    _follow(benchmark, 512, 0.5, 30.0)


def test_image_128_uint16(benchmark: BenchmarkFixture) -> None:
    _follow(benchmark, 128, 2.0, 30.0, np.uint16)


def test_image_512_wider_uint16(benchmark: BenchmarkFixture) -> None:
    _follow(benchmark, 512, 2.0, 30.0, np.uint16)


def test_image_512_finer_uint16(benchmark: BenchmarkFixture) -> None:
    _follow(benchmark, 512, 0.5, 30.0, np.uint16)


def test_target_15_mm(benchmark: BenchmarkFixture) -> None:
    _follow(benchmark, 176, 2.0, 15.0)


def test_target_60_mm(benchmark: BenchmarkFixture) -> None:
    _follow(benchmark, 176, 2.0, 60.0)


def test_structures_1(benchmark: BenchmarkFixture) -> None:
    _follow(benchmark, 176, 2.0, 30.0, structures=1)


def test_structures_2(benchmark: BenchmarkFixture) -> None:
    _follow(benchmark, 176, 2.0, 30.0, structures=2)


def test_structures_4(benchmark: BenchmarkFixture) -> None:
    _follow(benchmark, 176, 2.0, 30.0, structures=4)
