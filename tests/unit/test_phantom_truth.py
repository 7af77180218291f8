"""The phantom's images and its truth tell the same story."""

import numpy as np
import pytest

from gatekeeper.core.errors import ConfigError
from kernels.polygon import centroid, fill
from replay.phantom.anatomy import Anatomy
from replay.phantom.breathing import course
from replay.phantom.inverse import Inverse
from replay.phantom.lattice import PITCH_MM, Lattice
from replay.phantom.motion import amplitudes, displaced, motion_modes
from replay.phantom.scene import Scene
from tests.support.phantoms import PLAIN, STILL, clear_phantom, phantom, phantom_config

DEEP = [{"start_s": 1.0, "depth_mm": 40.0, "duration_s": 0.6}]


def area_centroid(contour):
    out = np.empty(2)
    centroid(np.ascontiguousarray(contour), out)
    return out


def measured_centroid(image, contour, margin_px):
    """Return the centroid of what exceeds the liver's 200 in a box around the outline."""
    low = np.floor(contour.min(axis=0) - margin_px).astype(int)
    high = np.ceil(contour.max(axis=0) + margin_px).astype(int) + 1
    box = (slice(low[0], high[0]), slice(low[1], high[1]))
    extra = image[box].astype(float) - 200.0
    places = np.indices(image.shape)[:, *box].reshape(2, -1)
    return places @ extra.ravel() / extra.sum()


@pytest.mark.parametrize("pixel_mm", [(0.9, 0.9), (1.8, 1.2), (3.5, 3.5)])
def test_the_lesion_on_the_image_is_where_the_outline_says(pixel_mm):
    shape = tuple(int(130.0 / pixel) for pixel in pixel_mm)
    made = clear_phantom(
        acquisition={"pixel_mm": pixel_mm, "matrix": shape, "duration_s": 1.5, "center_mm": (15.0, 0.0)},
        lesion={"contrast": 2.0},
        breathing={"elastic": 0.1, "irregular_mm": 1.0, "deep_breaths": DEEP},
    )
    assert np.ptp(made.displacement_mm[:, 0]) > 35.0
    for image, contour in zip(made.recording.frames, made.contours, strict=True):
        seen = measured_centroid(image, contour, 9.0 / np.array(pixel_mm))
        assert np.abs((seen - area_centroid(contour)) * pixel_mm).max() < 0.1


def test_the_scene_before_the_scanner_agrees_with_the_outline_to_a_hundredth_of_a_millimetre():
    config = phantom_config(tissue=PLAIN, lesion={"contrast": 2.0, "texture": 0.0}, breathing={"deep_breaths": DEEP})
    anatomy, motion = Anatomy(config), motion_modes(config.breathing, config.seed, config.lesion.center_mm)
    times_s = np.linspace(0.0, 1.5, 7)
    moves = amplitudes(course(config, times_s), config.breathing)
    view = Lattice.covering((-50.0, -40.0), (90.0, 50.0))
    scene = Scene(anatomy, motion, view, moves)
    for amplitude in moves:
        points_mm = anatomy.target.outline_mm()
        outline_mm = displaced(motion.abdomen(points_mm), points_mm, amplitude)
        contour = (outline_mm - [view.rows_mm[0], view.cols_mm[0]]) / PITCH_MM
        seen = measured_centroid(200.0 * scene.draw(amplitude, 0.0, (0.0, 0.0, 0.0)), contour, 5.0)
        assert np.abs(seen - area_centroid(contour)).max() * PITCH_MM < 0.01


def test_the_inverse_undoes_the_motion():
    config = phantom_config(breathing={"elastic": 0.1, "irregular_mm": 1.0, "deep_breaths": DEEP})
    motion = motion_modes(config.breathing, config.seed, config.lesion.center_mm)
    rows_mm, cols_mm = np.arange(-90.0, 90.0, 3.7), np.arange(-80.0, 80.0, 3.7)
    places_mm = np.stack(np.meshgrid(rows_mm, cols_mm, indexing="ij"), axis=-1)
    times_s = np.linspace(0.0, 2.0, 9)
    for amplitude in amplitudes(course(config, times_s), config.breathing):
        for modes in (motion.abdomen, motion.lung, motion.wall):
            moved_mm = np.stack(Inverse(modes, rows_mm, cols_mm).solve(amplitude), axis=-1)
            material_mm = places_mm + moved_mm
            assert np.abs(displaced(modes(material_mm), material_mm, amplitude) - places_mm).max() < 0.01


def test_a_motion_that_folds_tissue_is_refused():
    places_mm = np.arange(-20.0, 20.0, 2.0)
    mirrored = Inverse(lambda material_mm: -2.0 * material_mm[None], places_mm, places_mm)
    with pytest.raises(ConfigError, match="folds the tissue"):
        mirrored.solve(np.array([1.0]))


def test_displacement_is_that_of_the_outlines_centroid_since_the_first_frame():
    made = phantom()
    centers_mm = np.array([area_centroid(contour) for contour in made.contours]) * made.recording.spacing_mm
    np.testing.assert_allclose(made.displacement_mm, centers_mm - centers_mm[0], atol=1e-9)
    assert np.ptp(made.displacement_mm[:, 0]) > 10.0


def test_labels_are_the_pixels_whose_centre_the_outline_encloses():
    made = phantom()
    for contour, label in zip(made.contours, made.recording.labels, strict=True):
        inside = np.zeros_like(label)
        fill(np.ascontiguousarray(contour), inside)
        np.testing.assert_array_equal(label, inside)
    np.testing.assert_array_equal(made.recording.first_mask, made.recording.labels[0])


def test_a_target_out_of_plane_has_an_empty_label_and_fades_from_the_image():
    away = [{"start_s": 0.5, "duration_s": 1.0, "ramp_s": 0.2}]
    made = clear_phantom(breathing={"amplitude_mm": 0.0, "out_of_plane": away}, acquisition={"duration_s": 2.0})
    labelled = made.recording.labels.any(axis=(1, 2))
    np.testing.assert_array_equal(made.visible, labelled)
    assert made.visible.tolist() == [True] * 4 + [False] * 5 + [True] * 3
    inside = made.recording.first_mask
    assert made.recording.frames[0][inside].mean() < 160.0
    assert made.recording.frames[6][inside].mean() == pytest.approx(200.0, abs=3.0)
    assert made.recording.frames[-1][inside].mean() < 160.0


def test_the_lesions_contrast_is_the_one_asked_for():
    made = clear_phantom(lesion={"contrast": -0.5, "diameter_mm": 30.0})
    middle = np.rint(area_centroid(made.contours[0])).astype(int)
    assert made.recording.frames[0][tuple(middle)] == pytest.approx(100.0, abs=2.0)


def test_the_outline_has_the_diameter_asked_for():
    made = clear_phantom(lesion={"diameter_mm": 18.0, "irregularity": 0.0}, breathing=STILL)
    from_center_mm = (made.contours[0] - area_centroid(made.contours[0])) * made.recording.spacing_mm
    np.testing.assert_allclose(np.hypot(*from_center_mm.T), 9.0, atol=0.01)


def test_a_target_at_the_images_edge_keeps_the_outline_that_the_image_cuts_off():
    made = phantom(acquisition={"center_mm": (-60.0, 5.0)})
    assert made.recording.first_mask[-1].any()
    assert made.contours[0][:, 0].max() > made.recording.frames.shape[1]
    assert made.visible[0]
