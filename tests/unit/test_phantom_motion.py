"""The phantom's organs move as asked: breaths, holds, events, and layers that slide."""

import numpy as np
import pytest

from replay.phantom.breathing import COUGH_S, course
from replay.phantom.config import BreathingConfig, PhantomConfig
from replay.phantom.motion import amplitudes, displaced, motion_modes
from tests.support.phantoms import STILL, clear_phantom, phantom_config

TIMES_S = np.arange(0.0, 120.0, 0.02)
ANCHOR_MM = (-8.0, 5.0)


def moved(breathing, times_s=TIMES_S):
    acquisition = {"duration_s": float(times_s[-1]), "frame_rate_hz": 1.0}
    return course(PhantomConfig(seed=3, breathing=breathing, acquisition=acquisition), times_s)


def si_mm(times_s=TIMES_S, **fields):
    return moved(BreathingConfig(**{"drift_mm_per_min": 0.0, **fields}), times_s).si_mm


def test_a_steady_breath_is_lujans_curve():
    seen_mm = si_mm(amplitude_variation=0.0, period_variation=0.0, start_phase=0.5, amplitude_mm=18.0, sharpness=3)
    np.testing.assert_allclose(seen_mm, 18.0 * np.cos(np.pi * TIMES_S / 4.0) ** 6, atol=1e-9)


def test_breaths_vary_in_size_and_length():
    seen_mm = si_mm(amplitude_mm=17.0)
    peak = (seen_mm[1:-1] > seen_mm[:-2]) & (seen_mm[1:-1] > seen_mm[2:])
    peaks_mm, lengths_s = seen_mm[1:-1][peak], np.diff(TIMES_S[1:-1][peak])
    assert 25 <= peaks_mm.size <= 36
    assert peaks_mm.mean() == pytest.approx(17.0, abs=1.5)
    assert 0.06 < peaks_mm.std() / 17.0 < 0.2
    assert 0.04 < lengths_s.std() / 4.0 < 0.2


def test_the_baseline_drifts_by_ten_millimetres_in_ten_minutes():
    times_s = np.arange(0.0, 601.0, 1.0)
    drift_mm = si_mm(times_s, drift_mm_per_min=1.0) - si_mm(times_s)
    assert drift_mm[600] == pytest.approx(10.0)
    np.testing.assert_allclose(np.diff(drift_mm), 1.0 / 60.0, atol=1e-9)


@pytest.mark.parametrize(("pattern", "level_mm"), [("inhale_hold", 17.0), ("exhale_hold", 0.0)])
def test_a_hold_stays_near_its_level_and_drifts(pattern, level_mm):
    seen_mm = si_mm(pattern=pattern, hold_drift_mm_per_s=-0.1, hold_s=20.0, rest_s=12.0)
    hold_mm = seen_mm[TIMES_S < 20.0]
    assert hold_mm[0] == pytest.approx(level_mm, abs=3.0)
    np.testing.assert_allclose(np.diff(hold_mm), -0.1 * 0.02, atol=1e-9)
    resting_mm = seen_mm[(TIMES_S > 22.0) & (TIMES_S < 32.0)]
    assert resting_mm.min() < 2.0
    assert resting_mm.max() > 10.0


def test_no_trace_jumps_but_a_deep_breath_without_ramp():
    for pattern in ("free", "inhale_hold", "exhale_hold"):
        calm_mm = si_mm(pattern=pattern, coughs=({"start_s": 7.0},), deep_breaths=({"start_s": 50.0, "ramp_s": 1.0},))
        assert np.abs(np.diff(calm_mm)).max() < 4.0
    jump_mm = np.diff(si_mm(deep_breaths=({"start_s": 50.0, "depth_mm": 55.0},)))
    assert jump_mm.max() == pytest.approx(55.0, abs=2.0)
    assert TIMES_S[jump_mm.argmax() + 1] == pytest.approx(50.0)
    assert jump_mm.min() == pytest.approx(-55.0, abs=2.0)


def test_a_cough_jerks_upwards_and_is_over_within_a_second():
    cough_mm = si_mm(coughs=({"start_s": 9.0, "amplitude_mm": 12.0},)) - si_mm()
    assert cough_mm.min() == pytest.approx(-12.0, abs=0.1)
    assert cough_mm.max() <= 0.0
    assert not cough_mm[(TIMES_S < 9.0) | (TIMES_S > 9.0 + COUGH_S)].any()


def test_anterior_motion_lags_behind_inferior_motion():
    config = BreathingConfig(hysteresis_s=0.3, ap_ratio=0.25, drift_mm_per_min=0.0)
    seen = moved(config)
    np.testing.assert_allclose(seen.ap_mm[15:], -0.25 * seen.si_mm[:-15], atol=1e-9)


def test_the_dome_moves_more_than_the_target_and_the_kidney_less():
    motion = motion_modes(BreathingConfig(elastic=0.0, irregular_mm=0.0), 1, ANCHOR_MM)
    places_mm = np.array([[-64.0, -8.0], ANCHOR_MM, [90.0, 30.0]])
    down = motion.abdomen(places_mm)[0, :, 0]
    assert down[0] > 1.1
    assert down[1] == pytest.approx(1.0)
    assert 0.4 < down[2] < 0.8


def test_motion_is_not_rigid_across_the_liver():
    config = phantom_config()
    motion = motion_modes(config.breathing, 1, ANCHOR_MM)
    places_mm = np.array([[-20.0, 0.0], [20.0, 0.0], [0.0, -30.0], [0.0, 30.0]])
    inhaled = amplitudes(course(config, np.array([1.4])), config.breathing)[0]
    moved_mm = displaced(motion.abdomen(places_mm), places_mm, inhaled) - places_mm
    assert np.ptp(moved_mm[:, 0]) > 1.0


def test_the_liver_slides_along_a_spine_that_stands_still():
    made = clear_phantom(acquisition={"matrix": (96, 96), "center_mm": (0.0, 40.0)}, lesion={"contrast": 0.5})
    first, inhaled = made.recording.frames[0], made.recording.frames[int(made.displacement_mm[:, 0].argmax())]
    spine = slice(72, 90)
    assert made.displacement_mm[:, 0].max() > 10.0
    assert np.abs(inhaled[:, spine].astype(float) - first[:, spine]).max() < 12.0
    assert np.abs(inhaled[:, :60].astype(float) - first[:, :60]).max() > 60.0


def test_nothing_moves_when_all_motion_is_off():
    made = clear_phantom(breathing=STILL)
    assert np.ptp(made.recording.frames.astype(int), axis=0).max() <= 3
    assert not made.displacement_mm.any()


def test_the_mode_of_the_breath_is_one_at_the_target():
    motion = motion_modes(BreathingConfig(), 5, (12.0, -30.0))
    modes = motion.abdomen(np.array([[12.0, -30.0]]))
    assert modes[0, 0, 0] == pytest.approx(1.0)
    assert modes[1, 0, 1] == pytest.approx(1.0)
