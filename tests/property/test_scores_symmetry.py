"""What the scores of all pairs of masks have in common: they do not care which is which, or where they lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage

from replay.scores.tracking import score_frame, surface_distances_mm

MASKS = npst.arrays(np.bool_, (9, 11)).filter(np.any)
SPACING = st.tuples(st.floats(0.5, 4.0), st.floats(0.5, 4.0))


def values(result):
    return (result.dsc, result.hd95_mm, result.masd_mm, result.center_mm)


@settings(max_examples=50, deadline=None)
@given(MASKS, MASKS, SPACING)
def test_scores_are_symmetric(one, other, spacing_mm):
    assert values(score_frame(one, other, spacing_mm)) == pytest.approx(values(score_frame(other, one, spacing_mm)))


@settings(max_examples=30, deadline=None)
@given(MASKS, SPACING)
def test_a_mask_is_no_distance_from_itself(mask, spacing_mm):
    assert values(score_frame(mask, mask, spacing_mm)) == (1.0, 0.0, 0.0, 0.0)


@settings(max_examples=30, deadline=None)
@given(MASKS, MASKS, SPACING, st.integers(1, 5), st.integers(1, 5))
def test_scores_do_not_depend_on_where_in_the_image_the_masks_lie(one, other, spacing_mm, rows, cols):
    pad = ((1, rows), (cols, 1))
    inner = [np.pad(mask, 1) for mask in (one, other)]
    moved = [np.pad(mask, pad) for mask in inner]
    assert values(score_frame(*moved, spacing_mm)) == pytest.approx(values(score_frame(*inner, spacing_mm)))


@settings(max_examples=50, deadline=None)
@given(MASKS, MASKS, SPACING)
def test_surface_distances_are_those_of_the_distance_transform(mask, other, spacing_mm):
    edge, other_edge = (shape & ~ndimage.binary_erosion(shape) for shape in (mask, other))
    expected = ndimage.distance_transform_edt(~other_edge, sampling=spacing_mm)[edge]
    np.testing.assert_allclose(surface_distances_mm(mask, other, spacing_mm), expected, rtol=1e-12, atol=1e-12)
