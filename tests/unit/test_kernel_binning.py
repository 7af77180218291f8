import numpy as np
import pytest

from kernels.binning import bin_coarsely, bin_pixels
from tests.oracles.binning import joined
from tests.support.guarded_arrays import assert_fence_stands, fenced

PIXELS = [np.float32, np.uint16, np.int16, np.uint8]
FACTORS = [1, 2, 3, 4, 5, 8]


@pytest.mark.parametrize("dtype", PIXELS)
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("part", [(0, 3, 0, 2), (1, 3, 1, 2), (2, 3, 0, 1), (1, 1, 0, 2), (0, 3, 2, 2)])
def test_of_joined_pixels_only_the_part_asked_for_is_filled(dtype, factor, part):
    ends = np.iinfo(dtype) if dtype != np.float32 else np.iinfo(np.int16)
    image = np.random.default_rng(0).integers(ends.min, ends.max, (3 * factor + 1, 2 * factor + 2)).astype(dtype)
    top, bottom, left, right = part
    out, line = fenced(np.full((3, 2), 7.0)), fenced(np.zeros(factor * (right - left)))
    bin_pixels(image, factor, *part, line, out)
    expected = np.full((3, 2), 7.0)
    expected[top:bottom, left:right] = joined(image, factor)[top:bottom, left:right]
    np.testing.assert_allclose(out, expected, rtol=1e-6, atol=0.01)
    assert_fence_stands(out)
    assert_fence_stands(line)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_pixel_spoils_the_joined_pixel_that_it_is_part_of_and_no_other(factor, bad):
    for row, col in np.ndindex(2 * factor, 2 * factor):
        image = np.full((2 * factor, 2 * factor), 3.0, np.float32)
        image[row, col] = bad
        out = np.zeros((2, 2), np.float32)
        bin_pixels(image, factor, 0, 2, 0, 2, np.zeros(2 * factor, np.float32), out)
        assert np.argwhere(~np.isfinite(out)).tolist() == [[row // factor, col // factor]]


def test_nothing_is_read_beyond_the_part_that_is_joined():
    image = np.full((12, 12), np.nan, np.float32)
    image[3:9, 3:6] = 5.0
    out = np.zeros((4, 4), np.float32)
    bin_pixels(image, 3, 1, 3, 1, 2, np.zeros(3, np.float32), out)
    assert out[1:3, 1].tolist() == [5.0, 5.0]
    assert out.sum() == 10.0


def test_whole_numbers_and_the_same_as_float32_join_to_the_same_bits():
    image = np.random.default_rng(1).integers(0, 65536, (40, 60)).astype(np.uint16)
    whole, single = np.zeros((2, 10, 15), np.float32)
    for pixels, out in ((image, whole), (image.astype(np.float32), single)):
        bin_pixels(pixels, 4, 0, 10, 0, 15, np.zeros(60, np.float32), out)
    assert whole.tobytes() == single.tobytes()


def middle(factor):
    """Return which row of a block is sketched."""
    return (factor - 1) // 2


@pytest.mark.parametrize("dtype", PIXELS)
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("part", [(0, 3, 0, 2), (1, 3, 1, 2), (2, 3, 0, 1), (1, 1, 0, 2), (0, 3, 2, 2)])
def test_a_sketch_is_the_mean_over_the_middle_row_of_each_block_of_the_part(dtype, factor, part):
    ends = np.iinfo(dtype) if dtype != np.float32 else np.iinfo(np.int16)
    image = np.random.default_rng(0).integers(ends.min, ends.max, (3 * factor + 1, 2 * factor + 2)).astype(dtype)
    top, bottom, left, right = part
    out = fenced(np.full((3, 2), 7.0))
    bin_coarsely(image, factor, *part, out)
    expected = np.full((3, 2), 7.0)
    rows = image[middle(factor) : 3 * factor : factor, : 2 * factor].astype(np.float64)
    expected[top:bottom, left:right] = rows.reshape(3, 2, factor).mean(axis=2)[top:bottom, left:right]
    np.testing.assert_allclose(out, expected, rtol=1e-6, atol=0.01)
    assert_fence_stands(out)


@pytest.mark.parametrize("factor", FACTORS)
def test_a_sketch_reads_no_other_row(factor):
    image = np.full((4 * factor, 4 * factor), np.nan, np.float32)
    image[factor + middle(factor) : 3 * factor : factor, factor : 2 * factor] = 5.0
    out = np.zeros((4, 4), np.float32)
    bin_coarsely(image, factor, 1, 3, 1, 2, out)
    assert out[1:3, 1].tolist() == [5.0, 5.0]
    assert out.sum() == 10.0


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_pixel_spoils_the_sketch_of_its_block_where_it_is_read(factor, bad):
    for row, col in np.ndindex(2 * factor, 2 * factor):
        image = np.full((2 * factor, 2 * factor), 3.0, np.float32)
        image[row, col] = bad
        out = np.zeros((2, 2), np.float32)
        bin_coarsely(image, factor, 0, 2, 0, 2, out)
        spoilt = [[row // factor, col // factor]] if row % factor == middle(factor) else []
        assert np.argwhere(~np.isfinite(out)).tolist() == spoilt


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_whole_numbers_and_the_same_as_float32_are_sketched_to_the_same_bits(factor):
    image = np.random.default_rng(1).integers(0, 65536, (10 * factor, 15 * factor)).astype(np.uint16)
    whole, single = np.zeros((2, 10, 15), np.float32)
    for pixels, out in ((image, whole), (image.astype(np.float32), single)):
        bin_coarsely(pixels, factor, 0, 10, 0, 15, out)
    assert whole.tobytes() == single.tobytes()


def test_other_types_are_refused():
    image = np.zeros((8, 8))
    with pytest.raises(TypeError):
        bin_pixels(image, 2, 0, 4, 0, 4, np.zeros(8, np.float32), np.zeros((4, 4), np.float32))
    with pytest.raises(TypeError):
        bin_coarsely(image, 2, 0, 4, 0, 4, np.zeros((4, 4), np.float32))
