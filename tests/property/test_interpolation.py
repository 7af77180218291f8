import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.interpolation import bilinear, sample, sample_with_gradient
from tests.oracles.interpolation import bilinear_gradients, bilinear_samples
from tests.support.guarded_arrays import fenced

modest = settings(max_examples=80, deadline=None)
images = st.tuples(st.integers(2, 9), st.integers(2, 9)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.integers(-400, 400).map(lambda k: k / 4))
)
near = st.floats(-3.0, 12.0, width=32)
spots = arrays(np.float32, (2, 20), elements=near)


@modest
@given(images, spots)
def test_samples_and_gradients_agree_with_linear_interpolation(image, spot):
    value, down, right = np.full((3, spot.shape[1]), np.nan, np.float32)
    sample_with_gradient(fenced(image), *spot, value, down, right)
    np.testing.assert_allclose(value, bilinear_samples(image, *spot), atol=2e-3)
    np.testing.assert_allclose([down, right], bilinear_gradients(image, *spot), atol=4e-3)


@modest
@given(images, st.floats(width=32), st.floats(width=32))
def test_a_sample_anywhere_at_all_lies_between_the_darkest_and_the_brightest_pixel(image, row, col):
    value = bilinear(fenced(image), row, col)
    assert image.min() - 1e-3 <= value <= image.max() + 1e-3


@modest
@given(images, near, near, st.data())
def test_a_sample_that_a_bad_pixel_takes_part_in_is_bad(image, row, col, data):
    at = np.clip((row, col), 0.0, np.array(image.shape) - 1.0)
    corner = np.minimum(np.floor(at), np.array(image.shape) - 2).astype(int)
    image[tuple(corner + data.draw(st.tuples(st.integers(0, 1), st.integers(0, 1))))] = np.nan
    assert np.isnan(bilinear(image, row, col))


@modest
@given(images, arrays(np.float32, (2, 20), elements=st.floats(width=32)), st.data())
def test_many_samples_at_a_time_are_those_of_single_ones(image, spot, data):
    at = data.draw(st.tuples(*(st.integers(0, size - 1) for size in image.shape)))
    image[at] = data.draw(st.sampled_from([0.0, np.nan]))
    value = fenced(np.zeros(spot.shape[1]))
    sample(fenced(image), *spot, 0.0, 0.0, value)
    single = [bilinear(image, row, col) for row, col in spot.T]
    np.testing.assert_allclose(value, single, atol=1e-3)
