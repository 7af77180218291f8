"""What a predictor makes of traces that are known exactly."""

import gc
import math
import tracemalloc

import numpy as np
import pytest
from numba.core.event import install_recorder

from gatekeeper.config import PredictionConfig
from gatekeeper.gating import predictor as predict
from gatekeeper.gating.predictor import Predictor

RATE_HZ = 8.0
AHEAD_S = 0.35


def breathing_mm(times_s, amplitude_mm=12.0, period_s=4.0):
    """A sinusoid along SI with a smaller one, half out of step, along AP: (N, 2)."""
    phase = 2.0 * np.pi * np.asarray(times_s) / period_s
    return np.stack([0.5 * amplitude_mm * (1.0 - np.cos(phase)), 2.0 * np.sin(phase)], axis=-1)


def play(predictor, times_s, positions_mm, ahead_s=AHEAD_S):
    said = []
    for time_s, position_mm in zip(times_s, positions_mm, strict=True):
        predictor.add(time_s, position_mm)
        said.append(predictor.predict(ahead_s)[0])
    return said


def after(duration_s, begin_s=0.0, rate_hz=RATE_HZ):
    return begin_s + np.arange(int(duration_s * rate_hz)) / rate_hz


def warm(duration_s=60.0, **config):
    """A predictor that has seen a minute of breathing, and when the next frame is due."""
    predictor = Predictor(PredictionConfig(**config))
    times_s = after(duration_s)
    assert play(predictor, times_s, breathing_mm(times_s))[-1].healthy
    return predictor, times_s[-1] + 1.0 / RATE_HZ


def assert_nothing(prediction):
    assert not prediction.healthy
    assert all(map(math.isnan, prediction.position_mm))


@pytest.mark.parametrize("rate_hz", [4.0, 8.0, 25.0])
@pytest.mark.parametrize("ahead_s", [0.0, 0.3, 0.5])
def test_regular_breathing_is_predicted_exactly(rate_hz, ahead_s):
    times_s = after(90.0, rate_hz=rate_hz)
    said = play(Predictor(), times_s, breathing_mm(times_s), ahead_s)
    late = times_s > 60.0
    error_mm = np.array([one.position_mm for one in said]) - breathing_mm(times_s + ahead_s)
    assert np.abs(error_mm[late]).max() < 0.15
    assert all(one.healthy for one, counts in zip(said, late, strict=True) if counts)
    assert said[-1].recent_error_mm < 0.1


@pytest.mark.parametrize(("rate_hz", "step_s"), [(4.0, 0.25), (5.0, 0.2), (3.0, 0.25), (8.0, 0.2)])
def test_slow_frames_are_not_read_between(rate_hz, step_s):
    predictor, times_s = Predictor(), after(20.0, rate_hz=rate_hz)
    play(predictor, times_s, np.stack([times_s, 0.0 * times_s], axis=-1))
    described_mm = predictor._lag_vectors_mm[predictor._end - 1, 0]
    np.testing.assert_allclose(np.diff(described_mm), -step_s, rtol=1e-6)


def test_a_drift_along_a_straight_line_is_carried_on():
    times_s = after(60.0)
    line_mm = np.stack([0.5 * times_s, 4.0 - 0.2 * times_s], axis=1)
    last = play(Predictor(), times_s, line_mm)[-1]
    assert last.healthy
    assert last.position_mm == pytest.approx(
        (0.5 * (times_s[-1] + AHEAD_S), 4.0 - 0.2 * (times_s[-1] + AHEAD_S)), abs=0.01
    )


def test_a_target_that_stands_still_stays_where_it_is():
    times_s = after(40.0)
    last = play(Predictor(), times_s, np.full((len(times_s), 2), (7.0, -2.0)))[-1]
    assert last.healthy
    assert last.position_mm == pytest.approx((7.0, -2.0), abs=1e-6)


def test_irregular_frame_times_and_lost_frames_are_no_trouble():
    random = np.random.default_rng(1)
    times_s = np.cumsum(random.uniform(0.08, 0.17, 700))[random.random(700) > 0.1]
    said = play(Predictor(), times_s, breathing_mm(times_s))
    late = times_s > 60.0
    error_mm = np.array([one.position_mm for one in said]) - breathing_mm(times_s + AHEAD_S)
    assert np.abs(error_mm[late]).max() < 0.6
    assert np.mean([one.healthy for one, counts in zip(said, late, strict=True) if counts]) > 0.95


