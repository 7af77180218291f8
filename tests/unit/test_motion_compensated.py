"""Frames are put back onto the reference by the displacement that was found on them."""

from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.tracking.grid import RIM
from gatekeeper.tracking.preview.motion_compensated import motion_compensated
from tests.support.previews import SCENE, SPACING_MM, breath_mm, breathing_frames, known, model_of, reference_of

MODEL = model_of()


def box(frames):
    """Return the part of the grid on which frames are registered."""
    row, col = frames.corner_px
    rows, cols = frames.reference.shape
    return np.s_[row : row + rows, col : col + cols]


def test_a_displacement_by_whole_pixels_is_undone_exactly():
    moves_mm = SPACING_MM * np.array([(0.0, 0.0), (3.0, 0.0), (0.0, -2.0), (4.0, 1.0)])
    frames = motion_compensated(MODEL, known(MODEL, moves_mm), breathing_frames(moves_mm))
    for values in frames.values:
        np.testing.assert_allclose(values, frames.reference, rtol=2e-4)


def test_a_displacement_between_pixels_is_undone_but_for_the_interpolation():
    moves_mm = breath_mm(12)
    # What the stiff model sees reaches the edge of the image, where what has moved in is unknown.
    model = replace(MODEL, stiff=None)
    frames = motion_compensated(model, known(model, moves_mm), breathing_frames(moves_mm))
    error = frames.values - frames.reference
    assert np.abs(error).max() < 0.02 * np.ptp(frames.reference)


def test_frames_that_were_not_moved_back_are_not_the_reference():
    moves_mm = breath_mm(12)
    frames = motion_compensated(MODEL, known(MODEL, 0.0 * moves_mm), breathing_frames(moves_mm))
    assert np.abs(frames.values[6] - frames.reference).max() > 0.3 * np.ptp(frames.reference)


def test_the_reference_and_the_places_are_those_of_the_grid():
    moves_mm = SPACING_MM * np.array([(0.0, 0.0), (3.0, -2.0)])
    frames = motion_compensated(MODEL, known(MODEL, moves_mm), breathing_frames(moves_mm))
    np.testing.assert_array_equal(frames.reference, reference_of(MODEL)[box(frames)])
    here = np.indices(reference_of(MODEL).shape)[(slice(None), *box(frames))]
    np.testing.assert_allclose(frames.positions_px[0], here, atol=1e-9)
    np.testing.assert_allclose(
        frames.positions_px[1] - here, np.broadcast_to([[[3.0]], [[-2.0]]], here.shape), atol=1e-4
    )


def test_all_pixels_that_a_template_is_made_of_are_in_the_box():
    frames = motion_compensated(MODEL, known(MODEL, np.zeros((1, 2))), breathing_frames(np.zeros((1, 2))))
    inside = MODEL.fine.points_px - frames.corner_px
    rows, cols = frames.reference.shape
    assert inside.min() >= RIM
    assert (inside.max(axis=0) <= (rows - 1 - RIM, cols - 1 - RIM)).all()


def test_frames_without_the_target_are_left_out():
    moves_mm = breath_mm(6)
    images = [*breathing_frames(moves_mm)[:5], None]
    frames = motion_compensated(MODEL, known(MODEL, moves_mm, (1.0, 0.049, 1.0, np.nan, 0.05, 0.0)), images)
    np.testing.assert_allclose(frames.states_mm, moves_mm[[0, 2, 4], 0])
    assert len(frames.values) == len(frames.positions_px) == 3


def test_what_stands_still_is_evened_out_before_a_frame_is_moved_back():
    """A field on the frame, and its inverse in the model: what is left is the reference."""
    shape = SCENE.shape
    field = (1.0 + 0.3 * np.sin(np.arange(shape[0]) / 6.0)[:, None] * np.ones(shape)).astype(np.float32)
    model = replace(MODEL, fine=replace(MODEL.fine, bias_correction=np.float32(1.0) / field))
    moves_mm = SPACING_MM * np.array([(0.0, 0.0), (3.0, 0.0)])
    images = breathing_frames(moves_mm) * field
    frames = motion_compensated(model, known(model, moves_mm), images)
    assert np.abs(frames.values - frames.reference).max() < 0.02 * np.ptp(frames.reference)
    plain = motion_compensated(MODEL, known(MODEL, moves_mm), images)
    assert np.abs(plain.values / plain.reference - 1.0).max() > 0.2


def test_frames_and_model_are_left_as_they_were():
    moves_mm = breath_mm(3)
    images = breathing_frames(moves_mm)
    before, image = images.copy(), MODEL.fine.grid.image.copy()
    motion_compensated(MODEL, known(MODEL, moves_mm), images)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(MODEL.fine.grid.image, image)


def test_as_many_frames_as_were_seen_are_needed():
    with pytest.raises(ValueError, match=r"shorter|longer"):
        motion_compensated(MODEL, known(MODEL, breath_mm(4)), breathing_frames(breath_mm(3)))
