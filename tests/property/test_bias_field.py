import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.bias_field import remove_bias_field
from tests.oracles.bias_field import flattened
from tests.support.guarded_arrays import assert_fence_stands, fenced

modest = settings(max_examples=80, deadline=None)
pixels = st.integers(-400, 400).map(lambda k: k / 4) | st.just(np.nan)
fields = st.integers(4, 16).map(lambda k: k / 8)
shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
places = st.integers(-30, 30)


def arrays_of(elements):
    return shapes.flatmap(lambda shape: arrays(np.float32, shape, elements=elements))


@modest
@given(arrays_of(fields), places, places, arrays_of(pixels))
def test_flattening_agrees_with_looking_up_each_pixel(factors, row, col, window):
    out = fenced(window)
    remove_bias_field(fenced(factors), row, col, out)
    assert_fence_stands(out)
    np.testing.assert_allclose(out, flattened(factors, row, col, window), rtol=1e-6)


@modest
@given(arrays_of(st.integers(-2, 2).map(lambda k: 2.0**k)), places, places, arrays_of(pixels))
def test_the_inverse_field_takes_it_back(factors, row, col, window):
    out = fenced(window)
    remove_bias_field(fenced(factors), row, col, out)
    remove_bias_field(fenced(1.0 / factors), row, col, out)
    np.testing.assert_array_equal(out, window)
