import numpy as np
import pytest

from kernels.image_checks import is_finite_and_varied_within


def picture(shape=(13, 17)):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def is_finite_and_varied(image):
    return is_finite_and_varied_within(image, 0, image.shape[0], 0, image.shape[1])


def test_read_only_image_is_valid():
    image = picture()
    image.flags.writeable = False
    assert is_finite_and_varied(image)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(1, 2), (3, 5), (13, 17), (64, 64)])
def test_one_bad_pixel_anywhere_makes_an_image_invalid(bad, shape):
    for at in {0, 1, np.prod(shape) // 2, np.prod(shape) - 1}:
        image = picture(shape)
        image.flat[at] = bad
        assert not is_finite_and_varied(image)


@pytest.mark.parametrize("value", [0.0, -3.5, 3e38, np.nan, np.inf])
def test_a_constant_image_is_invalid(value):
    assert not is_finite_and_varied(np.full((13, 17), value, dtype=np.float32))


@pytest.mark.parametrize("at", [0, 1, 220])
def test_one_pixel_of_its_own_is_enough_to_be_varied(at):
    image = np.full((13, 17), 7.0, dtype=np.float32)
    image.flat[at] = np.nextafter(np.float32(7.0), np.float32(8.0))
    assert is_finite_and_varied(image)


def test_an_image_of_the_largest_numbers_is_still_a_picture():
    image = np.array([[3.4e38, -3.4e38], [1e-45, 0.0]], dtype=np.float32)
    assert is_finite_and_varied(image)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 1)])
def test_an_image_of_less_than_two_pixels_is_invalid(shape):
    assert not is_finite_and_varied(np.zeros(shape, dtype=np.float32))


PARTS = [(0, 13, 0, 17), (2, 9, 3, 14), (0, 1, 0, 17), (12, 13, 15, 17), (4, 6, 5, 6)]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_part_is_judged_by_its_own_pixels_and_no_other(part, bad):
    top, bottom, left, right = part
    for row, col in np.ndindex(13, 17):
        image = picture()
        image[row, col] = bad
        within = top <= row < bottom and left <= col < right
        assert is_finite_and_varied_within(image, *part) == (not within)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_varied_as_soon_as_one_pixel_in_it_differs(part):
    top, bottom, left, right = part
    for row, col in np.ndindex(13, 17):
        image = np.full((13, 17), 7.0, dtype=np.float32)
        image[row, col] = 8.0
        within = top <= row < bottom and left <= col < right
        assert is_finite_and_varied_within(image, *part) == within


@pytest.mark.parametrize("part", [(0, 0, 0, 17), (0, 13, 5, 5), (9, 3, 0, 17), (0, 13, 9, 3), (13, 13, 17, 17)])
def test_a_part_without_pixels_is_invalid(part):
    assert not is_finite_and_varied_within(picture(), *part)
