"""Where the tracker says the target is, on anatomy whose motion is known."""

import numpy as np
import pytest

from gatekeeper.config import TrackerConfig
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.errors import TargetError
from gatekeeper.tracking.tracker import Tracker
from replay.phantom import PhantomConfig, make_phantom
from replay.phantom.config import AcquisitionConfig, BreathingConfig, DeepBreath
from tests.oracles.polygon import polygon_centroid
from tests.support.matrices import mostly_slow
from tests.support.scenes import Scene

SCENE = Scene()

GRIDS = [
    ((32, 32), (0.5, 0.5)),
    ((32, 32), (4.0, 4.0)),
    ((40, 600), (1.2, 2.5)),
    ((600, 40), (1.2, 2.5)),
    ((176, 140), (0.5, 4.0)),
    ((140, 176), (4.0, 0.5)),
    ((1024, 32), (0.5, 0.5)),
    ((32, 1024), (4.0, 4.0)),
    ((270, 270), (1.0, 1.0)),
    ((1024, 1024), (0.5, 0.5)),
    ((1024, 1024), (4.0, 4.0)),
]


@pytest.mark.parametrize(("shape", "spacing_mm"), [((120, 100), (1.8, 1.8)), ((301, 260), (0.6, 0.7))])
def test_the_centre_is_the_centroid_of_the_outline_in_mm(shape, spacing_mm):
    scene = Scene(shape, spacing_mm)
    track = scene.tracker().track(scene.image((4.0, 1.0)))
    np.testing.assert_allclose(track.center_mm, polygon_centroid(track.contour_px) * spacing_mm, rtol=1e-9)


@pytest.mark.parametrize(("shape", "spacing_mm"), GRIDS)
def test_a_target_is_followed_on_any_grid(shape, spacing_mm):
    scene = Scene(shape, spacing_mm)
    extent_mm = np.multiply(shape, spacing_mm).min()
    mask = scene.disc(min(14.0, 0.2 * extent_mm))
    tracker = scene.tracker(mask)
    for moved_mm in ((0.04 * min(extent_mm, 200.0), -0.03 * min(extent_mm, 100.0)), (-1.3, 0.7)):
        track = tracker.track(scene.image(moved_mm))
        np.testing.assert_allclose(scene.moved_mm(track, mask), moved_mm, atol=max(0.3, 0.1 * max(spacing_mm)))
        assert track.confidence > 0.5


@pytest.mark.parametrize("seed", range(10))
def test_breathing_is_followed_to_a_tenth_of_a_pixel(seed):
    scene = Scene(seed=seed)
    tracker = scene.tracker()
    for phase in np.linspace(0.0, 2.0 * np.pi, 13):
        moved_mm = (9.0 - 9.0 * np.cos(phase), -2.0 * np.sin(phase))
        track = tracker.track(scene.image(moved_mm))
        np.testing.assert_allclose(scene.moved_mm(track), moved_mm, atol=0.18)
        assert track.confidence > 0.9


def test_the_centre_moves_with_the_outline():
    tracker = SCENE.tracker()
    at_rest, moved = tracker.track(SCENE.image()), tracker.track(SCENE.image((12.6, -5.4)))
    np.testing.assert_allclose(np.subtract(moved.center_mm, at_rest.center_mm), (12.6, -5.4), atol=0.1)
    shifted = np.roll(SCENE.disc(), (7, -3), axis=(0, 1))
    assert np.count_nonzero(moved.mask(SCENE.shape) ^ shifted) <= 0.03 * np.count_nonzero(shifted)


def test_the_reference_itself_shows_no_motion():
    for seed in range(10):
        track = Scene(seed=seed).tracker().track(Scene(seed=seed).image())
        np.testing.assert_allclose(track.contour_px, mask_to_contour(SCENE.disc()), atol=0.01)
        assert track.confidence > 0.9


@pytest.mark.parametrize("spacing_mm", [(0.5, 0.5), (1.8, 1.8), (1.2, 2.5)])
def test_nor_does_the_reference_show_motion_where_it_ends(spacing_mm):
    for seed in range(4):
        scene = Scene((97, 83), spacing_mm, seed)
        for center_px in ((0, 0), (0, 82), (96, 0), (96, 82)):
            mask = scene.disc(5.0, center_px)
            track = scene.tracker(mask).track(scene.image())
            moves_mm = (track.contour_px - mask_to_contour(mask)) * spacing_mm
            np.testing.assert_allclose(moves_mm, 0.0, atol=0.015)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("jump_mm", [40.0, 55.0, -40.0, -55.0])