def test_what_comes_later_never_changes_what_was_said():
    times_s = after(60.0)
    one_way = breathing_mm(times_s)
    other_way = np.where(times_s[:, None] < 45.0, one_way, 30.0)
    said, also = play(Predictor(), times_s, one_way), play(Predictor(), times_s, other_way)
    before = int(np.searchsorted(times_s, 45.0))
    assert repr(said[:before]) == repr(also[:before])
    assert repr(said[before]) != repr(also[before])


def test_equal_traces_give_equal_predictions_to_the_last_bit_also_after_a_reset():
    times_s = after(40.0)
    positions_mm = breathing_mm(times_s) + 0.2 * np.random.default_rng(2).normal(size=(len(times_s), 2))
    predictor = Predictor()
    first = repr(play(predictor, times_s, positions_mm))
    predictor.reset()
    assert repr(play(predictor, times_s, positions_mm)) == first
    assert repr(play(Predictor(), times_s, positions_mm)) == first


def test_nothing_counts_before_the_burn_in_is_over():
    times_s = after(40.0)
    healthy = [one.healthy for one in play(Predictor(PredictionConfig(burn_in_s=25.0)), times_s, breathing_mm(times_s))]
    assert healthy.index(True) == pytest.approx(25.0 * RATE_HZ, abs=1)
    assert all(healthy[healthy.index(True) :])


def test_nothing_is_predicted_before_the_first_sample_or_after_a_reset():
    assert_nothing(Predictor().predict(AHEAD_S)[0])
    predictor, _ = warm()
    predictor.reset()
    assert_nothing(predictor.predict(AHEAD_S)[0])
    assert math.isnan(predictor.recent_error_mm)
    assert math.isnan(predictor.frame_period_s)


def test_predictor_is_healthy_only_after_checked_predictions():
    predictor = Predictor()
    times_s = after(60.0)
    for time_s, position_mm in zip(times_s, breathing_mm(times_s), strict=True):
        predictor.add(time_s, position_mm)
    first = predictor.predict(AHEAD_S)[0]
    assert not first.healthy
    assert math.isfinite(first.position_mm[0])
    times_s = after(5.0, times_s[-1] + 1.0 / RATE_HZ)
    healthy = [one.healthy for one in play(predictor, times_s, breathing_mm(times_s))]
    # Of the tenth prediction from `first` on, made with frame 8, one knows after 0.35 s, three frames later.
    assert healthy.index(True) == predict.MIN_CHECKED - 2 + 3


@pytest.mark.parametrize("ahead_s", [math.nan, math.inf, -0.1, predict.MAX_AHEAD_S + 0.1])
def test_nothing_is_predicted_for_a_time_that_makes_no_sense(ahead_s):
    assert_nothing(warm()[0].predict(ahead_s)[0])


@pytest.mark.parametrize(
    ("late_s", "position_mm", "confidence"),
    [
        (0.0, (math.nan, 0.0), 1.0),
        (0.0, (0.0, math.inf), 1.0),
        (math.nan, (0.0, 0.0), 1.0),
        (math.inf, (0.0, 0.0), 1.0),
        (0.0, (0.0, 0.0), 0.3),
        (0.0, (0.0, 0.0), math.nan),
        (0.0, (0.0, 0.0), 1.5),
        (-5.0, (0.0, 0.0), 1.0),
        (-1.0 / RATE_HZ, (0.0, 0.0), 1.0),
    ],
)
def test_a_sample_that_cannot_be_used_stops_prediction_until_a_good_one_comes(late_s, position_mm, confidence):
    predictor, next_s = warm()
    predictor.add(next_s + late_s, position_mm, confidence)
    assert_nothing(predictor.predict(AHEAD_S)[0])
    next_s += 1.0 / RATE_HZ
    predictor.add(next_s, breathing_mm(next_s))
    again = predictor.predict(AHEAD_S)[0]
    assert again.healthy
    np.testing.assert_allclose(again.position_mm, breathing_mm(next_s + AHEAD_S), atol=0.3)


def test_the_same_sample_once_more_changes_nothing():
    predictor, next_s = warm()
    before = repr(predictor.predict(AHEAD_S)[0])
    last_s = next_s - 1.0 / RATE_HZ
    predictor.add(last_s, breathing_mm(last_s))
    assert repr(predictor.predict(AHEAD_S)[0]) == before


def test_after_a_gap_there_is_no_healthy_prediction_until_the_recent_past_is_known_again():
    predictor, next_s = warm()
    times_s = after(6.0, next_s + 1.0)
    healthy = [one.healthy for one in play(predictor, times_s, breathing_mm(times_s))]
    describes_s = (predict.LAGS - 1) * predict.LAG_S
    assert healthy.index(True) >= describes_s * RATE_HZ
    assert healthy[-1]


