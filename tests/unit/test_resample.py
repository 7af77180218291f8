"""Frames resampled for the kernels: coarse everywhere, and complete around the target."""

import numpy as np
import pytest

from gatekeeper.tracking.region import make_region
from gatekeeper.tracking.resample import Resampler
from tests.oracles import joined
from tests.support.scenes import Scene

SCENE = Scene((204, 226), (0.9, 0.9))
PART = (slice(10, 60), slice(20, 70))
ROWS, COLS = PART


@pytest.fixture
def canonical():
    region = make_region(SCENE.image(), SCENE.disc(), SCENE.spacing_mm)
    assert region.factor == 2
    return Resampler(region, PART)


def sketched(image):
    """Return the upper row of each block, its pixels joined two and two."""
    rows = image[::2].astype(np.float64)
    return rows.reshape(len(rows), -1, 2).mean(axis=2)


def test_a_frame_is_sketched_in_reach_and_nowhere_else(canonical):
    image = SCENE.image()
    resampled = canonical.resample(image)
    np.testing.assert_allclose(resampled.image[PART], sketched(image)[PART], rtol=1e-5)
    assert np.abs(sketched(image) - joined(image, 2))[PART].max() > 1.0
    resampled.image[PART] = 0.0
    assert not resampled.image.any()


def test_who_looks_sees_all_pixels_and_leaves_the_sketch_as_it_is(canonical):
    image = SCENE.image()
    resampled = canonical.resample(image)
    box = slice(20, 30), slice(25, 45)
    np.testing.assert_allclose(resampled.read(20, 30, 25, 45)[box], joined(image, 2)[box], rtol=1e-5)
    np.testing.assert_allclose(resampled.image[PART], sketched(image)[PART], rtol=1e-5)


def test_values_beyond_the_reach_are_those_of_its_edge(canonical):
    image = SCENE.image()
    seen = canonical.resample(image).read(-50, 12, 60, 500)
    box = slice(10, 12), slice(60, 70)
    np.testing.assert_allclose(seen[box], joined(image, 2)[box], rtol=1e-5)
    seen[box] = 0.0
    assert not seen.any()


def test_looking_anywhere_beyond_shows_nothing_and_is_no_error(canonical):
    resampled = canonical.resample(SCENE.image())
    for box in ((-9, -3, 500, 600), (500, 600, -9, -3), (80, 90, 80, 90), (30, 30, 30, 30)):
        assert resampled.read(*box) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_in_the_sketch_is_seen_by_who_looks(canonical, bad):
    image = SCENE.image()
    image[2 * 25 + 1, 2 * 30] = bad
    resampled = canonical.resample(image)
    assert resampled.read(20, 30, 25, 45) is None
    assert resampled.read(20, 25, 25, 45) is not None
    assert canonical.resample(image).copy() is None
    image[2 * 25, 2 * 30] = bad
    assert canonical.resample(image) is None


def test_a_part_that_is_constant_shows_nothing(canonical):
    image = SCENE.image()
    image[40:60, 50:90] = 7.0
    resampled = canonical.resample(image)
    assert resampled.read(20, 30, 25, 45) is None
    assert resampled.read(20, 31, 25, 45) is not None


def test_a_whole_frame_is_a_copy_of_all_in_reach(canonical):
    image = SCENE.image()
    whole = canonical.resample(image).copy()
    canonical.resample(SCENE.image((8.0, 0.0))).copy()
    np.testing.assert_allclose(whole[PART], joined(image, 2)[PART], rtol=1e-5)


@pytest.mark.parametrize("strange", [lambda x: x.astype(np.float64), np.asfortranarray, lambda x: x.astype(">f4")])
def test_frames_of_other_kinds_are_seen_alike(canonical, strange):
    image = SCENE.image()
    expected, found = (canonical.resample(frame).copy() for frame in (image, strange(image)))
    assert expected.tobytes() == found.tobytes()