def test_a_deep_breath_between_two_frames_is_found_at_once_and_so_is_the_way_back(jump_mm, seed):
    scene = Scene((176, 140), seed=seed)
    tracker = scene.tracker()
    for moved_mm in (
        (0.0, 0.0),
        (jump_mm, -2.0),
        (0.0, 0.0),
        (jump_mm, 2.0),
        (jump_mm - np.copysign(30.0, jump_mm), 0.0),
    ):
        track = tracker.track(scene.image(moved_mm))
        np.testing.assert_allclose(scene.moved_mm(track), moved_mm, atol=0.3)
        assert track.confidence > 0.5


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "depth_mm"), mostly_slow([(1, 55.0), (2, 55.0), (4, 40.0)]))
def test_a_deep_breath_of_the_phantom_is_found_at_once_and_so_is_the_way_back(seed, depth_mm):
    breath = DeepBreath(start_s=3.0, depth_mm=depth_mm, duration_s=1.0)
    acquisition = AcquisitionConfig(duration_s=5.0, frame_rate_hz=6.0)
    phantom = make_phantom(
        PhantomConfig(
            seed=seed,
            acquisition=acquisition,
            breathing=BreathingConfig(deep_breaths=(breath,), through_plane_ratio=0.05),
        )
    )
    assert np.ptp(phantom.displacement_mm[17:19, 0]) > 35.0
    recording = phantom.recording
    tracker = Tracker(recording.frames[0], recording.first_mask, recording.spacing_mm)
    tracks = [tracker.track(frame) for frame in recording.frames]
    found_mm = np.array([track.center_mm for track in tracks]) - tracks[0].center_mm
    assert np.linalg.norm(found_mm - phantom.displacement_mm, axis=1).max() < 5.0
    # So deep, the target has also moved across the plane and looks different: doubt is honest there, and only there.
    deep = phantom.displacement_mm[:, 0] > 30.0
    sure = np.array([track.confidence > 0.5 for track in tracks])
    assert sure[~deep].mean() > 0.9
    assert sure[[17, 24, 25, 26]].all()


@pytest.mark.parametrize(("gain", "offset"), [(0.5, 0.0), (2.0, 0.0), (1.0, 300.0), (0.5, -900.0), (2.0, 5000.0)])
def test_brightness_and_contrast_change_nothing(gain, offset):
    frame = SCENE.image((6.0, -2.0))
    expected, track = SCENE.tracker().track(frame), SCENE.tracker().track(gain * frame + offset)
    np.testing.assert_allclose(track.contour_px, expected.contour_px, atol=0.01)
    assert track.confidence == pytest.approx(expected.confidence, abs=0.01)


@pytest.mark.parametrize("along", [(1.0, 0.0), (0.0, 1.0), (-0.7, 0.7)])
def test_a_ramp_of_brightness_over_the_whole_image_changes_little(along):
    frame = SCENE.image((6.0, -2.0))
    row, col = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in SCENE.shape), indexing="ij")
    shaded = frame + 300.0 * (along[0] * row + along[1] * col)
    expected, track = SCENE.tracker().track(frame), SCENE.tracker().track(shaded)
    np.testing.assert_allclose(track.contour_px, expected.contour_px, atol=0.15)
    assert track.confidence > 0.9


GOOD, LATER = SCENE.image((10.0, -2.0)), SCENE.image((8.0, -1.0))
BAD = {
    "NaN": np.full(SCENE.shape, np.nan),
    "infinity": np.full(SCENE.shape, np.inf),
    "zero": np.zeros(SCENE.shape),
    "constant": np.full(SCENE.shape, 1000.0),
    "too large": GOOD.astype(np.float64) * 1e300,
    "noise": np.random.default_rng(0).normal(500.0, 150.0, SCENE.shape),
    "upside down": 1000.0 - GOOD,
    "other anatomy": Scene(seed=99).image(),
    "half black": np.where(np.indices(SCENE.shape)[0] < 60, 0.0, GOOD),
}


@pytest.mark.parametrize("frames_lost", [1, 5])
@pytest.mark.parametrize("name", BAD)
def test_the_first_good_frame_after_bad_ones_is_followed_as_if_nothing_had_been(name, frames_lost):
    disturbed, undisturbed = SCENE.tracker(), SCENE.tracker()
    for tracker in (disturbed, undisturbed):
        tracker.track(GOOD)
    for _ in range(frames_lost):
        assert np.isfinite(disturbed.track(BAD[name]).contour_px).all()
    found, expected = disturbed.track(LATER), undisturbed.track(LATER)
    np.testing.assert_allclose(found.contour_px, expected.contour_px, atol=0.1)
    assert found.confidence > 0.9


def test_a_lost_target_is_shown_where_it_was_last_seen_for_sure():
    tracker = SCENE.tracker()
    seen = tracker.track(GOOD)
    doubtful = tracker.track(BAD["noise"])
    assert doubtful.confidence < 0.5
    assert np.abs(doubtful.contour_px - seen.contour_px).max() > 1.0
    np.testing.assert_array_equal(tracker.track(BAD["NaN"]).contour_px, seen.contour_px)


