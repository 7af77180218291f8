from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.config import GateConfig
from gatekeeper.config.forecast import ForecastConfig, PopulationConfig
from gatekeeper.core.errors import InputError
from gatekeeper.forecast.breathing_model import BreathingModel
from gatekeeper.forecast.breaths import Preview, cut
from gatekeeper.forecast.free_breathing import end_exhale_mm, forecast_free_breathing
from tests.support.forecast_previews import breathing, preview


def test_breaths_are_cut_at_end_exhale_and_completed_at_both_ends() -> None:
    pieces = cut(preview(breathing()), 0.5)
    # Four whole ones, and the two that begin before and end after the preview.
    assert pieces.breathing.tolist() == [True] * len(pieces.breathing)
    assert len(pieces.breathing) in (5, 6)
    np.testing.assert_allclose(pieces.sizes_mm, 10.0, atol=0.6)
    np.testing.assert_allclose(pieces.lengths_s, 4.0, atol=0.3)
    np.testing.assert_allclose(pieces.ends_mm[:, :, 0], 60.0, atol=0.1)


def test_what_follows_a_breath_without_another_one_is_quiet() -> None:
    rows_mm = np.concatenate([np.zeros(8), breathing(4.0, phase=0.0), np.zeros(120)])
    rows_mm += 0.1 * np.random.default_rng(3).standard_normal(len(rows_mm))
    pieces = cut(preview(rows_mm), 0.5)
    assert pieces.breathing.sum() == 1
    assert (~pieces.breathing).sum() >= 4
    assert pieces.sizes_mm[~pieces.breathing].max() < 3.0


def test_a_still_target_has_no_breath() -> None:
    assert not cut(preview(0.2 * np.random.default_rng(0).standard_normal(160)), 0.5).breathing.any()


@pytest.mark.parametrize("short", [preview(breathing(3.0)), preview(breathing(), confidence=0.1)])
def test_a_preview_that_shows_nothing_is_refused(short: Preview) -> None:
    with pytest.raises(InputError, match="at least 5 s and 10 frames"):
        cut(short, 0.5)


def test_futures_have_the_population_s_spread_where_the_preview_is_short() -> None:
    model = BreathingModel(cut(preview(breathing()), 0.5), PopulationConfig(deep_breaths_per_h=0.0), 1.0)
    futures = model.draw(400, 300.0, np.random.default_rng(1))
    assert futures.begins_s[:, -1].min() > 300.0
    sizes_mm = 10.0 * futures.scales
    between_people = np.log(np.median(sizes_mm, axis=1)).std()
    within = np.log(sizes_mm).std(axis=1).mean()
    assert 0.1 < between_people < 0.4
    assert 0.1 < within < 0.35
    # End-exhales drift apart with the time.
    assert futures.bases_mm[:, -1, 0].std() > 1.5 * futures.bases_mm[:, 5, 0].std()


def test_equal_seeds_give_equal_figures_and_larger_margins_more_beam() -> None:
    seen = preview(breathing())
    settings = ForecastConfig(futures=60, seed=7)
    place_mm = end_exhale_mm(seen, 0.5)
    arguments = (place_mm, (3.0, 5.0), (2.0, 10.0), GateConfig())
    first = forecast_free_breathing(seen, *arguments, settings, 0.3, 60.0)
    again = forecast_free_breathing(seen, *arguments, settings, 0.3, 60.0)
    other = forecast_free_breathing(seen, *arguments, settings.model_copy(update={"seed": 8}), 0.3, 60.0)
    np.testing.assert_array_equal(first.duty_percent, again.duty_percent)
    assert (first.duty_percent != other.duty_percent).any()
    duty = np.median(first.duty_percent, axis=0)
    assert (np.diff(duty, axis=0) > 0.0).all()
    assert (np.diff(duty, axis=1) > 0.0).all()
    assert 20.0 < duty[1, 1] < 90.0


def test_positions_without_confidence_hold_the_beam_in_the_futures() -> None:
    rows_mm = breathing()
    seen = preview(rows_mm)
    lost = replace(seen, confidence=np.where(rows_mm < 1.0, 0.3, 0.9))
    duties = [
        forecast_free_breathing(one, (60.0, 60.0), (5.0,), (5.0,), GateConfig(), ForecastConfig(futures=40), 0.3, 60.0)
        for one in (seen, lost)
    ]
    assert np.median(duties[1].duty_percent) < 0.5 * np.median(duties[0].duty_percent)
