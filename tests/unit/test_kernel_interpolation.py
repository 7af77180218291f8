import numpy as np
import pytest

from kernels.interpolation import bilinear, sample, sample_with_gradient
from tests.oracles.interpolation import bilinear_gradients, bilinear_samples
from tests.support.guarded_arrays import assert_fence_stands, fenced

SHAPES = [(2, 2), (2, 9), (9, 2), (13, 11)]


def image_of(shape=(13, 11), seed=0):
    return fenced(np.random.default_rng(seed).normal(size=shape))


def positions(shape, count=400, seed=1):
    """Anywhere over the image and up to three pixels beyond it."""
    spots = np.random.default_rng(seed).uniform(-3.0, np.array(shape) + 2.0, size=(count, 2))
    return np.ascontiguousarray(spots.T, dtype=np.float32)


def sampled(image, rows, cols):
    """Values, gradients along rows and gradients along columns."""
    out = [fenced(np.full(len(rows), 7.0)) for _ in range(3)]
    sample_with_gradient(image, fenced(rows), fenced(cols), *out)
    for array in out:
        assert_fence_stands(array)
    return out


@pytest.mark.parametrize("shape", SHAPES)
def test_samples_agree_with_linear_interpolation(shape):
    image, (rows, cols) = image_of(shape), positions(shape)
    values = [bilinear(image, row, col) for row, col in zip(rows, cols, strict=True)]
    np.testing.assert_allclose(values, bilinear_samples(image, rows, cols), atol=3e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("row_0", "col_0"), [(0.0, 0.0), (5.0, -7.0)])
def test_many_samples_at_a_time_agree_with_linear_interpolation(shape, row_0, col_0):
    image, (rows, cols) = image_of(shape), positions(shape)
    value = fenced(np.full(len(rows), np.nan))
    sample(image, fenced(rows + np.float32(row_0)), fenced(cols + np.float32(col_0)), row_0, col_0, value)
    assert_fence_stands(value)
    np.testing.assert_allclose(value, bilinear_samples(image, rows, cols), atol=1e-5)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 3e38, -3e38, 2.0**31, 2.0**63])
def test_many_samples_at_odd_places_are_those_of_single_ones(odd):
    image = image_of()
    rows, cols = np.array([[odd, 4.3, odd], [2.6, odd, odd]], np.float32)
    value = np.zeros(3, np.float32)
    sample(image, rows, cols, 0.0, 0.0, value)
    single = [bilinear(image, row, col) for row, col in zip(rows, cols, strict=True)]
    np.testing.assert_allclose(value, single, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_differences_over_one_pixel(shape):
    image, (rows, cols) = image_of(shape), positions(shape)
    value, *gradients = sampled(image, rows, cols)
    np.testing.assert_allclose(value, bilinear_samples(image, rows, cols), atol=3e-6)
    np.testing.assert_allclose(gradients, bilinear_gradients(image, rows, cols), atol=6e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_on_pixel_centres_the_pixels_come_back_exactly(shape):
    image = image_of(shape)
    for row, col in np.ndindex(*shape):
        np.testing.assert_allclose(bilinear(image, row, col), image[row, col], rtol=0, atol=3e-7)


def test_gradient_of_a_plane_is_its_slope():
    rows, cols = np.mgrid[:9, :8]
    spots = positions((5, 4)) + 2.0
    inside = (spots > 0.5).all(axis=0) & (spots < 6.5).all(axis=0)
    value, down, right = sampled(fenced(3.0 * rows - 2.0 * cols), *spots[:, inside])
    np.testing.assert_allclose(value, spots[0, inside] * 3.0 - spots[1, inside] * 2.0, atol=1e-5)
    np.testing.assert_allclose(down, 3.0, atol=1e-5)
    np.testing.assert_allclose(right, -2.0, atol=1e-5)


@pytest.mark.parametrize("far", [12.5, 1e6, 1e9, 1e30, np.inf])
@pytest.mark.parametrize("shape", SHAPES)
def test_far_beyond_the_image_its_edge_repeats(far, shape):
    image = image_of(shape)
    last_row, last_col = shape[0] - 1, shape[1] - 1
    for row, at_row in ((-far, 0), (far, last_row), (1.0, 1)):
        for col, at_col in ((-far, 0), (far, last_col), (1.0, 1)):
            np.testing.assert_allclose(bilinear(image, row, col), image[at_row, at_col], rtol=0, atol=3e-7)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_coordinate_that_is_nan_reads_as_zero(shape):
    image = image_of(shape)
    assert bilinear(image, np.nan, np.nan) == image[0, 0]
    assert bilinear(image, np.nan, 1.0) == bilinear(image, 0.0, 1.0)
    assert bilinear(image, 1.0, np.nan) == bilinear(image, 1.0, 0.0)


def test_gradients_anywhere_are_finite_and_none_far_beyond_the_image():
    odd = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 1e9, 5.0], dtype=np.float32)
    rows, cols = (np.ascontiguousarray(axis.ravel()) for axis in np.meshgrid(odd, odd))
    value, down, right = sampled(image_of(), rows, cols)
    assert np.isfinite([value, down, right]).all()
    assert not down[rows != 5.0].any()
    assert not right[cols != 5.0].any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_pixel_spoils_every_sample_that_it_takes_part_in(bad):
    image = image_of()
    image[6, 5] = bad
    rows, cols = positions(image.shape, count=3000)
    near = (np.abs(rows - 6.0) < 1.0) & (np.abs(cols - 5.0) < 1.0)
    value, down, right = sampled(image, rows, cols)
    assert near.sum() > 20
    assert not np.isfinite(value[near]).any()
    assert np.isfinite(value[~near]).all()
    assert not np.isfinite(down[near & (rows != 6.0)]).any()
    assert not np.isfinite(right[near & (cols != 5.0)]).any()


def test_an_image_of_nan_has_no_value_anywhere():
    image = fenced(np.full((5, 6), np.nan))
    for row, col in ((2.0, 3.0), (2.5, 3.5), (-9.0, 2.0), (np.nan, np.inf)):
        assert np.isnan(bilinear(image, row, col))


def test_other_types_are_refused():
    image, line = np.zeros((8, 8), dtype=np.float32), np.zeros(4, dtype=np.float32)
    with pytest.raises(TypeError):
        bilinear(image.astype(np.float64), 1.0, 1.0)
    with pytest.raises(TypeError):
        bilinear(image.T[::2], 1.0, 1.0)
    with pytest.raises(TypeError):
        sample_with_gradient(image, line, line.astype(np.float64), line, line, line)
