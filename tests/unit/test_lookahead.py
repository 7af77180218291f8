import math
from itertools import product

import pytest

from gatekeeper.config import PredictionConfig
from gatekeeper.gating.lookahead import instants_s, used_percent

NAN = math.nan
OFF, CONSERVATIVE, FULL = (PredictionConfig(mode=mode) for mode in ("off", "conservative", "full"))


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


@pytest.mark.parametrize(
    ("config", "measured", "predicted", "healthy", "used"),
    [
        (OFF, 3.0, (80.0,), True, 3.0),
        (OFF, 80.0, (3.0,), True, 80.0),
        (OFF, NAN, (3.0,), True, NAN),
        (CONSERVATIVE, 3.0, (80.0,), True, 80.0),
        (CONSERVATIVE, 80.0, (3.0,), True, 80.0),
        (CONSERVATIVE, 3.0, (1.0, 2.0, 60.0), True, 60.0),
        (CONSERVATIVE, 3.0, (80.0,), False, 80.0),
        (CONSERVATIVE, 3.0, (NAN,), True, NAN),
        (CONSERVATIVE, 3.0, (NAN,), False, 3.0),
        (CONSERVATIVE, 3.0, (NAN, 50.0), False, 50.0),
        (CONSERVATIVE, 3.0, (), True, 3.0),
        (FULL, 3.0, (80.0,), True, 80.0),
        (FULL, 80.0, (3.0,), True, 3.0),
        (FULL, 80.0, (1.0, 60.0, 2.0), True, 60.0),
        (FULL, 80.0, (3.0,), False, 80.0),
        (FULL, 3.0, (80.0,), False, 80.0),
        (FULL, 3.0, (NAN,), True, NAN),
        (FULL, 3.0, (1.0, NAN), True, NAN),
        (FULL, 3.0, (NAN,), False, 3.0),
        (FULL, 80.0, (), True, 80.0),
    ],
)
def test_the_share_outside_that_counts(config, measured, predicted, healthy, used):
    assert same(used_percent(config, measured, predicted, healthy), used)


@pytest.mark.parametrize("config", [OFF, CONSERVATIVE, FULL])
def test_no_prediction_makes_up_for_a_target_that_was_not_measured(config):
    for predicted, healthy in product([(), (0.0,), (NAN,), (0.0, 0.0)], [True, False]):
        assert math.isnan(used_percent(config, NAN, predicted, healthy))


@pytest.mark.parametrize("config", [CONSERVATIVE, FULL])
def test_without_health_a_prediction_can_only_hold(config):
    for measured, predicted in product([0.0, 4.0, 6.0, 100.0], [(0.0,), (100.0,), (NAN,), (0.0, NAN, 7.0)]):
        assert used_percent(config, measured, predicted, False) >= measured


def test_conservative_never_lets_through_what_the_measurement_holds():
    for measured, predicted, healthy in product([0.0, 6.0], [(0.0,), (100.0,), (NAN,)], [True, False]):
        assert not used_percent(CONSERVATIVE, measured, predicted, healthy) < measured


def test_a_decision_looks_ahead_to_the_middle_or_the_whole_of_the_time_it_stands_for():
    parts = {"imaging_s": 0.125, "compute_s": 0.025, "linac_s": 0.1}
    assert PredictionConfig(**parts).latency_s == pytest.approx(0.25)
    assert instants_s(PredictionConfig(**parts), 0.25) == pytest.approx((0.375,))
    assert instants_s(PredictionConfig(look_ahead="whole", **parts), 0.25) == pytest.approx((0.25, 0.375, 0.5))
    assert instants_s(PredictionConfig(**parts), NAN) == pytest.approx((0.25,))
