import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.polygon import area, centroid, coverage, fill
from tests.oracles.polygon import polygon_area, polygon_centroid, polygon_coverage, polygon_fill
from tests.support.polygons import SIZE, any_polygons, coordinates, simple_polygons

SHAPE = (int(SIZE), int(SIZE) - 2)
modest = settings(max_examples=60, deadline=None)


def filled(contour):
    out = np.ones(SHAPE, dtype=bool)
    fill(contour, out)
    return out


def covered(contour):
    out = np.full(SHAPE, np.nan, dtype=np.float32)
    coverage(contour, out)
    return out


@modest
@given(simple_polygons())
def test_area_and_centroid_agree_with_triangles(contour):
    out = np.empty(2)
    centroid(contour, out)
    np.testing.assert_allclose(area(contour), polygon_area(contour), atol=1e-10)
    if area(contour) > 1e-3:
        np.testing.assert_allclose(out, polygon_centroid(contour), atol=1e-8)


@modest
@given(simple_polygons())
def test_fill_agrees_with_exact_counting(contour):
    np.testing.assert_array_equal(filled(contour), polygon_fill(contour, SHAPE))


@modest
@given(any_polygons(step=0.5))
def test_fill_follows_the_even_odd_rule_when_edges_cross_and_run_through_centres(contour):
    np.testing.assert_array_equal(filled(contour), polygon_fill(contour, SHAPE))


@modest
@given(any_polygons(step=1.0, n_max=4), st.tuples(coordinates(1.0), coordinates(1.0)))
def test_triangles_around_a_point_never_share_or_lose_a_pixel(contour, apex):
    parts = [np.array([contour[i - 1], contour[i], apex]) for i in range(len(contour))]
    parity = np.logical_xor.reduce([filled(part) for part in parts])
    np.testing.assert_array_equal(parity, filled(contour))


@modest
@given(simple_polygons())
def test_coverage_agrees_with_clipping(contour):
    np.testing.assert_allclose(covered(contour), polygon_coverage(contour, SHAPE), atol=3e-6)


@modest
@given(simple_polygons(), st.integers(0, 20))
def test_neither_orientation_nor_first_point_matters(contour, first):
    other = np.ascontiguousarray(np.roll(contour, first, axis=0)[::-1])
    np.testing.assert_array_equal(filled(other), filled(contour))
    np.testing.assert_allclose(covered(other), covered(contour), atol=3e-6)
    np.testing.assert_allclose(area(other), area(contour), atol=1e-10)


@modest
@given(simple_polygons(), st.integers(0, 1), st.sampled_from([np.nan, np.inf, -np.inf]), st.data())
def test_one_bad_coordinate_anywhere_spoils_everything(contour, axis, bad, data):
    contour[data.draw(st.integers(0, len(contour) - 1)), axis] = bad
    assert np.isnan(area(contour))
    assert not filled(contour).any()
    assert not covered(contour).any()
