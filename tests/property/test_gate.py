import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.config import GateConfig
from gatekeeper.core.decision import Reason
from gatekeeper.core.track import Track
from gatekeeper.gating.hold_reasons import violations
from gatekeeper.gating.measurements import Limits
from tests.support.gates import ENVELOPE, IMAGE, ON, TARGET, frame, gate, gate_on, measurements, track

modest = settings(max_examples=100, deadline=None)
any_float = st.floats(allow_nan=True, allow_infinity=True)
not_finite = st.sampled_from([np.nan, np.inf, -np.inf])


@modest
@given(any_float, any_float, any_float, any_float, any_float, st.booleans())
def test_what_is_not_a_number_in_range_always_violates(age_s, confidence, outside, excursion_mm, drift_mm, was_on):
    config = GateConfig()
    limits = Limits.to_stay_on(config) if was_on else Limits.to_resume(config)
    target = {
        "confidence": confidence,
        "outside_percent": outside,
        "excursion_mm": excursion_mm,
        "drift_mm": drift_mm,
        "overlaps": ((outside, 5.0),),
    }
    violated = violations(measurements(target=target, age_s=age_s), limits)
    assert (Reason.STALE_FRAME in violated) == (not (-0.02 <= age_s <= 0.5))
    assert (Reason.LOW_CONFIDENCE in violated) == (not ((0.5 if was_on else 0.55) <= confidence <= 1.0))
    assert (Reason.OUTSIDE in violated) == (not (0.0 <= outside <= (5.0 if was_on else 4.0)))
    assert (Reason.AVOID_IN_ZONE in violated) == (not (0.0 <= outside <= (5.0 if was_on else 4.0)))
    assert (Reason.EXCEPTIONAL_POSITION in violated) == (not (excursion_mm <= 5.0))
    assert (Reason.BASELINE_DRIFT in violated) == (not (-3.0 <= drift_mm <= 3.0))


@modest
@given(not_finite, st.integers(0, IMAGE.size - 1))
def test_beam_never_on_when_a_pixel_is_not_finite(value, at):
    image = IMAGE.copy()
    image.flat[at] = value
    assert gate_on().decide(track(), frame(1, image)).reasons == (Reason.NOT_FINITE,)


@modest
@given(not_finite, st.integers(0, TARGET.size - 1))
def test_beam_never_on_when_a_point_of_the_contour_is_not_finite(value, at):
    contour = TARGET.copy()
    contour.flat[at] = value
    decision = gate_on().decide(Track(contour, (15.0, 14.0), 1.0), frame(1))
    assert decision.reasons == (Reason.OUTSIDE,)
    assert np.isnan(decision.outside_percent)


@given(not_finite)
def test_beam_never_on_when_confidence_time_spacing_or_place_is_not_finite(value):
    assert gate_on().decide(track(confidence=value), frame(1)).reasons == (Reason.LOW_CONFIDENCE,)
    assert gate_on().decide(track(), frame(1, acquired_s=value)).reasons == (Reason.STALE_FRAME,)
    assert gate_on().decide(track(), frame(1), now_s=value).reasons == (Reason.STALE_FRAME,)
    assert gate_on().decide(track(), frame(1, spacing_mm=(value, 1.0))).reasons == (Reason.WRONG_SPACING,)
    nowhere = Track(TARGET, (15.0, value), 0.9)
    assert gate_on().decide(nowhere, frame(1)).reasons == (Reason.TARGET_JUMP, Reason.EXCEPTIONAL_POSITION)


@modest
@given(st.floats(0.0, 20.0), st.floats(0.0, 100.0), st.floats(0.0, 20.0))
def test_the_beam_comes_on_when_and_only_when_the_share_outside_is_within_the_lower_limit(si_mm, limit, hysteresis):
    judge = gate(outside_percent=limit, outside_hysteresis_percent=hysteresis)
    percent = ENVELOPE.outside_percent(track(si_mm).contour_px)
    assert (judge.decide(track(si_mm), frame(0)).state is ON) == (percent <= max(limit - hysteresis, 0.0))
