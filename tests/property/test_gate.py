import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.config import GateConfig
from gatekeeper.decision import BeamState, Reason
from gatekeeper.frame import Frame
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.findings import Findings, violations
from gatekeeper.gating.gate import Gate
from gatekeeper.track import Track
from tests.polygons import circle

SHAPE, SPACING = (32, 30), (1.0, 1.0)
TARGET = circle(5.0, (15.0, 14.0), n=24)
ENVELOPE = Envelope.around(TARGET, 3.0, SPACING, SHAPE)
IMAGE = np.arange(32 * 30, dtype=np.float32).reshape(SHAPE)
modest = settings(max_examples=100, deadline=None)

any_float = st.floats(allow_nan=True, allow_infinity=True)
not_finite = st.sampled_from([np.nan, np.inf, -np.inf])


def frame(image=IMAGE, spacing_mm=SPACING, acquired_s=1.0):
    return Frame(image, spacing_mm, 0, acquired_s, 1.0)


def track(shift_px=0.0, confidence=1.0):
    return Track(np.add(TARGET, (shift_px, 0.0)), (15.0, 14.0), confidence)


def warm_gate():
    """A gate with the beam on, for which one good frame is enough."""
    gate = Gate(ENVELOPE, GateConfig(frames_to_resume=1))
    assert gate.decide(track(), frame()).state is BeamState.ON
    return gate


EVENTS = {
    "good": lambda gate: gate.decide(track(), frame()),
    "outside": lambda gate: gate.decide(track(shift_px=8.0), frame()),
    "lost": lambda gate: gate.decide(track(confidence=0.2), frame()),
    "untracked": lambda gate: gate.decide(None, frame()),
    "broken contour": lambda gate: gate.decide(track(shift_px=np.nan), frame()),
    "black": lambda gate: gate.decide(track(), frame(np.zeros_like(IMAGE))),
    "old": lambda gate: gate.decide(track(), frame(acquired_s=0.2)),
    "other spacing": lambda gate: gate.decide(track(), frame(spacing_mm=(1.0, 2.0))),
    "silence": lambda gate: gate.silence(2.0),
}


@modest
@given(st.lists(st.sampled_from([*EVENTS, "good", "good", "good", "arm", "disarm"]), max_size=40), st.integers(1, 4))
def test_the_beam_is_on_exactly_after_enough_good_frames_in_a_row_while_armed(events, frames_to_resume):
    gate = Gate(ENVELOPE, GateConfig(frames_to_resume=frames_to_resume), armed=False)
    armed, row = False, 0
    for event in events:
        if event in ("arm", "disarm"):
            getattr(gate, event)()
            row = row if armed and event == "arm" else 0
            armed = event == "arm"
            continue
        row = row + 1 if event == "good" and armed else 0
        decision = EVENTS[event](gate)
        assert (decision.state is BeamState.ON) == (row >= frames_to_resume)
        assert (decision.state is BeamState.ON) == (decision.reasons == ())
        assert (Reason.RESUMING in decision.reasons) == (0 < row < frames_to_resume)


@modest
@given(st.booleans(), any_float, any_float, any_float)
def test_what_is_not_a_number_in_range_always_violates(valid, age_s, confidence, outside_percent):
    config = GateConfig()
    violated = violations(Findings(valid, age_s, confidence, outside_percent), config)
    assert (Reason.INVALID_FRAME in violated) == (not valid)
    assert (Reason.STALE_FRAME in violated) == (not (-0.02 <= age_s <= config.max_age_s))
    assert (Reason.LOW_CONFIDENCE in violated) == (not (config.min_confidence <= confidence <= 1.0))
    assert (Reason.OUTSIDE in violated) == (not (0.0 <= outside_percent <= config.outside_percent))


@modest
@given(not_finite, st.integers(0, IMAGE.size - 1))
def test_beam_never_on_when_a_pixel_is_not_finite(value, at):
    image = IMAGE.copy()
    image.flat[at] = value
    assert warm_gate().decide(track(), frame(image)).reasons == (Reason.INVALID_FRAME,)


@modest
@given(not_finite, st.integers(0, TARGET.size - 1))
def test_beam_never_on_when_a_point_of_the_contour_is_not_finite(value, at):
    contour = TARGET.copy()
    contour.flat[at] = value
    decision = warm_gate().decide(Track(contour, (15.0, 14.0), 1.0), frame())
    assert decision.reasons == (Reason.OUTSIDE,)
    assert np.isnan(decision.outside_percent)


@given(not_finite)
def test_beam_never_on_when_confidence_time_or_spacing_is_not_finite(value):
    assert warm_gate().decide(track(confidence=value), frame()).reasons == (Reason.LOW_CONFIDENCE,)
    assert warm_gate().decide(track(), frame(acquired_s=value)).reasons == (Reason.STALE_FRAME,)
    assert warm_gate().decide(track(), frame(), now_s=value).reasons == (Reason.STALE_FRAME,)
    assert warm_gate().decide(track(), frame(spacing_mm=(value, 1.0))).reasons == (Reason.INVALID_FRAME,)


@modest
@given(st.floats(0.0, 20.0), st.floats(0.0, 100.0))
def test_the_beam_is_on_when_and_only_when_the_share_outside_is_within_its_limit(shift_px, limit_percent):
    moved = track(shift_px=shift_px)
    gate = Gate(ENVELOPE, GateConfig(outside_percent=limit_percent, frames_to_resume=1))
    within = ENVELOPE.outside_percent(moved.contour_px) <= limit_percent
    assert (gate.decide(moved, frame()).state is BeamState.ON) == within