def test_a_gap_longer_than_the_history_begins_the_burn_in_anew():
    predictor, next_s = warm()
    times_s = after(40.0, next_s + 300.0)
    healthy = [one.healthy for one in play(predictor, times_s, breathing_mm(times_s))]
    assert healthy.index(True) >= 20.0 * RATE_HZ


def test_a_position_unlike_any_before_is_no_ground_for_prediction():
    predictor, next_s = warm()
    predictor.add(next_s, (40.0, 0.0))
    jump = predictor.predict(AHEAD_S)[0]
    assert not jump.healthy
    assert jump.support < 1e-3


def test_it_steps_back_when_the_breathing_changes_and_returns_when_it_has_learned():
    predictor, next_s = warm()
    times_s = after(120.0, next_s)
    said = play(predictor, times_s, breathing_mm(times_s, amplitude_mm=24.0, period_s=2.6))
    exact_mm = breathing_mm(times_s + AHEAD_S, amplitude_mm=24.0, period_s=2.6)
    error_mm = np.hypot(*(np.array([one.position_mm for one in said]) - exact_mm).T)
    healthy = np.array([one.healthy for one in said])
    # The first frames look like what has always been; that it went another way shows when the predictions fall due.
    shows = times_s >= next_s + AHEAD_S
    assert (error_mm[:48] > 5.0).sum() > 5
    assert not (healthy & shows & (error_mm > 5.0)).any()
    assert all(one.healthy for one in said[-80:])


@pytest.mark.parametrize(("limit_mm", "healthy"), [(0.5, False), (3.0, True)])
def test_the_limit_of_the_recent_error_is_kept(limit_mm, healthy):
    predictor = Predictor(PredictionConfig(error_limit_mm=limit_mm))
    times_s = after(60.0)
    noise_mm = 0.8 * np.random.default_rng(3).normal(size=(len(times_s), 2))
    last = play(predictor, times_s, breathing_mm(times_s) + noise_mm)[-1]
    assert 0.5 < last.recent_error_mm < 3.0
    assert last.healthy == healthy


def test_one_that_is_worse_than_standing_still_has_lost_its_way():
    predictor, _ = warm()
    predictor._errors_mm[:] = 2.0, 1.4
    assert not predictor._is_proven()
    predictor._errors_mm[:] = 2.0, 1.6
    assert predictor._is_proven()


def test_what_is_older_than_the_history_is_let_go():
    predictor = Predictor(PredictionConfig(history_s=30.0))
    times_s = after(120.0)
    play(predictor, times_s, breathing_mm(times_s))
    assert predictor._end - predictor._begin == pytest.approx(30.0 * RATE_HZ, abs=2)


def test_small_buffers_are_reused_without_effect(monkeypatch):
    config, times_s = PredictionConfig(history_s=30.0), after(120.0)
    positions_mm = breathing_mm(times_s)
    said = repr(play(Predictor(config), times_s, positions_mm))
    monkeypatch.setattr(predict, "MAX_SAMPLES", 300)
    assert repr(play(Predictor(config), times_s, positions_mm)) == said
    fast = Predictor()
    times_s = after(20.0, rate_hz=50.0)
    play(fast, times_s, breathing_mm(times_s))
    assert fast._end - fast._begin == 300


def test_frames_too_far_apart_are_no_burn_in():
    predictor = Predictor()
    times_s = after(60.0, rate_hz=1.0)
    play(predictor, times_s, breathing_mm(times_s))
    times_s = after(30.0, 60.0)
    healthy = [one.healthy for one in play(predictor, times_s, breathing_mm(times_s))]
    assert healthy.index(True) == pytest.approx(20.0 * RATE_HZ, abs=1)


def test_the_frame_period_is_measured_and_a_gap_is_none():
    predictor, next_s = warm()
    assert predictor.frame_period_s == pytest.approx(1.0 / RATE_HZ)
    predictor.add(next_s + 2.0, (1.0, 1.0))
    assert predictor.frame_period_s == pytest.approx(1.0 / RATE_HZ)


def test_predicting_keeps_no_memory_and_compiles_nothing():
    predictor, next_s = warm()
    times_s = after(100.0, next_s)
    frames = list(zip(times_s.tolist(), breathing_mm(times_s), strict=True))
    tracemalloc.start()
    try:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        with install_recorder("numba:compile") as recorder:
            for time_s, position_mm in frames:
                predictor.add(time_s, position_mm)
                predictor.predict(AHEAD_S)[0]
        gc.collect()
        after_bytes, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert recorder.buffer == []
    assert after_bytes - before < 3_000
    assert peak - before < 10_000
