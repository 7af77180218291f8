"""The challenge's scores with all that is particular about them."""

import math

import numpy as np
import pytest

from replay.scores.tracking import surface_distances_mm
from replay.scores.trackrad_official import official_score
from tests.support.recordings import disc

SHAPE = (40, 30)


def square(row, col, side=8, shape=SHAPE):
    mask = np.zeros(shape, dtype=bool)
    mask[row : row + side, col : col + side] = True
    return mask


LABELS = np.stack([square(10, 10)] * 5)


def test_frame_0_is_not_scored():
    masks = LABELS.copy()
    masks[0] = square(20, 20)
    result = official_score(masks, LABELS, None)
    assert result.dice_similarity_coefficient == 1.0
    assert result.hausdorff_distance_95 == result.surface_distance_average == result.center_distance == 0.0


def test_distances_are_in_pixels_and_surface_distance_looks_from_the_prediction_only():
    label = square(10, 10, 12)
    inside = square(12, 12, 4)
    result = official_score([label, inside], [label, label], None)
    forth, back = (surface_distances_mm(*pair, (1.0, 1.0)) for pair in ((inside, label), (label, inside)))
    assert result.surface_distance_average == pytest.approx(forth.mean())
    assert forth.mean() < back.mean()
    assert result.hausdorff_distance_95 == pytest.approx(np.quantile(back, 0.95))
    assert result.center_distance == pytest.approx(math.hypot(2.0, 2.0))
    assert result.dice_similarity_coefficient == pytest.approx(2 * 16 / (16 + 144))


def test_frames_without_truth_are_left_out():
    labels, masks = LABELS.copy(), LABELS.copy()
    labels[2] = False
    masks[2] = square(20, 20)
    assert official_score(masks, labels, None).dice_similarity_coefficient == 1.0


def test_a_lost_target_scores_0_and_the_longer_side_in_pixels():
    masks = LABELS.copy()
    masks[3] = False
    result = official_score(masks, LABELS, None)
    assert result.dice_similarity_coefficient == 0.75
    assert result.hausdorff_distance_95 == result.surface_distance_average == result.center_distance == 10.0


def test_a_target_that_is_always_lost_has_the_worst_scores_of_all():
    result = official_score(np.zeros_like(LABELS), LABELS, None)
    assert result.dice_similarity_coefficient == result.relative_d98_dose == 0.0
    assert result.hausdorff_distance_95 == result.surface_distance_average == result.center_distance == 40.0


def test_what_is_left_out_as_the_first_frame_is_the_first_with_truth_and_prediction():
    masks = LABELS.copy()
    masks[0] = False
    masks[1] = square(11, 10)
    # The challenge puts lost frames last: frame 0 counts as lost, and frame 1 is the one that does not count.
    assert official_score(masks, LABELS, None).dice_similarity_coefficient == 0.75
    labels = LABELS.copy()
    labels[0] = False
    masks[0], masks[1] = LABELS[0], square(20, 20)
    assert official_score(masks, labels, None).dice_similarity_coefficient == 1.0


def test_columns_beyond_the_number_of_rows_are_cut_off_from_surface_distances():
    wide = (20, 50)
    label, mask = square(5, 16, 8, wide), square(5, 14, 8, wide)
    result = official_score([label, mask], [label, label], None)
    cut = surface_distances_mm(mask[:, :20], label[:, :20], (1.0, 1.0))
    assert result.surface_distance_average == pytest.approx(cut.mean())
    assert result.center_distance == 2.0
    beyond = square(5, 30, 8, wide)
    result = official_score([beyond, beyond], [beyond, beyond], None)
    assert result.hausdorff_distance_95 == result.surface_distance_average == math.inf
    assert (result.dice_similarity_coefficient, result.center_distance) == (1.0, 0.0)


def test_dose_is_planned_on_the_first_truth_there_is_and_counts_lost_frames():
    shape = (60, 60)
    labels = np.stack([np.zeros(shape, bool), *[disc(shape, (30, 30), 8)] * 3])
    masks = labels.copy()
    masks[1] = disc(shape, (30, 58), 1)
    assert official_score(masks, labels, None).relative_d98_dose == pytest.approx(2 / 3, abs=0.05)


def test_dose_is_planned_on_no_later_truth():
    shape = (90, 90)
    small, large = disc(shape, (45, 45), 8), disc(shape, (45, 45), 20)
    # The field of a large target forgives 6 pixels, that of a small one does not.
    doses = [
        official_score(np.roll(labels, 6, axis=2), labels, None).relative_d98_dose
        for labels in (np.stack([small, large, large]), np.stack([large, small, small]))
    ]
    assert doses[0] < 1.0
    assert doses[1] == 1.0


def test_without_truth_there_is_nothing_to_take_a_mean_of():
    nothing = np.zeros_like(LABELS)
    assert all(math.isnan(getattr(official_score(LABELS, nothing, None), name)) for name in NAMES)
    only_first = nothing.copy()
    only_first[0] = LABELS[0]
    assert math.isnan(official_score(LABELS, only_first, None).dice_similarity_coefficient)


NAMES = [
    "dice_similarity_coefficient",
    "hausdorff_distance_95",
    "surface_distance_average",
    "center_distance",
    "relative_d98_dose",
]
