import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from kernels.image_checks import check_image
from tests.oracles.image_checks import survey_slowly
from tests.support.guarded_arrays import assert_fence_stands, fenced

SHAPES = [(1, 2), (3, 5), (13, 17), (64, 64)]


def picture(shape=(13, 17)):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", SHAPES)
def test_one_bad_pixel_anywhere_is_found(bad, shape):
    for at in {0, 1, np.prod(shape) // 2, np.prod(shape) - 1}:
        image = picture(shape)
        image.flat[at] = bad
        assert not check_image(image)[0]


@pytest.mark.parametrize("value", [0.0, -3.5, 3e38, 1e-45])
def test_a_constant_image_is_not_varied(value):
    assert check_image(np.full((13, 17), value, dtype=np.float32))[:3] == (True, False, 221)


def test_zero_is_zero_with_either_sign():
    assert not check_image(np.array([[0.0, -0.0, 0.0]], np.float32))[1]
    assert check_image(np.array([[0.0, -0.0, 1e-45]], np.float32))[1]


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (1, 1)])
def test_an_image_of_less_than_two_pixels_is_not_varied(shape):
    assert check_image(np.ones(shape, np.float32))[:2] == (True, False)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_change_of_any_one_pixel_changes_the_fingerprint(shape):
    image = picture(shape)
    before = check_image(image)[3]
    for at in range(image.size):
        for bit in (0, 15, 30, 31):
            changed = image.copy()
            changed.view(np.uint32).flat[at] ^= np.uint32(1 << bit)
            assert check_image(changed)[3] != before


def test_pixels_that_change_places_change_the_fingerprint():
    image = picture((16, 16))
    fingerprints = {check_image(np.roll(image, (row, col), (0, 1)))[3] for row in range(16) for col in range(16)}
    assert len(fingerprints) == 256


def test_noise_never_repeats_a_fingerprint():
    rng = np.random.default_rng(1)
    assert len({check_image(rng.integers(0, 4, (8, 8)).astype(np.float32))[3] for _ in range(20_000)}) == 20_000


def test_nothing_is_read_or_written_beyond_the_image():
    image = fenced(picture())
    assert check_image(image)[:3] == (True, True, 1)
    assert_fence_stands(image)


@settings(max_examples=200, deadline=None)
@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_it_sees_what_a_slow_look_sees(image):
    found, expected = check_image(image), survey_slowly(image)
    assert found[0] == expected[0]
    if found[0]:
        assert found[1:3] == expected[1:3]
    assert found[3] == check_image(image.copy())[3]
