import math

import numpy as np
import pytest

from kernels.clearance import clearance
from tests.oracles.clearance import polygon_clearance
from tests.support.polygons import circle, rectangle


@pytest.mark.parametrize("seed", range(30))
def test_it_is_that_of_the_slow_twin(seed):
    rng = np.random.default_rng(seed)
    one = circle(rng.uniform(1.0, 8.0), rng.uniform(-9.0, 9.0, 2), n=int(rng.integers(3, 40)))
    other = circle(rng.uniform(1.0, 8.0), rng.uniform(-9.0, 9.0, 2), n=int(rng.integers(3, 40)))
    spacing_mm = tuple(rng.uniform(0.5, 3.0, 2))
    assert clearance(one, other, *spacing_mm) == pytest.approx(polygon_clearance(one, other, spacing_mm), abs=1e-9)


@pytest.mark.parametrize(
    ("zone", "expected_mm"),
    [
        (rectangle(20, 3, 4, 5), 28.0),
        (rectangle(2, 18, 4, 5), 30.0),
        (rectangle(8, 3, 4, 5), 4.0),
        (rectangle(6, 3, 4, 5), 0.0),
        (rectangle(5, 0, 9, 20), -2.0),
        (rectangle(0, 0, 30, 30), -12.0),
        (rectangle(3, 4, 1, 1), -4.0),
    ],
)
def test_squares_apart_touching_and_inside(zone, expected_mm):
    assert clearance(rectangle(2, 3, 4, 5), zone, 2.0, 3.0) == pytest.approx(expected_mm)


@pytest.mark.parametrize(
    "broken", [np.full((4, 2), np.nan), np.full((4, 2), np.inf), np.zeros((2, 2)), np.empty((0, 2))]
)
def test_what_cannot_be_measured_is_nan(broken):
    square = rectangle(2, 3, 4, 5)
    assert math.isnan(clearance(broken, square, 1.0, 1.0))
    assert math.isnan(clearance(square, broken, 1.0, 1.0))
