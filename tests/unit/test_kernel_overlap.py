import math

import numpy as np
import pytest

from kernels.overlap import area_outside, areas, largest_area_outside
from kernels.polygon import area
from tests.support.polygons import circle, lens, rectangle

SCRATCH = np.empty((3, 1024), dtype=np.int64)


def outside(contour, envelope):
    return area_outside(contour, envelope, SCRATCH)


@pytest.mark.parametrize("distance", [0.0, 2.0, 5.0, 9.3, 14.0, 25.0, 26.0, 40.0])
def test_circles_share_a_lens(distance):
    contour = circle(10.0, (50.0, 40.0), n=1024)
    envelope = circle(15.0, (50.0 + 0.6 * distance, 40.0 - 0.8 * distance), n=1000)
    expected = 100.0 * (1.0 - lens(10.0, 15.0, distance) / (math.pi * 100.0))
    percent = 100.0 * outside(contour, envelope) / area(contour)
    np.testing.assert_allclose(percent, expected, atol=2e-3)


@pytest.mark.parametrize("turn_contour", [1, -1])
@pytest.mark.parametrize("turn_envelope", [1, -1])
def test_orientation_does_not_matter(turn_contour, turn_envelope):
    contour = rectangle(0, 0, 4, 5)[::turn_contour].copy()
    envelope = rectangle(1, 2, 10, 10)[::turn_envelope].copy()
    assert outside(contour, envelope) == pytest.approx(20.0 - 9.0, abs=1e-12)


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        pytest.param(rectangle(2, 3, 4, 5), 0.0, id="identical"),
        pytest.param(rectangle(0, 0, 9, 9), 0.0, id="nested"),
        pytest.param(rectangle(2, 3, 4, 9), 0.0, id="nested, sharing three edges"),
        pytest.param(rectangle(3, 4, 1, 1), 19.0, id="around"),
        pytest.param(rectangle(2, 3, 4, 2), 12.0, id="inside, sharing three edges"),
        pytest.param(rectangle(2, 8, 4, 5), 20.0, id="touching along a column"),
        pytest.param(rectangle(6, 3, 4, 5), 20.0, id="touching along a row"),
        pytest.param(rectangle(6, 8, 4, 5), 20.0, id="touching at a corner"),
        pytest.param(rectangle(50, 3, 4, 5), 20.0, id="beyond in rows"),
        pytest.param(rectangle(2, 50, 4, 5), 20.0, id="beyond in columns"),
        pytest.param(np.empty((0, 2)), 20.0, id="no envelope"),
        pytest.param(np.array([[2.0, 3.0], [6.0, 8.0]]), 20.0, id="envelope without area"),
    ],
)
def test_squares_that_touch_nest_or_miss_are_no_special_cases(envelope, expected):
    assert outside(rectangle(2, 3, 4, 5), envelope) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 5e-324, 1e-300, 1e-15, 1e-12, 1e-9, 1e-3])
def test_the_smallest_shifts_change_the_area_by_as_little(shift):
    contour = circle(10.0, (50.0, 40.0), n=256)
    for direction in ((1, 0), (0, 1), (1, 1)):
        moved = contour + np.multiply(shift, direction)
        assert 0.0 <= outside(moved, contour) <= 30.0 * shift + 1e-10


@pytest.mark.parametrize("thin", [5e-324, 1e-310, 1e-20])
def test_an_edge_that_is_almost_but_not_quite_horizontal_is_harmless(thin):
    contour = np.array([[-thin, 0.0], [thin, 4.0], [5.0, 4.0], [5.0 + thin, 0.0]])
    for envelope in (contour, rectangle(-thin, -1, 9, 9), rectangle(0, 0, 5, 4)):
        assert outside(contour, envelope) == pytest.approx(0.0, abs=1e-10)
        assert outside(envelope, contour) == pytest.approx(area(envelope) - 20.0, abs=1e-10)


def test_a_contour_in_the_notch_of_its_envelope_is_outside():
    horseshoe = np.array([[0, 0], [0, 9], [9, 9], [9, 6], [3, 6], [3, 3], [9, 3], [9, 0]], dtype=float)
    assert outside(rectangle(4, 3, 4, 3), horseshoe) == pytest.approx(12.0, abs=1e-12)
    assert outside(rectangle(4, 2, 4, 5), horseshoe) == pytest.approx(12.0, abs=1e-12)


def test_a_loop_turned_inside_out_counts_as_outside():
    eight = np.array([[0, 0], [4, 4], [4, 0], [0, 4.0], [-8, 4], [-8, 0]])
    keeps_all_but_the_loop = rectangle(-9, -1, 10, 6)
    assert area(eight) < 32.0 + 4.0
    assert outside(eight, keeps_all_but_the_loop) > 4.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
def test_a_coordinate_that_is_no_position_gives_no_area(bad):
    good = rectangle(2, 3, 4, 5)
    spoiled = good.copy()
    spoiled[2, 1] = bad
    assert np.isnan(outside(spoiled, good))
    assert np.isnan(outside(good, spoiled))


def test_too_little_scratch_gives_no_area():
    many, few = circle(10.0, n=64), circle(10.0, n=5)
    for scratch in (np.empty((3, 63), dtype=np.int64), np.empty((2, 128), dtype=np.int64)):
        assert np.isnan(area_outside(many, few, scratch))
        assert np.isnan(area_outside(few, many, scratch))


def test_the_largest_of_several_shifts_counts():
    contour, envelope = circle(8.0, (20.0, 20.0)), np.ascontiguousarray(circle(10.0, (21.0, 19.0))[::-1])
    shifts = np.array([[0.0, 0.0], [3.0, 0.0], [-3.0, 0.0], [0.0, 2.0], [0.0, -6.0]])
    each = [area_outside(contour + shift, envelope, np.empty((3, 1000), np.int64)) for shift in shifts]
    for count in range(len(shifts) + 1):
        found = _largest(contour, envelope, shifts[:count])
        assert found == pytest.approx(max([0.0, *each[:count]]), abs=1e-9)
    assert each[-1] > each[1] > each[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_a_shift_that_is_no_distance_gives_no_area(bad):
    contour = circle(8.0, (20.0, 20.0))
    assert math.isnan(_largest(contour, contour, np.array([[0.0, 0.0], [bad, 0.0], [0.0, 0.0]])))
    assert math.isnan(_largest(contour * bad, contour, np.zeros((1, 2))))
    assert math.isnan(_largest(contour, contour, np.zeros((1, 2)), points=3))


def _largest(contour, envelope, shifts, points=1000):
    return largest_area_outside(contour, envelope, shifts, np.empty((3, points), np.int64), np.empty_like(envelope))


def test_both_areas_are_those_of_the_contour():
    contour, envelope = circle(10.0, (50.0, 40.0)), circle(8.0, (53.0, 41.0))
    assert areas(contour, envelope, SCRATCH) == (outside(contour, envelope), area(contour))
    assert np.isnan(areas(np.full((5, 2), np.nan), envelope, SCRATCH)).all()
