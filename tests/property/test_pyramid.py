import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.binning import bin_pixels
from kernels.pyramid import block_mean, smooth
from tests.oracles.binning import joined
from tests.oracles.pyramid import block_means, smoothed
from tests.support.guarded_arrays import assert_fence_stands, fenced

modest = settings(max_examples=80, deadline=None)
pixels = st.integers(-400, 400).map(lambda k: k / 4) | st.just(np.nan)
shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
images = shapes.flatmap(lambda shape: arrays(np.float32, shape, elements=pixels))


@modest
@given(images, st.integers(-30, 30), st.integers(-30, 30), st.integers(1, 6), shapes)
def test_block_means_agree_with_padding_and_reshaping(image, row, col, factor, shape):
    out = fenced(np.full(shape, 7.0))
    block_mean(fenced(image), row, col, factor, out)
    assert_fence_stands(out)
    np.testing.assert_allclose(out, block_means(image, row, col, factor, shape), atol=1e-4)


@modest
@given(st.data(), st.sampled_from([np.float32, np.uint16, np.int16, np.uint8]), st.integers(1, 7), shapes)
def test_joined_pixels_agree_with_reshaping(data, dtype, factor, shape):
    more = data.draw(st.tuples(st.integers(0, factor - 1), st.integers(0, factor - 1)))
    size = (factor * shape[0] + more[0], factor * shape[1] + more[1])
    image = data.draw(arrays(dtype, size, elements=pixels if dtype == np.float32 else None))
    out, line = fenced(np.full(shape, 7.0)), fenced(np.zeros(factor * shape[1]))
    bin_pixels(image, factor, 0, shape[0], 0, shape[1], line, out)
    assert_fence_stands(out)
    assert_fence_stands(line)
    np.testing.assert_allclose(out, joined(image, factor), rtol=1e-5, atol=1e-2)


@modest
@given(images, st.floats(0.0, 0.25))
def test_smoothing_agrees_with_convolution_in_place_or_not(image, share):
    out, scratch, same = fenced(np.full(image.shape, 7.0)), fenced(np.zeros(image.shape)), fenced(image)
    smooth(fenced(image), share, scratch, out)
    np.testing.assert_allclose(out, smoothed(image, share), atol=1e-4)
    smooth(same, share, scratch, same)
    np.testing.assert_array_equal(same, out)
    for array in (out, scratch, same):
        assert_fence_stands(array)
