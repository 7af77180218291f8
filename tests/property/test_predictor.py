import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.config import PredictionConfig
from gatekeeper.gating.lookahead import used_percent
from gatekeeper.gating.predictor import MIN_CHECKED, Predictor

modest = settings(max_examples=60, deadline=None)
any_float = st.floats(allow_nan=True, allow_infinity=True)
FULL = PredictionConfig(mode="full", burn_in_s=5.0)
PERIOD_S = 0.125


def breath_mm(time_s):
    return 5.0 - 5.0 * math.cos(1.5 * time_s), math.sin(1.5 * time_s)


@st.composite
def events(draw):
    """A stretch of good breathing, then anything, then a bit of breathing again: (step in s, position, confidence)."""
    good = [(PERIOD_S, None, 1.0)] * draw(st.integers(0, 120))
    step = st.sampled_from([PERIOD_S, PERIOD_S, 0.0, -PERIOD_S, 1.0, 400.0, math.nan, math.inf])
    position = st.one_of(st.none(), st.tuples(any_float, any_float), st.just((60.0, -20.0)))
    odd = draw(st.lists(st.tuples(step, position, st.sampled_from([1.0, 1.0, 0.2, math.nan])), max_size=12))
    return [*good, *odd, *[(PERIOD_S, None, 1.0)] * draw(st.integers(0, 12))]


@modest
@given(events(), st.one_of(st.just(0.3), any_float))
def test_no_sequence_makes_an_unproven_predictor_count_in_full_mode(sequence, ahead_s):
    predictor = Predictor(FULL)
    now_s, newest_s, good_s = 0.0, -math.inf, 0.0
    for checkable, (step_s, position_mm, confidence) in enumerate(sequence):
        time_s = now_s + step_s
        position_mm = breath_mm(time_s if math.isfinite(time_s) else 0.0) if position_mm is None else position_mm
        predictor.add(time_s, position_mm, confidence)
        usable = all(map(math.isfinite, (time_s, *position_mm))) and confidence >= FULL.min_confidence
        if usable and time_s > newest_s:
            good_s += time_s - newest_s if time_s - newest_s <= FULL.max_gap_s else 0.0
            newest_s = now_s = time_s
        said = predictor.predict(ahead_s)[0]
        if said.healthy:
            assert usable
            assert good_s >= FULL.burn_in_s
            assert checkable >= MIN_CHECKED
            assert all(map(math.isfinite, said.position_mm))
            assert said.recent_error_mm <= FULL.error_limit_mm
            assert 0.0 <= ahead_s <= 3.0
        else:
            for measured in (0.0, 50.0):
                assert used_percent(FULL, measured, (0.0,), said.healthy) == measured
                assert used_percent(FULL, measured, (100.0,), said.healthy) == 100.0


@modest
@given(any_float, st.lists(any_float, max_size=3), st.booleans(), st.sampled_from(["off", "conservative", "full"]))
def test_what_is_not_known_never_comes_out_as_inside(measured, predicted, healthy, mode):
    used = used_percent(PredictionConfig(mode=mode), measured, predicted, healthy)
    if math.isnan(measured):
        assert math.isnan(used)
    if mode != "off" and healthy and any(map(math.isnan, predicted)):
        assert math.isnan(used)
    if mode != "full" or not healthy:
        assert not used < measured


@modest
@given(st.integers(0, 2**32 - 1))
def test_noise_alone_is_predicted_no_worse_than_it_is(seed):
    random = np.random.default_rng(seed)
    predictor = Predictor(FULL)
    errors_mm = []
    for frame in range(160):
        predictor.add(frame * PERIOD_S, random.normal(size=2))
        errors_mm.append(np.hypot(*predictor.predict(0.3)[0].position_mm))
    assert np.nanmedian(errors_mm[80:]) < 2.0
