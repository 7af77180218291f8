import numpy as np
import pytest

from kernels.pyramid import block_mean, smooth
from tests.oracles.pyramid import block_means, smoothed
from tests.support.guarded_arrays import assert_fence_stands, fenced

SHAPES = [(1, 1), (1, 7), (7, 1), (2, 2), (2, 9), (13, 11)]


def image_of(shape, seed=0):
    return fenced(100.0 + 50.0 * np.random.default_rng(seed).normal(size=shape))


def shrunk(image, row, col, factor, shape):
    out = fenced(np.full(shape, np.nan))
    block_mean(image, row, col, factor, out)
    assert_fence_stands(out)
    return out


def smoothed_by_kernel(image, share):
    out, scratch = fenced(np.full(image.shape, np.nan)), fenced(np.full(image.shape, np.nan))
    smooth(image, share, scratch, out)
    assert_fence_stands(out)
    assert_fence_stands(scratch)
    return out


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("shape", SHAPES)
def test_means_over_blocks_repeat_the_edge_beyond_the_image(factor, shape):
    image = image_of(shape)
    for row, col in ((0, 0), (-3, -5), (-4, 2), (1, -8), (5, 6), (-40, -40), (40, 40), (-40, 3)):
        expected = block_means(image, row, col, factor, (6, 5))
        np.testing.assert_allclose(shrunk(image, row, col, factor, (6, 5)), expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5])
def test_a_window_of_whole_blocks_inside_the_image_is_plain(factor):
    image = image_of((40, 40))
    size = 36 // factor
    expected = image[2 : 2 + size * factor, 3 : 3 + size * factor].reshape(size, factor, size, factor).mean(axis=(1, 3))
    np.testing.assert_allclose(shrunk(image, 2, 3, factor, (size, size)), expected, rtol=1e-6)


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_pixel_spoils_its_own_block_and_no_other(factor, bad):
    image = image_of((20, 20))
    image[10, 11] = bad
    out = shrunk(image, 0, 0, factor, (20 // factor, 20 // factor))
    expected = np.zeros(out.shape, dtype=bool)
    if max(10 // factor, 11 // factor) < len(out):
        expected[10 // factor, 11 // factor] = True
    np.testing.assert_array_equal(~np.isfinite(out), expected)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_a_bad_corner_spoils_all_blocks_that_repeat_it(factor):
    image = image_of((9, 9))
    image[0, 0] = np.nan
    out = shrunk(image, -2 * factor, -3 * factor, factor, (4, 5))
    expected = np.zeros(out.shape, dtype=bool)
    expected[:3, :4] = True
    np.testing.assert_array_equal(np.isnan(out), expected)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25])
@pytest.mark.parametrize("shape", SHAPES)
def test_smoothing_is_a_convolution_with_three_weights_along_each_axis(share, shape):
    image = image_of(shape)
    np.testing.assert_allclose(smoothed_by_kernel(image, share), smoothed(image, share), rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_smoothing_in_place_gives_the_same(shape):
    image = image_of(shape)
    expected = smoothed_by_kernel(image, 0.2)
    smooth(image, 0.2, np.empty_like(image), image)
    np.testing.assert_array_equal(image, expected)


def test_smoothing_with_no_share_changes_nothing():
    image = image_of((13, 11))
    np.testing.assert_array_equal(smoothed_by_kernel(image, 0.0), image)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.25])
def test_smoothing_blurs_by_twice_the_share_in_variance_and_keeps_the_mean(share):
    image = np.zeros((9, 9), dtype=np.float32)
    image[4, 4] = 1.0
    out = smoothed_by_kernel(image, share).astype(np.float64)
    away = np.arange(9) - 4.0
    np.testing.assert_allclose(out.sum(), 1.0, rtol=1e-6)
    np.testing.assert_allclose((out.sum(axis=1) @ away**2, out.sum(axis=0) @ away**2), 2.0 * share, rtol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize(("row", "col"), [(0, 0), (3, 4), (8, 8), (0, 5)])
def test_nan_spreads_to_its_neighbours_and_no_farther(share, row, col):
    image = image_of((9, 9))
    image[row, col] = np.nan
    expected = np.zeros((9, 9), dtype=bool)
    expected[max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2] = True
    np.testing.assert_array_equal(np.isnan(smoothed_by_kernel(image, share)), expected)


def test_other_types_are_refused():
    image = np.zeros((8, 8), dtype=np.float32)
    with pytest.raises(TypeError):
        block_mean(image.astype(np.uint16), 0, 0, 2, image)
    with pytest.raises(TypeError):
        block_mean(image[::2], 0, 0, 2, image)
    with pytest.raises(TypeError):
        smooth(image.astype(np.float64), 0.1, image, image)
