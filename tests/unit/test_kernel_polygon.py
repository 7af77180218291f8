import numpy as np
import pytest

from kernels.polygon import area, centroid, coverage, fill, is_measurable, widen
from tests.oracles import polygon as oracles
from tests.support.polygons import circle, rectangle


def filled(contour, shape=(8, 9)):
    out = np.ones(shape, dtype=bool)
    fill(contour, out)
    return out


def covered(contour, shape=(8, 9)):
    out = np.full(shape, np.nan, dtype=np.float32)
    coverage(contour, out)
    return out


def centre(contour):
    out = np.empty(2)
    centroid(contour, out)
    return out


def test_area_and_centroid_of_a_rectangle_are_exact():
    contour = rectangle(1.5, -2.0, 3.0, 4.0)
    assert area(contour) == 12.0
    assert area(contour[::-1].copy()) == 12.0
    np.testing.assert_allclose(centre(contour), (3.0, 0.0), rtol=0, atol=1e-14)


def test_area_of_a_small_polygon_far_from_the_origin_keeps_its_digits():
    np.testing.assert_allclose(area(rectangle(1e6, 1e6, 0.5, 0.25)), 0.125, rtol=1e-12)


def test_centroid_of_a_polygon_without_area_is_the_mean_of_its_points():
    np.testing.assert_allclose(centre(np.array([[0.1, 0.3], [0.2, 0.6], [0.6, 1.8]])), (0.3, 0.9), atol=1e-15)
    np.testing.assert_array_equal(centre(np.array([[3.0, 4.0]])), (3.0, 4.0))
    assert np.isnan(centre(np.empty((0, 2)))).all()


def test_a_centre_on_the_first_edge_belongs_and_on_the_last_does_not():
    expected = np.zeros((8, 9), dtype=bool)
    expected[1:4, 2:5] = True
    np.testing.assert_array_equal(filled(rectangle(1, 2, 3, 3)), expected)
    np.testing.assert_array_equal(filled(rectangle(0.5, 1.5, 3, 3)), expected)


@pytest.mark.parametrize("lean", [-40, -7, 0, 1, 13, 39])
def test_centres_exactly_on_a_slanting_edge_are_seen_to_be_on_it(lean):
    rows, cols = np.mgrid[:50, :60]
    for height in range(1, 51):
        contour = np.array([[0, 20], [height, 20 + lean], [height, 27 + lean], [0, 27]], dtype=float)
        ahead = (cols - 20) * height - rows * lean
        expected = (ahead >= 0) & (ahead < 7 * height) & (rows < height)
        np.testing.assert_array_equal(filled(contour, (50, 60)), expected)


def test_coverage_of_a_shifted_square_is_the_product_of_the_overlaps():
    across = np.array([0, 0.25, 1, 1, 0.75, 0, 0, 0, 0])
    down = np.array([0, 0, 0.5, 1, 0.5, 0, 0, 0])
    np.testing.assert_allclose(covered(rectangle(2.0, 1.25, 2.0, 3.0)), np.outer(down, across), atol=1e-7)


def test_coverage_of_a_triangle_inside_one_pixel_is_its_area():
    out = covered(np.array([[2.1, 3.0], [2.4, 3.0], [2.1, 3.2]]))
    np.testing.assert_allclose(out[2, 3], 0.03, rtol=1e-6)
    assert np.count_nonzero(out) == 1


@pytest.mark.parametrize("raster", [filled, covered])
def test_a_polygon_larger_than_the_image_covers_it(raster):
    assert (raster(rectangle(-1e6, -1e6, 3e6, 3e6)) == 1).all()


@pytest.mark.parametrize("raster", [filled, covered])
@pytest.mark.parametrize(("row", "col"), [(-20, 2), (20, 2), (2, -20), (2, 20), (-1e7, -1e7)])
def test_a_polygon_beside_the_image_covers_nothing(raster, row, col):
    assert not raster(rectangle(row, col, 5, 5)).any()


@pytest.mark.parametrize("raster", [filled, covered])
def test_a_circle_over_a_corner_keeps_the_part_on_the_image(raster):
    whole = raster(circle(5.0, (20.3, 20.7)), (41, 41))
    np.testing.assert_allclose(raster(circle(5.0, (0.3, 0.7)), (21, 21)), whole[20:, 20:], atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300, -1.0001e7])
@pytest.mark.parametrize("at", [(0, 0), (3, 1)])
def test_a_coordinate_that_is_no_position_never_looks_like_a_target(bad, at):
    contour = rectangle(1, 2, 3, 3)
    contour[at] = bad
    assert not is_measurable(contour)
    assert np.isnan(area(contour))
    assert np.isnan(centre(contour)).all()
    assert not filled(contour).any()
    assert not covered(contour).any()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_points_enclose_nothing(n):
    contour = rectangle(1, 2, 3, 3)[:n].copy()
    assert area(contour) == 0.0
    assert not filled(contour).any()
    assert not covered(contour).any()


@pytest.mark.parametrize("thin", [5e-324, 1e-310, 1e-20])
def test_an_almost_horizontal_edge_through_pixel_centres_is_harmless(thin):
    contour = np.array([[-thin, 1.0], [thin, 4.0], [3.0, 4.0], [3.0, 1.0]])
    mask = filled(contour)
    np.testing.assert_array_equal(mask[1:], filled(rectangle(0, 1, 3, 3))[1:])
    assert not mask[0, [0, *range(4, 9)]].any()
    np.testing.assert_allclose(covered(contour), covered(rectangle(0, 1, 3, 3)), atol=1e-7)


def test_an_image_without_pixels_is_left_alone():
    for shape in ((0, 5), (5, 0)):
        assert filled(circle(3.0), shape).size == 0
        assert covered(circle(3.0), shape).size == 0


@pytest.mark.parametrize("by_mm", [0.0, 1.3, -0.7])
@pytest.mark.parametrize("turned", [False, True])
def test_a_widened_outline_is_further_out_by_the_distance(by_mm, turned):
    round_px = circle(6.0, (9.0, 7.0), n=40) * (1.0, 1.6)
    round_px[3] = round_px[1]
    contour = np.ascontiguousarray(round_px[::-1] if turned else round_px)
    out = np.empty_like(contour)
    widen(contour, by_mm, 2.0, 1.5, out)
    np.testing.assert_allclose(out, oracles.widened(contour, by_mm, (2.0, 1.5)), atol=1e-12)
    assert np.sign(area(out) - area(contour)) == np.sign(by_mm)


@pytest.mark.parametrize("by_mm", [np.nan, np.inf])
def test_an_outline_that_is_widened_by_no_number_is_nowhere(by_mm):
    contour = circle(5.0)
    out = np.zeros_like(contour)
    widen(contour, by_mm, 2.0, 1.5, out)
    assert not is_measurable(out)
