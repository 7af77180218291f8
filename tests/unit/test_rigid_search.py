"""The search over the whole range: a rigid template, found again wherever it went."""

import numpy as np
import pytest

from gatekeeper.tracking.rigid_search import APART, CANDIDATES, LARGEST_SIDE, LEAST_PEAK, make_search
from tests.support.scenes import Scene

SCENE = Scene((176, 140))
RANGE_MM = (60.0, 30.0)


def search_on(scene=SCENE, center_px=None, half_mm=26.0, finest=2, range_mm=RANGE_MM):
    center_px = np.floor_divide(scene.shape, 2) if center_px is None else np.asarray(center_px)
    half_px = half_mm / np.asarray(scene.spacing_mm)
    return make_search(scene.image(), center_px - half_px, center_px + half_px, scene.spacing_mm, finest, range_mm)


@pytest.mark.parametrize("moved_mm", [(0.0, 0.0), (50.0, 5.0), (-45.0, -8.0), (7.0, 25.0), (-3.0, -25.0)])
def test_the_best_candidate_is_where_the_surroundings_went(moved_mm):
    search = search_on()
    assert search.run(SCENE.image(moved_mm)) >= 1
    found_mm = search.displacement_mm(0)
    half_pixel_mm = 0.5 * search.factor * SCENE.spacing_mm[0]
    np.testing.assert_allclose(found_mm, moved_mm, atol=half_pixel_mm)


@pytest.mark.parametrize(
    ("shape", "spacing_mm"), [((40, 600), (1.2, 2.5)), ((300, 60), (0.5, 4.0)), ((32, 32), (4.0, 4.0))]
)
def test_rows_and_columns_have_their_own_spacing(shape, spacing_mm):
    scene = Scene(shape, spacing_mm)
    search = search_on(scene, half_mm=0.2 * np.multiply(shape, spacing_mm).min(), finest=1)
    for moved_mm in ((6.0, 0.0), (0.0, -6.0)):
        search.run(scene.image(moved_mm))
        np.testing.assert_allclose(search.displacement_mm(0), moved_mm, atol=search.factor * max(spacing_mm))


def test_brightness_and_contrast_change_nothing():
    search, frame = search_on(), SCENE.image((20.0, 3.0))
    search.run(frame)
    expected_mm, score = search.displacement_mm(0), search.peaks[0, 2]
    search.run(2.0 * frame + np.float32(1000.0))
    np.testing.assert_allclose(search.displacement_mm(0), expected_mm, atol=0.02)
    assert search.peaks[0, 2] == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("range_mm", [(5.0, 5.0), (20.0, 10.0), (60.0, 30.0), (200.0, 200.0)])
