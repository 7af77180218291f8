import numpy as np
import pytest

from kernels.bias_field import remove_bias_field
from tests.oracles.bias_field import flattened
from tests.support.guarded_arrays import assert_fence_stands, fenced

SHAPES = [(1, 1), (1, 7), (7, 1), (2, 9), (13, 11)]
PLACES = [(0, 0), (2, 3), (-3, -5), (-4, 2), (1, -8), (5, 6), (-40, -40), (40, 40), (-40, 3), (3, 40)]


def varied(shape, seed=0):
    return fenced(1.0 + 0.3 * np.random.default_rng(seed).normal(size=shape))


def flattened_by_kernel(factors, row, col, window):
    out = fenced(window)
    remove_bias_field(factors, row, col, out)
    assert_fence_stands(out)
    return out


@pytest.mark.parametrize(("row", "col"), PLACES)
@pytest.mark.parametrize("shape", SHAPES)
def test_each_pixel_is_multiplied_by_the_field_at_its_place_or_at_the_nearest_edge(shape, row, col):
    factors, window = varied(shape), varied((6, 5), 1)
    expected = flattened(factors, row, col, window)
    np.testing.assert_allclose(flattened_by_kernel(factors, row, col, window), expected, rtol=1e-6)


def test_a_window_inside_the_field_is_a_plain_product():
    factors, window = varied((13, 11)), varied((6, 5), 1)
    np.testing.assert_array_equal(flattened_by_kernel(factors, 4, 3, window), factors[4:10, 3:8] * window)


def test_a_field_of_ones_changes_nothing_not_even_nan():
    window = varied((6, 5))
    window[2, 3] = np.nan
    np.testing.assert_array_equal(flattened_by_kernel(fenced(np.ones((4, 4))), -1, 2, window), window)


def test_a_bad_pixel_spoils_itself_only():
    window = varied((6, 5))
    window[2, 3] = np.nan
    bad = np.isnan(flattened_by_kernel(varied((4, 4)), -1, 2, window))
    assert np.argwhere(bad).tolist() == [[2, 3]]


def test_the_field_is_left_as_it_was():
    factors = varied((5, 5))
    before = factors.copy()
    remove_bias_field(factors, 0, 0, varied((8, 8), 1))
    np.testing.assert_array_equal(factors, before)
    assert_fence_stands(factors)


def test_other_types_are_refused():
    factors = np.ones((8, 8), np.float32)
    with pytest.raises(TypeError):
        remove_bias_field(factors.astype(np.float64), 0, 0, factors)
    with pytest.raises(TypeError):
        remove_bias_field(factors, 0, 0, factors.astype(np.uint16))
    with pytest.raises(TypeError):
        remove_bias_field(factors, 0, 0, factors[::2])
