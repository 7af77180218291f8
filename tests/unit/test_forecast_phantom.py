import numpy as np
import pytest

from gatekeeper.config import GateConfig
from gatekeeper.config.forecast import ForecastConfig, PopulationConfig
from gatekeeper.forecast.breaths import Preview
from gatekeeper.forecast.free_breathing import forecast_free_breathing, learned_range
from tests.oracles.futures import decided

PERIOD_S, PREVIEW_S, FRACTION_S = 0.25, 60.0, 120.0
FRACTIONS = 20
ANGLE = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
CIRCLE = 10.0 * np.stack([np.cos(ANGLE), np.sin(ANGLE)], axis=1)


def breathing(seconds: float, random: np.random.Generator) -> np.ndarray:
    """Return a course (T, 3) of breaths whose sizes and times vary by known rules, without drift."""
    times_s, rows_mm, begin_s = np.arange(0.0, seconds, PERIOD_S), np.zeros(round(seconds / PERIOD_S)), 0.0
    while begin_s < seconds:
        size_mm, length_s = np.exp(0.12 * random.standard_normal(2)) * (11.0, 4.0)
        within = (times_s >= begin_s) & (times_s < begin_s + length_s)
        rows_mm[within] = size_mm * np.sin(np.pi * (times_s[within] - begin_s) / length_s) ** 4
        begin_s += length_s
    noise_mm = 0.1 * random.standard_normal((len(times_s), 2))
    return np.column_stack([rows_mm + noise_mm[:, 0], 0.2 * rows_mm + noise_mm[:, 1], np.full(len(times_s), 0.9)])


@pytest.mark.slow
def test_the_forecast_is_within_two_points_of_a_phantom_s_fractions() -> None:
    """With the rules of the phantom as those of people; docs/explanation/forecast.md has 100 fractions."""
    random = np.random.default_rng(5)
    seen = breathing(PREVIEW_S, random)
    times_s = PERIOD_S * np.arange(len(seen))
    preview = Preview(times_s, seen[:, :2], seen[:, 2], CIRCLE, (0.0, 0.0), (1.0, 1.0))
    people = PopulationConfig(
        amplitude_mm=11.0,
        amplitude_log_sd=0.02,
        amplitude_cv=0.12,
        period_cv=0.12,
        breaths=200.0,
        correlation=0.0,
        exhale_sd_mm=0.1,
        exhales=50.0,
        drift_mm=0.01,
        deep_breaths_per_h=0.0,
        coughs_per_h=0.0,
    )
    config, learned = GateConfig(), learned_range(preview, GateConfig())
    settings = ForecastConfig(futures=200, population=people)
    margins_mm = (3.0, 5.0)
    forecast = forecast_free_breathing(
        preview, (0.0, 0.0), margins_mm, (5.0,), config, settings, 0.3, FRACTION_S
    ).duty_percent
    for place, margin_mm in enumerate(margins_mm):
        duties = [
            100.0 * decided(breathing(FRACTION_S, random), PERIOD_S, CIRCLE, margin_mm, config, learned).mean()
            for _ in range(FRACTIONS)
        ]
        assert abs(np.median(forecast[:, place, 0]) - np.mean(duties)) < 2.0, margin_mm
