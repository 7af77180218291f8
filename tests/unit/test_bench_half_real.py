"""Half-real cases on frames made here: what is seen is where the truth says."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.scenes.degrade import Quality, degraded, noise_of
from benchmarks.scenes.half_real import Hold, RecordedMotion, Structure, half_real
from benchmarks.scenes.push import Field, State
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.errors import InputError
from replay.recording import Recording
from replay.scores.outline import distances_mm, moved_points
from tests.support.recordings import disc

SHAPE, SPACING_MM = (150, 120), (1.8, 1.8)
FIELD = Field(middle_mm=(130.0, 108.0), dome_mm=75.0)
FAR = State(si_mm=48.0, ap_mm=-26.0, turn_deg=7.0, flatten=0.1)
STATES = (FAR, FAR.scaled(0.4), State(si_mm=55.0, ap_mm=30.0, turn_deg=-7.0, flatten=0.1), State(ap_mm=30.0))
GRID_MM = np.stack(np.meshgrid(np.arange(0.0, 270.0, 3.0), np.arange(0.0, 216.0, 3.0), indexing="ij"), -1)
CLEAN = Quality(contrast=1.0, noise=1.0)
HOLD = Hold(1.0, 3.0, quality=CLEAN)
MARKS_PX = np.array([(60.0, 48.0), (72.0, 70.0), (85.0, 52.0), (95.0, 66.0)])


def breathing(frames=20, marks_px=MARKS_PX, moving_mm=8.0):
    """Return frames with bright marks that move down and stretch, with the outline of a structure around them."""
    row, col = np.indices(SHAPE)
    times_s = np.arange(frames) / 4.0
    down_px = moving_mm * np.sin(times_s) ** 2 / SPACING_MM[0]
    angle = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    around_px = np.array([78.0, 60.0]) + 22.0 * np.stack([np.sin(angle), np.cos(angle)], -1)

    def moved(points_px, shift_px):
        stretch = 1.0 + 0.004 * (points_px[:, :1] - 78.0)
        return points_px + np.array([1.0, -0.3]) * shift_px * stretch

    images = np.full((frames, *SHAPE), 100.0)
    for image, shift_px in zip(images, down_px, strict=True):
        for mark in moved(marks_px, shift_px):
            image += 600.0 * np.exp(-0.5 * ((row - mark[0]) ** 2 + (col - mark[1]) ** 2) / 1.6**2)
    outlines_px = np.stack([moved(around_px, shift_px) for shift_px in down_px])
    outlines_px[1::2] = np.nan
    recording = Recording("made", images.astype(np.uint16), SPACING_MM, times_s)
    return recording, Structure(outlines_px), np.stack([moved(marks_px, shift_px) for shift_px in down_px])


def peak_px(image, near_px):
    """Return the centre of brightness around a place."""
    row, col = np.indices(image.shape)
    weights = np.clip(image - 150.0, 0.0, None) * (np.hypot(row - near_px[0], col - near_px[1]) < 7.0)
    return np.array([(weights * row).sum(), (weights * col).sum()]) / weights.sum()


@pytest.mark.parametrize("state", STATES)
def test_the_push_has_an_inverse_and_does_not_fold(state):
    there_mm = FIELD.forward(GRID_MM, state)
    np.testing.assert_allclose(FIELD.backward(there_mm, state), GRID_MM, atol=1e-6)
    np.testing.assert_allclose(FIELD.forward(FIELD.backward(GRID_MM, state), state), GRID_MM, atol=1e-6)
    assert FIELD.determinant(GRID_MM, state).min() > 0.2


def test_the_push_moves_the_liver_and_leaves_the_walls():
    middle_mm = np.array([FIELD.middle_mm])
    np.testing.assert_allclose(FIELD.forward(middle_mm, FAR) - middle_mm, [[48.0, -26.0]], atol=1e-9)
    wall_mm = np.array([[130.0, 108.0 - 126.0], [90.0, 108.0 + 126.0], [200.0, 108.0 - 130.0]])
    np.testing.assert_allclose(FIELD.forward(wall_mm, FAR), wall_mm, atol=1e-9)
    apart_mm = np.array([[90.0, 108.0], [130.0, 108.0]])
    flat = FIELD.forward(apart_mm, State(flatten=0.1))
    assert np.diff(flat[:, 0]) == pytest.approx(36.0)
    turned = FIELD.forward(np.array([[130.0, 128.0]]), State(turn_deg=90.0))
    np.testing.assert_allclose(turned, [[110.0, 108.0]], atol=1e-9)


def test_rest_is_the_recording_itself():
    recording, structure, _ = breathing()
    made = half_real(recording, {"a": structure}, disc(SHAPE, (78.0, 60.0), 20.0), FIELD, FAR, [HOLD])
    rest = made.depth == 0.0
    assert rest[0]
    assert rest.sum() >= 4
    np.testing.assert_array_equal(made.recording.frames[rest], recording.frames[rest])


@pytest.mark.parametrize("furthest", [FAR, State(55.0, 30.0, -7.0, 0.1)])
def test_a_mark_on_tissue_is_seen_where_the_truth_has_it(furthest):
    recording, structure, marks_px = breathing()
    made = half_real(recording, {"a": structure}, disc(SHAPE, (78.0, 60.0), 20.0), FIELD, furthest, [HOLD])
    motion = RecordedMotion(structure.between(), np.zeros((2, 2)), SPACING_MM)
    assert motion.displaced(MARKS_PX).shape == marks_px.shape
    moved = 0
    for index in np.flatnonzero(made.labelled):
        state = furthest.scaled(made.depth[index])
        wanted_px = FIELD.forward(marks_px[index] * SPACING_MM, state) / SPACING_MM
        for wanted in wanted_px:
            if (wanted < np.array(SHAPE) - 10).all() and (wanted > 8).all():
                assert np.abs(peak_px(made.recording.frames[index], wanted) - wanted).max() < 0.35
                moved += made.depth[index] == 1.0
    assert moved >= 12


def test_the_outline_and_the_landmarks_follow_recorded_and_pushed_motion():
    recording, structure, _ = breathing()
    ring_px = structure.outlines_px[0]
    mask = disc(SHAPE, (78.0, 60.0), 20.0)
    made = half_real(recording, {"a": structure}, mask, FIELD, FAR, [HOLD])
    begin_px = mask_to_contour(mask)
    for index in range(len(recording.frames)):
        shift_px = 8.0 * np.sin(index / 4.0) ** 2 / SPACING_MM[0]
        there_px = begin_px + np.array([1.0, -0.3]) * shift_px * (1.0 + 0.004 * (begin_px[:, :1] - 78.0))
        wanted_px = FIELD.forward(there_px * SPACING_MM, FAR.scaled(made.depth[index])) / SPACING_MM
        limit_mm = 0.15 if made.labelled[index] else 0.6
        assert distances_mm(made.outlines_px[index], wanted_px, SPACING_MM).max() < limit_mm
    np.testing.assert_array_equal(np.isnan(made.landmarks_px["a"]).any(axis=(1, 2)), ~made.labelled)
    np.testing.assert_allclose(made.landmarks_px["a"][0], ring_px)
    np.testing.assert_array_equal(made.recording.labels.any(axis=(1, 2)), made.labelled)


def test_contrast_noise_and_gain_change_in_the_hold_alone():
    random = np.random.default_rng(4)
    still = 200.0 + 40.0 * np.sin(np.indices(SHAPE)[1] / 2.0) + random.normal(0.0, 3.0, (40, *SHAPE))
    share = np.zeros(40)
    share[20:] = 1.0
    assert noise_of(still) == pytest.approx(3.0, rel=0.05)
    worse = degraded(still, share, [Quality(0.5, 3.0, 1.5)] * 40, SPACING_MM, 1)
    np.testing.assert_array_equal(worse[:20], still[:20].astype(np.float32))
    tissue = worse[20:].astype(np.float64) / 1.5
    assert tissue.mean() == pytest.approx(200.0, rel=0.02)
    mean = tissue.mean(axis=0)
    assert np.ptp(mean.mean(axis=0)[20:-20]) == pytest.approx(40.0, rel=0.15)
    assert tissue.std(axis=0).mean() == pytest.approx(9.0, rel=0.1)


def test_a_push_that_folds_tissue_and_a_hold_on_the_first_frame_are_refused():
    recording, structure, _ = breathing()
    mask = disc(SHAPE, (78.0, 60.0), 20.0)
    with pytest.raises(InputError, match="push less far"):
        half_real(recording, {"a": structure}, mask, FIELD, State(ap_mm=60.0), [HOLD])
    with pytest.raises(InputError, match="first frame"):
        half_real(recording, {"a": structure}, mask, FIELD, FAR, [replace(HOLD, start_s=-1.0)])


def test_points_beside_an_outline_move_with_its_nearest_place():
    angle = np.linspace(0.0, 2.0 * np.pi, 60, endpoint=False)
    ring = np.stack([np.sin(angle), np.cos(angle)], -1) * 20.0
    outlines = [ring, ring * 1.1 + (5.0, -3.0)]
    points = 20.4 * np.stack([np.sin(angle + 0.03), np.cos(angle + 0.03)], -1)
    moved = moved_points(points, outlines)
    np.testing.assert_array_equal(moved[0], points)
    np.testing.assert_allclose(moved[1], points * 1.1 + (5.0, -3.0), atol=0.1)


def test_an_unknown_place_has_no_distance_and_a_lost_outline_an_infinite_one():
    found_mm = distances_mm(np.array([(0.0, 0.0), (np.nan, 1.0)]), np.array([(3.0, 2.0), (0.0, 0.0)]), (1.0, 2.0))
    np.testing.assert_allclose(found_mm, [5.0, np.inf])
    assert np.isnan(distances_mm(np.zeros((2, 2)), np.full((2, 2), np.nan), (1.0, 1.0))).all()
