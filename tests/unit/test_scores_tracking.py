"""Scores of shapes whose distances are known exactly."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import ndimage

from gatekeeper.core.errors import InputError
from replay.scores.dose import _field, _grown, d98_relative, d98_unbinarised
from replay.scores.tracking import score, score_frame, surface_distances_mm
from tests.support.recordings import disc, recording

SHAPE = (40, 50)


def square(row, col, side=10):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[row : row + side, col : col + side] = True
    return mask


def test_a_mask_scores_full_marks_against_itself():
    result = score_frame(square(5, 5), square(5, 5), (1.0, 2.0))
    assert (result.dsc, result.hd95_mm, result.masd_mm, result.center_mm) == (1.0, 0.0, 0.0, 0.0)


def test_a_square_shifted_along_rows_and_columns():
    result = score_frame(square(8, 9), square(5, 5), (1.0, 2.0))
    assert result.dsc == (7 * 6) / 100
    assert result.center_mm == math.hypot(3.0, 8.0)


def test_surface_distances_are_in_millimetres_along_each_axis():
    row = np.zeros(SHAPE, dtype=bool)
    row[3, 4] = True
    for there, expected_mm in (((3, 10), 12.0), ((9, 4), 3.0), ((7, 7), math.hypot(2.0, 6.0))):
        other = np.zeros(SHAPE, dtype=bool)
        other[there] = True
        assert surface_distances_mm(row, other, (0.5, 2.0)) == pytest.approx([expected_mm])


def test_a_disjoint_square_is_as_far_as_it_was_moved():
    # Every edge pixel looks straight across to the near side of the label: from 11 px away up to 20 px.
    result = score_frame(square(5, 25), square(5, 5), (1.0, 1.0))
    forth = surface_distances_mm(square(5, 25), square(5, 5), (1.0, 1.0))
    assert result.dsc == 0.0
    assert result.center_mm == 20.0
    assert (forth.min(), forth.max(), len(forth)) == (11.0, 20.0, 36)
    assert result.masd_mm == forth.mean()
    assert result.hd95_mm == 20.0


def test_hd95_is_the_worse_direction_and_masd_the_mean_of_both():
    label = square(5, 5)
    predicted = label | square(20, 35, side=3)
    forth = surface_distances_mm(predicted, label, (1.0, 1.0))
    back = surface_distances_mm(label, predicted, (1.0, 1.0))
    assert back.max() == 0.0
    result = score_frame(predicted, label, (1.0, 1.0))
    swapped = score_frame(label, predicted, (1.0, 1.0))
    assert result.hd95_mm == swapped.hd95_mm == np.quantile(forth, 0.95) > 20.0
    assert result.masd_mm == forth.mean() / 2.0


def test_a_square_at_the_border_of_the_image_has_an_edge_there():
    assert len(surface_distances_mm(square(0, 0), square(0, 0), (1.0, 1.0))) == 36


def test_a_lost_target_is_off_by_the_longer_side_of_the_image():
    result = score_frame(np.zeros(SHAPE, dtype=bool), square(5, 5), (2.0, 1.0))
    assert (result.dsc, result.hd95_mm, result.masd_mm, result.center_mm) == (0.0, 80.0, 80.0, 80.0)


def test_frame_0_and_frames_without_label_are_not_scored():
    case = recording(frames=6)
    case.labels[2] = False
    predicted = case.labels.copy()
    predicted[0] = predicted[2] = disc(case.labels.shape[1:], (3, 3), 2)
    result = score(predicted, case)
    assert [frame.sequence for frame in result.frames] == [1, 3, 4, 5]
    assert (result.frames_scored, result.dsc, result.hd95_mm, result.center_mm) == (4, 1.0, 0.0, 0.0)


def test_a_case_score_is_the_mean_over_its_frames():
    case = recording(frames=5, shape=(24, 10))
    result = score((np.roll(label, index, axis=0) for index, label in enumerate(case.labels)), case)
    assert result.center_mm == pytest.approx(1.25 * (1 + 2 + 3 + 4) / 4)
    assert result.center_p95_mm == pytest.approx(1.25 * 3.85)
    assert result.dsc == pytest.approx(np.mean([frame.dsc for frame in result.frames]))
    assert result.hd95_mm == pytest.approx(np.mean([frame.hd95_mm for frame in result.frames]))
    assert result.masd_mm == pytest.approx(np.mean([frame.masd_mm for frame in result.frames]))


@pytest.mark.parametrize("labels", [None, np.zeros((4, 12, 10), dtype=bool)])
def test_without_labels_there_is_no_score(labels):
    assert score(recording().labels, recording(labels=labels)) is None


def test_distances_of_long_outlines_are_those_of_short_ones(monkeypatch):
    mask, other = disc(SHAPE, (20, 25), 8), disc(SHAPE, (23, 21), 11)
    one_by_one = surface_distances_mm(mask, other, (1.3, 0.9))
    monkeypatch.setattr("replay.scores.tracking._MOST_PAIRS", 0)
    assert np.array_equal(surface_distances_mm(mask, other, (1.3, 0.9)), one_by_one)


def test_a_label_on_frame_0_alone_gives_no_score():
    case = recording()
    case.labels[1:] = False
    assert score(case.labels, case) is None


@pytest.mark.parametrize("wrong", [(3, 12, 10), (5, 12, 10), (4, 10, 12), (0, 12, 10)])
def test_masks_that_do_not_fit_the_frames_are_refused(wrong):
    with pytest.raises(InputError, match="P_001"):
        score(np.ones(wrong, dtype=bool), recording())


def test_dose_is_full_without_error_and_gone_with_a_large_one():
    target = disc(SHAPE, (20, 25), 8)
    errors_px = np.zeros((5, 2))
    assert d98_relative(target, errors_px, (1.0, 1.0), None) == 1.0
    for error_px in (24.0, 1000.0):
        assert d98_relative(target, errors_px + np.array([0.0, error_px]), (1.0, 1.0), None) == 0.0


def test_dose_is_that_of_the_whole_field_shifted_on_each_frame():
    # The highest dose is beside the target here, in the margin that the field covers even when it is far off.
    target, errors_px = disc((80, 80), (40, 40), 8), np.zeros((50, 2))
    errors_px[::17] = 0.25, 21.0
    field = _field(target, (1.0, 1.0), 4.0).astype(np.uint8)
    dose = sum(ndimage.shift(field, error_px, order=3, mode="nearest").astype(np.float32) for error_px in errors_px)
    dose /= np.float32(len(errors_px))
    assert dose[target].max() < 0.95 < dose.max()
    counts, edges = np.histogram(dose[target], np.arange(-0.05, dose.max() + 0.1, 0.1))
    volume, doses = np.cumsum(counts[::-1]) / target.sum(), (edges[1:] + edges[:-1])[::-1] / 2.0
    assert d98_relative(target, errors_px, (1.0, 1.0), None) == np.interp(0.98, volume, doses)


def test_the_field_of_a_target_at_the_border_goes_on_beyond_the_image():
    errors_px = np.full((5, 2), (5.0, 0.0))
    assert d98_relative(square(0, 20), errors_px, (1.0, 1.0), None) == 1.0
    assert d98_relative(square(15, 20), errors_px * 3.0, (1.0, 1.0), None) == 0.0


def test_frames_on_which_the_target_is_lost_give_no_dose():
    target = disc(SHAPE, (20, 25), 8)
    errors_px = np.zeros((5, 2))
    errors_px[1] = np.nan
    assert d98_relative(target, errors_px, (1.0, 1.0), None) == pytest.approx(0.8)
    assert d98_relative(target, np.full((5, 2), np.nan), (1.0, 1.0), None) == 0.0


def test_the_beam_forgives_more_in_the_lung():
    target = disc((80, 80), (40, 40), 10)
    errors_px = np.array([[0.0, 0.0], [0.0, 6.7]])
    elsewhere, lung = (d98_relative(target, errors_px, (1.0, 1.0), region) for region in ("abdomen", "lung"))
    assert elsewhere < lung


def test_the_beam_is_of_one_size_in_millimetres_whatever_the_pixels():
    coarse, fine = disc((60, 60), (30, 30), 8), disc((120, 120), (60, 60), 16)
    for error_mm in (4.0, 10.0):
        errors = np.array([[0.0, 0.0], [0.0, error_mm]])
        assert d98_relative(coarse, errors, (1.0, 1.0), None) == pytest.approx(
            d98_relative(fine, errors * 2.0, (0.5, 0.5), None), abs=0.1
        )


def test_a_target_too_small_for_any_dose_has_no_dose_score():
    target = np.zeros(SHAPE, dtype=bool)
    target[20, 25] = True
    assert math.isnan(d98_relative(target, np.zeros((2, 2)), (1.0, 1.0), None))


def test_unbinarised_dose_is_full_without_error_and_gone_with_a_large_one():
    target = disc((60, 60), (30, 30), 8)
    errors_px = np.zeros((5, 2))
    assert d98_unbinarised(target, errors_px, (1.0, 1.0), None) == pytest.approx(1.0, abs=1e-6)
    assert d98_unbinarised(target, errors_px + np.array([0.0, 45.0]), (1.0, 1.0), None) == pytest.approx(0.0, abs=1e-3)
    assert d98_unbinarised(target, np.full((5, 2), np.nan), (1.0, 1.0), None) == 0.0
    assert math.isnan(d98_unbinarised(np.zeros_like(target), errors_px, (1.0, 1.0), None))


def test_unbinarised_dose_sees_errors_that_the_binarised_one_does_not():
    target = disc((60, 60), (30, 30), 8)
    values = [
        [dose(target, np.full((5, 2), (0.0, error_px)), (1.0, 1.0), None) for error_px in (0.0, 1.0, 2.0, 3.0)]
        for dose in (d98_relative, d98_unbinarised)
    ]
    assert values[0] == [1.0] * 4
    assert values[1][0] > values[1][1] > values[1][2] > values[1][3] > 0.5


def test_unbinarised_dose_of_a_disc_is_that_of_its_equations():
    # A disc of 16 mm with 3 mm of margin, blurred by 4 mm, is dosed like the integral of a Gaussian over that disc.
    radius_mm, off_mm, grid = 16.0, 5.0, np.arange(-40.0, 40.0, 0.25)
    y, x = np.meshgrid(grid, grid, indexing="ij")
    blurred = ndimage.gaussian_filter((np.hypot(y, x) <= radius_mm + 3.0).astype(float), 4.0 / 0.25)
    inside = np.hypot(y, x) <= radius_mm
    shifted = np.roll(blurred, round(off_mm / 0.25), axis=1)
    expected = np.quantile(shifted[inside], 0.02) / np.quantile(blurred[inside], 0.02)
    for pixel_mm in (0.5, 1.0, 2.0):
        side = round(80 / pixel_mm)
        target = disc((side, side), (side / 2, side / 2), radius_mm / pixel_mm)
        found = d98_unbinarised(target, np.full((4, 2), (0.0, off_mm / pixel_mm)), (pixel_mm, pixel_mm), None)
        assert found == pytest.approx(expected, abs=0.03 * pixel_mm)


def test_a_score_has_both_doses():
    labels = np.stack([disc((50, 50), (25, 25), 8)] * 4)
    case = recording(shape=(50, 50), spacing_mm=(1.0, 1.0), labels=labels, first_mask=labels[0])
    result = score(np.roll(labels, 2, axis=1), case)
    assert result.d98_relative == 1.0
    assert (
        result.d98_unbinarised == d98_unbinarised(labels[0], np.full((4, 2), (2.0, 0.0)), (1.0, 1.0), "abdomen") < 0.9
    )


def test_margin_of_the_unbinarised_dose_is_counted_in_mm_from_the_nearest_pixel():
    target = np.zeros((20, 20), dtype=bool)
    target[10, 10] = target[13, 12] = True
    share = _grown(target, (1.0, 2.0))
    assert (share[10, 10], share[9, 10], share[7, 10], share[6, 10]) == (1.0, 1.0, 1.0, 0.0)
    assert (share[10, 9], share[10, 8], share[10, 7]) == (1.0, 0.5, 0.0)
    # 3 rows from the one pixel is nearer than 2 columns from the other.
    assert share[10, 12] == 1.0


def test_unbinarised_dose_takes_each_axis_in_its_own_millimetres():
    wide = np.zeros((80, 40), dtype=bool)
    wide[np.ix_(range(30, 50), range(15, 25))] = True  # 20 mm by 20 mm.
    along_rows = d98_unbinarised(wide, np.full((4, 2), (4.0, 0.0)), (1.0, 2.0), None)
    along_cols = d98_unbinarised(wide, np.full((4, 2), (0.0, 2.0)), (1.0, 2.0), None)
    assert along_rows == pytest.approx(along_cols, abs=0.03)
    assert along_rows < 0.9


def test_without_a_first_mask_the_dose_is_planned_on_the_first_label():
    case = recording(shape=(40, 40), first_mask=None, spacing_mm=(1.0, 1.0), labels=None)
    labels = np.stack([disc((40, 40), (20, 20), 8)] * 4)
    with_mask = dataclasses.replace(case, labels=labels, first_mask=labels[0])
    without = dataclasses.replace(case, labels=labels)
    assert score(labels, without).d98_relative == score(labels, with_mask).d98_relative == 1.0
