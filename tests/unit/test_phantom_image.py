"""What the phantom's scanner does to the image, each effect by itself."""

import numpy as np
import pytest

from tests.support.phantoms import FLAT, PLAIN, STILL, brightness, clear_phantom, phantom

LIVER_MM = (20.0, -40.0)
AIR_MM = (0.0, 146.0)


def noisy(snr, **acquisition):
    fields = {"snr": snr, "matrix": (96, 96), "pixel_mm": (3.2, 3.2), "center_mm": (0.0, 0.0), "duration_s": 5.0}
    return phantom(
        acquisition={**fields, **acquisition}, breathing=STILL, artefacts=FLAT, tissue=PLAIN, lesion={"texture": 0.0}
    )


@pytest.mark.parametrize("snr", [5.0, 20.0])
def test_noise_is_rician_of_the_snr_asked_for(snr):
    made = noisy(snr)
    frames = made.recording.frames.astype(float)
    liver = [brightness(image, made, *LIVER_MM, 2.0) for image in frames]
    assert np.mean(liver) == pytest.approx(200.0, rel=0.05)
    spread, mean = frames.std(axis=0), frames.mean(axis=0)
    assert brightness(spread, made, *LIVER_MM, 15.0) == pytest.approx(200.0 / snr, rel=0.1)
    assert brightness(mean, made, *AIR_MM, 9.0) == pytest.approx(np.sqrt(np.pi / 2.0) * 200.0 / snr, rel=0.1)


def test_noise_is_as_strong_at_every_pixel_size():
    fine = noisy(10.0, pixel_mm=(1.0, 1.0), center_mm=(-8.0, 5.0), matrix=(32, 32))
    assert fine.recording.frames.astype(float).std(axis=0).mean() == pytest.approx(20.0, rel=0.1)


def test_finer_pixels_show_the_same_acquisition():
    coarse = clear_phantom(acquisition={"pixel_mm": (2.0, 2.0), "matrix": (33, 35), "duration_s": 1.0})
    fine = clear_phantom(acquisition={"pixel_mm": (1.0, 1.0), "matrix": (65, 69), "duration_s": 1.0})
    difference = fine.recording.frames[:, ::2, ::2].astype(int) - coarse.recording.frames
    assert np.abs(difference).max() <= 4


def test_acquired_resolution_blurs_the_dome():
    steepest = [
        np.abs(np.diff(made.recording.frames[0].astype(int), axis=0)).max()
        for made in (
            clear_phantom(acquisition={"acquired_mm": mm, "pixel_mm": (1.0, 1.0), "matrix": (128, 32)})
            for mm in (1.6, 3.5, 6.0)
        )
    ]
    assert steepest[0] > 1.4 * steepest[1] > 1.8 * steepest[2]


def test_motion_during_the_exposure_blurs_the_image():
    at = {"duration_s": 2.0, "center_mm": (-50.0, 5.0)}
    sharp = clear_phantom(acquisition=at)
    smeared = clear_phantom(acquisition={**at, "exposure_s": 0.4})
    fastest = int(np.abs(np.gradient(sharp.signal_mm)).argmax())
    steep = [np.abs(np.diff(made.recording.frames[fastest].astype(int), axis=0)).max() for made in (sharp, smeared)]
    assert steep[1] < 0.85 * steep[0]
    np.testing.assert_array_equal(sharp.displacement_mm, smeared.displacement_mm)


def test_flicker_changes_whole_frames_within_its_limit():
    made = clear_phantom(breathing=STILL, artefacts={"flicker": 0.3}, acquisition={"duration_s": 20.0})
    gains = made.recording.frames.mean(axis=(1, 2)) / clear_phantom(breathing=STILL).recording.frames[0].mean()
    assert 0.69 < gains.min() < 0.8
    assert 1.2 < gains.max() < 1.31


def test_gadoxetate_whitens_the_liver_but_not_the_lesion():
    made = clear_phantom(
        breathing=STILL, artefacts={"whitening": 0.4}, acquisition={"duration_s": 602.0, "frame_rate_hz": 0.5}
    )
    first, half, last = (made.recording.frames[index] for index in (0, 150, 300))
    assert brightness(half, made, *LIVER_MM) / brightness(first, made, *LIVER_MM) == pytest.approx(1.2, abs=0.01)
    assert brightness(last, made, *LIVER_MM) / brightness(first, made, *LIVER_MM) == pytest.approx(1.4, abs=0.01)
    assert brightness(last, made, -8.0, 5.0) / brightness(first, made, -8.0, 5.0) == pytest.approx(1.0, abs=0.02)


def test_inflow_changes_vessels_and_nothing_else():
    tissue = {"texture": 0.0, "vessel_contrast": 1.5}
    steady, pulsing = (
        clear_phantom(breathing=STILL, tissue=tissue, artefacts={"inflow": inflow}).recording.frames.astype(int)
        for inflow in (0.0, 0.5)
    )
    change = np.ptp(pulsing, axis=0)
    vessels = steady[0] > 260
    assert change[vessels].mean() > 50.0
    assert np.median(change) <= 4


def test_bands_are_dark_and_stand_still():
    wide = {"matrix": (100, 64), "pixel_mm": (3.0, 3.0)}
    calm = clear_phantom(acquisition=wide).recording.frames.astype(float)
    banded = clear_phantom(acquisition=wide, artefacts={"banding": 0.8}).recording.frames.astype(float)
    bright = calm.min(axis=0) > 60.0
    factors = banded[:, bright] / calm[:, bright]
    assert 0.15 < np.median(factors.min(axis=1)) < 0.35
    assert np.median(factors) > 0.95
    assert np.ptp(factors, axis=0).mean() < 0.03


def test_coils_are_brightest_near_the_skin():
    made = clear_phantom(
        breathing=STILL, acquisition={"matrix": (64, 80), "pixel_mm": (3.0, 3.0)}, artefacts={"shading": 1.0}
    )
    image = made.recording.frames[0]
    assert brightness(image, made, 20.0, -65.0) > 1.2 * brightness(image, made, 20.0, 0.0)


def test_fat_draws_dark_lines_around_organs_in_opposed_phase_only():
    around_kidney = {"center_mm": (85.0, 30.0), "pixel_mm": (1.0, 1.0), "matrix": (128, 80)}
    darkest = []
    for field_strength_t in (0.35, 3.0):
        made = clear_phantom(
            acquisition={**around_kidney, "field_strength_t": field_strength_t, "acquired_mm": 2.0},
            breathing=STILL,
            lesion={"center_mm": (35.0, 0.0), "diameter_mm": 12.0},
        )
        inside = np.hypot(*(np.array(np.broadcast_arrays(*np.ogrid[-1:1:128j, -1:1:80j])) / [[[0.75]], [[0.6]]])) < 1.0
        darkest.append(made.recording.frames[0][inside].min())
    assert darkest[0] > 120
    assert darkest[1] < 60