@pytest.mark.parametrize("row", [0, 4, 115, 119])
@pytest.mark.parametrize("col", [0, 95])
def test_a_target_at_the_edge_or_in_a_corner_is_followed(row, col):
    mask = SCENE.disc(center_px=(row, col))
    tracker = SCENE.tracker(mask)
    inwards_mm = 5.0 if row < 60 else -5.0
    for moved_mm in ((inwards_mm, 2.0), (0.0, 0.0), (0.5 * inwards_mm, -1.0)):
        track = tracker.track(SCENE.image(moved_mm))
        np.testing.assert_allclose(SCENE.moved_mm(track, mask), moved_mm, atol=0.6)
        assert track.confidence > 0.5


@pytest.mark.parametrize("pixels", mostly_slow([2, 1, 5]))
def test_a_target_of_a_few_pixels_is_followed_with_what_surrounds_it(pixels):
    mask = np.zeros(SCENE.shape, bool)
    mask.flat[np.ravel_multi_index([(60, 60, 61, 60, 59), (50, 51, 50, 49, 50)], SCENE.shape)[:pixels]] = True
    tracker = SCENE.tracker(mask)
    track = tracker.track(SCENE.image((7.0, -3.0)))
    np.testing.assert_allclose(SCENE.moved_mm(track, mask), (7.0, -3.0), atol=0.3)


@pytest.mark.parametrize("pixels", mostly_slow([2, 1, 5]))
def test_a_few_pixels_at_the_edge_are_refused_or_followed_or_doubted(pixels):
    followed = deceived = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        scene = Scene(tuple(rng.integers(60, 200, 2)), tuple(rng.uniform(0.8, 3.6, 2)), seed)
        corner = rng.integers(0, 2, 2) * np.subtract(scene.shape, 1)
        place = np.where(rng.random(2) < 0.7, corner, np.floor_divide(scene.shape, 2))
        away = np.linalg.norm(np.moveaxis(np.indices(scene.shape), 0, -1) - place, axis=-1).ravel()
        mask = (away <= np.sort(away)[pixels - 1]).reshape(scene.shape)
        inwards = np.where(place == 0, 1.0, -1.0)
        moved_mm = inwards * rng.uniform(0.0, 5.0, 2)
        try:
            track = scene.tracker(mask).track(scene.image(moved_mm))
        except TargetError:
            continue
        is_near = np.linalg.norm(scene.moved_mm(track, mask) - moved_mm) < 2.0
        followed += is_near
        deceived += not is_near and track.confidence >= 0.5
    assert followed >= 30
    assert deceived <= 1


@pytest.mark.parametrize(
    ("shape", "spacing_mm"),
    mostly_slow([((96, 80), (1.8, 1.8)), ((256, 256), (4.0, 4.0)), ((1024, 1024), (4.0, 4.0))], 2),
)
def test_a_target_that_fills_the_image_is_followed(shape, spacing_mm):
    scene = Scene(shape, spacing_mm)
    mask = np.zeros(shape, bool)
    mask[2:-2, 1:] = True
    tracker = scene.tracker(mask)
    track = tracker.track(scene.image((4.0, -2.0)))
    np.testing.assert_allclose(scene.moved_mm(track, mask), (4.0, -2.0), atol=1.0)
    assert track.confidence > 0.5


def test_stray_pixels_and_holes_of_a_mask_change_nothing():
    frame = SCENE.image((6.0, -2.0), stretch=0.05)
    whole = SCENE.disc()
    holed = whole & ~SCENE.disc(4.0)
    stray = holed.copy()
    stray[5, 5] = stray[100:103, 90] = True
    expected = SCENE.tracker(whole).track(frame)
    for mask in (holed, stray):
        np.testing.assert_array_equal(SCENE.tracker(mask).track(frame).contour_px, expected.contour_px)


def test_of_two_parts_the_larger_is_followed():
    larger, smaller = SCENE.disc(12.0, (75, 50)), SCENE.disc(8.0, (40, 50))
    track = SCENE.tracker(larger | smaller).track(SCENE.image())
    np.testing.assert_allclose(track.center_mm, SCENE.tracker(larger).track(SCENE.image()).center_mm, atol=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_a_smooth_stretch_of_the_target_is_recovered_and_a_rigid_tracker_cannot(seed):
    scene = Scene(seed=seed)
    outline_px = mask_to_contour(scene.disc(18.0))
    about_mm = outline_px[:, 0].mean() * scene.spacing_mm[0]
    frame = scene.image((9.0, -2.0), stretch=0.08, about_mm=about_mm)
    truth_px = outline_px + np.array((9.0, -2.0)) / scene.spacing_mm
    truth_px[:, 0] += 0.08 * (outline_px[:, 0] - outline_px[:, 0].mean())

    def errors_px(**settings):
        track = scene.tracker(scene.disc(18.0), TrackerConfig(**settings)).track(frame)
        return np.linalg.norm(track.contour_px - truth_px, axis=1)

    assert errors_px().max() < 0.3
    assert errors_px(deformation_mm=0.001).max() > 0.6
