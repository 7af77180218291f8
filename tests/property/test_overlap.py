import numpy as np
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kernels.overlap import area_outside
from kernels.polygon import area
from tests.oracles.overlap import area_where
from tests.support.polygons import any_polygons, simple_polygons

SCRATCH = np.empty((3, 64), dtype=np.int64)
modest = settings(max_examples=100, deadline=None)


def outside(contour, envelope):
    return area_outside(contour, envelope, SCRATCH)


@modest
@given(simple_polygons(), simple_polygons())
def test_area_outside_agrees_with_shapely(contour, envelope):
    expected = shapely.Polygon(contour).difference(shapely.Polygon(envelope)).area
    np.testing.assert_allclose(outside(contour, envelope), expected, atol=1e-9)


@modest
@given(simple_polygons(), simple_polygons())
def test_area_outside_agrees_with_slabs(contour, envelope):
    expected = area_where(contour, envelope, lambda target, inside: bool(target) and not inside)
    np.testing.assert_allclose(outside(contour, envelope), expected, atol=1e-9)


@modest
@given(simple_polygons(n_max=8).map(np.round), simple_polygons(n_max=8).map(np.round))
def test_polygons_on_a_lattice_that_touch_and_share_edges_agree_with_shapely(contour, envelope):
    a, b = shapely.Polygon(contour), shapely.Polygon(envelope)
    assume(a.is_valid and b.is_valid)
    np.testing.assert_allclose(outside(contour, envelope), a.difference(b).area, atol=1e-10)


@modest
@given(simple_polygons(), st.floats(-1e-6, 1e-6), st.floats(-1e-6, 1e-6))
def test_a_polygon_moved_by_almost_nothing_is_almost_not_outside(contour, rows, cols):
    perimeter = np.hypot(*(contour - np.roll(contour, 1, axis=0)).T).sum()
    assert outside(contour, contour) <= 1e-10
    assert outside(contour + np.array([rows, cols]), contour) <= perimeter * np.hypot(rows, cols) + 1e-10


@modest
@given(any_polygons(n_max=12), simple_polygons())
def test_a_contour_that_crosses_itself_never_looks_better_than_its_winding(contour, envelope):
    found = outside(contour, envelope)
    truth = area_where(contour, envelope, lambda target, inside: target != 0 and not inside)
    region = area_where(contour, envelope, lambda target, inside: target != 0)
    assert 0.0 <= found <= area(contour)
    if area(contour) > 1e-6:
        assert found / area(contour) >= min(truth / region, 1.0) - 1e-9


@modest
@given(simple_polygons(), simple_polygons(), st.data())
def test_one_bad_coordinate_anywhere_gives_no_area(contour, envelope, data):
    spoiled = data.draw(st.sampled_from([contour, envelope]))
    at = data.draw(st.integers(0, len(spoiled) - 1)), data.draw(st.integers(0, 1))
    spoiled[at] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    assert np.isnan(outside(contour, envelope))