def test_the_range_is_covered_and_no_more_than_a_pixel_beyond(range_mm):
    search = search_on(range_mm=range_mm)
    step_mm = search.factor * np.asarray(SCENE.spacing_mm)
    for axis in (0, 1):
        for offsets in (search.zero_offset[axis], search.scores.shape[axis] - 1 - search.zero_offset[axis]):
            assert offsets * step_mm[axis] < range_mm[axis] + step_mm[axis]
            half_stays = (SCENE.shape[axis] // 2 // search.factor) - 1
            assert offsets * step_mm[axis] >= min(range_mm[axis], (half_stays - 1) * step_mm[axis])


@pytest.mark.parametrize("half_mm", [1.0, 20.0, 80.0, 1000.0])
@pytest.mark.parametrize("shape", [(32, 32), (32, 1024), (176, 140)])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_a_box_of_any_size_anywhere_is_searched_at_a_cost_that_stays_small(half_mm, shape, place):
    scene = Scene(shape)
    search = search_on(scene, (np.subtract(shape, 1) * place), half_mm)
    assert min(search.template.shape) >= 2
    # Images of less than four of the largest blocks are searched at the resolution they have.
    assert max(search.template.shape) <= max(LARGEST_SIDE + 2, 2 * max(shape) // min(shape) * 4)
    assert search.scores.size <= 100_000
    assert search.run(scene.image()) >= 1
    assert search.displacement_mm(0) == pytest.approx((0.0, 0.0), abs=search.factor * 1.8)
    assert search.peaks[0, 2] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("place", [(0, 0), (0, 139), (175, 0), (175, 139), (88, 0)])
def test_at_every_offset_half_of_the_box_stays_on_the_image(place):
    search = search_on(center_px=place, range_mm=(200.0, 200.0))
    size = np.array(search.template.shape)
    for axis in (0, 1):
        first = search.origin[axis] // search.factor
        last = first + search.scores.shape[axis] - 1
        assert first >= -(size[axis] // 2)
        assert last + size[axis] <= SCENE.shape[axis] // search.factor + (size[axis] + 1) // 2


def test_candidates_are_apart():
    search = search_on()
    assert search.run(SCENE.image((10.0, 0.0))) == CANDIDATES
    for first in range(CANDIDATES):
        for second in range(first + 1, CANDIDATES):
            assert np.abs(search.peaks[first, :2] - search.peaks[second, :2]).max() > APART
    assert (np.diff(search.peaks[:, 2]) <= 0.0).all()


@pytest.mark.parametrize("value", [0.0, 1000.0, np.nan, np.inf])
def test_nothing_is_found_on_a_frame_that_shows_nothing(value):
    search = search_on()
    assert search.run(np.full(SCENE.shape, value, np.float32)) == 0


def test_a_hole_of_nan_is_searched_around():
    search, frame = search_on(), SCENE.image((30.0, 0.0))
    frame[20:30, 20:30] = np.nan
    assert search.run(frame) >= 1
    assert np.isfinite(search.peaks).all()
    np.testing.assert_allclose(search.displacement_mm(0), (30.0, 0.0), atol=3.6)


def test_a_box_without_structure_finds_no_place_better_than_another():
    scene = Scene((120, 100))
    flat = np.where(scene.disc(60.0), 500.0, scene.image()).astype(np.float32)
    search = make_search(flat, np.array([50.0, 40.0]), np.array([70.0, 60.0]), scene.spacing_mm, 2, RANGE_MM)
    search.run(scene.image())
    assert np.abs(search.scores[search.scores > -1.0]).max() < 1e-3


def test_a_weighted_template_is_found_although_its_surroundings_stay():
    center_px, half_px = np.floor_divide(SCENE.shape, 2), np.array([30.0, 25.0])
    weight = SCENE.disc(30.0).astype(np.float32)
    frame, moved_mm = (
        SCENE.image((40.0, 10.0)),
        SCENE.disc(38.0, center_px + np.rint((40.0 / 1.8, 10.0 / 1.8)).astype(int)),
    )
    frame[~moved_mm] = SCENE.image()[~moved_mm]
    search = make_search(SCENE.image(), center_px - half_px, center_px + half_px, SCENE.spacing_mm, 2, RANGE_MM, weight)
    search.run(frame)
    np.testing.assert_allclose(search.displacement_mm(0), (40.0, 10.0), atol=0.5 * search.factor * 1.8)
    assert search.peaks[0, 2] > 0.5


def test_peaks_far_below_the_highest_of_a_weighted_template_are_left_out():
    frame = SCENE.image((20.0, 3.0))
    image = SCENE.image()
    half_px = np.full(2, 26.0) / SCENE.spacing_mm
    center_px = np.floor_divide(SCENE.shape, 2)
    box = center_px - half_px, center_px + half_px
    weighted = make_search(image, *box, SCENE.spacing_mm, 2, RANGE_MM, SCENE.disc(30.0).astype(np.float32))
    assert make_search(image, *box, SCENE.spacing_mm, 2, RANGE_MM).run(frame) == CANDIDATES
    found = weighted.run(frame)
    assert found < CANDIDATES
    assert weighted.peaks[found - 1, 2] >= LEAST_PEAK * weighted.peaks[0, 2] > weighted.peaks[found, 2]
