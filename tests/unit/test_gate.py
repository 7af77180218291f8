import math
import tracemalloc

import numpy as np
import pytest

from gatekeeper.config import GateConfig
from gatekeeper.core.command import Action, Command
from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.frame import Frame
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from tests.support.polygons import circle

SHAPE, SPACING = (48, 40), (1.0, 1.0)
TARGET = circle(6.0, (22.0, 20.0), n=60)
ENVELOPE = Envelope.around(TARGET, 5.0, SPACING, SHAPE)
IMAGE = np.arange(48 * 40, dtype=np.float32).reshape(SHAPE)  # one larger on each frame: no two are the same
INSIDE = Track(TARGET, (22.0, 20.0), 0.9)
OUTSIDE = Track(np.add(TARGET, (0.0, 9.0)), (22.0, 29.0), 0.9)
ON, HOLD = BeamState.ON, BeamState.HOLD


def gate(frames_to_resume=2, **options):
    return Gate(ENVELOPE, GateConfig(frames_to_resume=frames_to_resume), **options)


def frame(sequence=0, image=None, delay_s=0.1):
    return Frame(
        IMAGE + sequence if image is None else image, SPACING, sequence, 0.25 * sequence, 0.25 * sequence + delay_s
    )


def test_the_gate_as_the_readme_shows_it():
    decision = Gate(ENVELOPE, GateConfig()).decide(INSIDE, frame(7))
    assert decision == Decision(7, 1.85, HOLD, (Reason.RESUMING,), 0.0, raw_state=HOLD)


def test_the_beam_comes_on_with_the_last_of_the_good_frames_in_a_row():
    judge = gate(frames_to_resume=3)
    states = [judge.decide(INSIDE, frame(i)).state for i in range(5)]
    assert states == [HOLD, HOLD, ON, ON, ON]


def test_the_first_frame_outside_holds_at_once_and_resuming_takes_its_frames():
    judge = gate(frames_to_resume=2)
    tracks = [INSIDE, INSIDE, OUTSIDE, INSIDE, OUTSIDE, INSIDE, INSIDE]
    decisions = [judge.decide(track, frame(i)) for i, track in enumerate(tracks)]
    assert [decision.state for decision in decisions] == [HOLD, ON, HOLD, HOLD, HOLD, HOLD, ON]
    assert decisions[2].reasons == (Reason.OUTSIDE,)
    assert decisions[3].reasons == (Reason.RESUMING,)
    assert decisions[2].outside_percent > 5.0
    assert decisions[6].reasons == ()


def test_a_hold_carries_all_its_reasons():
    lost_outside = Track(OUTSIDE.contour_px, OUTSIDE.center_mm, 0.1)
    decision = gate().decide(lost_outside, frame(1, image=np.full_like(IMAGE, np.nan)), now_s=9.0)
    assert decision.reasons == (
        Reason.NOT_FINITE,
        Reason.STALE_FRAME,
        Reason.LOW_CONFIDENCE,
        Reason.OUTSIDE,
    )


def test_a_frame_that_could_not_be_tracked_holds():
    judge = gate(frames_to_resume=1)
    judge.decide(INSIDE, frame(0))
    decision = judge.decide(None, frame(1))
    assert decision.state is HOLD
    assert decision.reasons == (Reason.LOW_CONFIDENCE, Reason.OUTSIDE)
    assert math.isnan(decision.outside_percent)


def test_silence_holds_and_breaks_the_row():
    judge = gate(frames_to_resume=2)
    judge.decide(INSIDE, frame(0))
    judge.decide(INSIDE, frame(1))
    decision = judge.silence(0.45)
    assert (decision.sequence, decision.time_s, decision.state) == (-1, 0.45, HOLD)
    assert decision.reasons == (Reason.NO_FRAME,)
    assert math.isnan(decision.outside_percent)
    assert judge.decide(INSIDE, frame(2)).reasons == (Reason.RESUMING,)
    assert judge.decide(INSIDE, frame(3)).state is ON


def test_the_age_counts_until_now_or_else_until_the_frame_was_received():
    judge = gate(frames_to_resume=1)
    assert judge.decide(INSIDE, frame(4)).state is ON
    assert judge.decide(INSIDE, frame(5), now_s=1.75).state is ON
    assert judge.decide(INSIDE, frame(6), now_s=2.01).reasons == (Reason.STALE_FRAME,)
    assert judge.decide(INSIDE, frame(7, delay_s=0.6)).reasons == (Reason.STALE_FRAME,)


def test_a_frame_from_the_future_is_not_fresh():
    judge = gate(frames_to_resume=1)
    assert judge.decide(INSIDE, frame(4, delay_s=-0.01)).state is ON
    assert judge.decide(INSIDE, frame(5, delay_s=-0.05)).reasons == (Reason.STALE_FRAME,)


def test_a_gate_that_is_not_armed_holds_whatever_comes():
    judge = gate(frames_to_resume=1, armed=False)
    for i in range(5):
        assert judge.decide(INSIDE, frame(i)).reasons == (Reason.NOT_ARMED,)
    assert judge.decide(OUTSIDE, frame(5)).reasons == (Reason.NOT_ARMED, Reason.OUTSIDE)
    assert judge.silence(2.0).reasons == (Reason.NOT_ARMED, Reason.NO_FRAME)


def test_arming_counts_from_now_and_arming_again_changes_nothing():
    judge = gate(frames_to_resume=2, armed=False)
    judge.decide(INSIDE, frame(0))
    judge.arm()
    assert judge.state.beam is HOLD
    assert judge.decide(INSIDE, frame(1)).reasons == (Reason.RESUMING,)
    judge.arm()
    assert judge.decide(INSIDE, frame(2)).state is ON
    judge.arm()
    assert judge.decide(INSIDE, frame(3)).state is ON


def test_disarming_holds_at_once():
    judge = gate(frames_to_resume=1)
    judge.decide(INSIDE, frame(0))
    judge.disarm()
    assert judge.state.beam is HOLD
    assert judge.decide(INSIDE, frame(1)).reasons == (Reason.NOT_ARMED,)


def test_a_frame_on_which_judging_fails_holds_until_the_fault_is_reset():
    class Unreadable:
        @property
        def shape(self):
            raise MemoryError

    judge = gate(frames_to_resume=2)
    judge.decide(INSIDE, frame(0))
    judge.decide(INSIDE, frame(1))
    with pytest.raises(MemoryError):
        judge.decide(INSIDE, frame(2, image=Unreadable()))
    assert judge.state.beam is HOLD
    for i in range(2, 6):
        assert judge.decide(INSIDE, frame(i)).reasons == (Reason.ENGINE_FAULT,)
    judge.apply(Command(Action.RESET, "physicist", 1.5))
    assert judge.decide(INSIDE, frame(6)).reasons == (Reason.RESUMING,)
    assert judge.decide(INSIDE, frame(7)).state is ON


def test_a_target_exactly_at_its_limit_is_within():
    percent = ENVELOPE.outside_percent(OUTSIDE.contour_px)
    at = GateConfig(outside_percent=percent, outside_hysteresis_percent=0.0, frames_to_resume=1)
    below = at.model_copy(update={"outside_percent": math.nextafter(percent, 0.0)})
    assert Gate(ENVELOPE, at).decide(OUTSIDE, frame()).state is ON
    assert Gate(ENVELOPE, below).decide(OUTSIDE, frame()).state is HOLD


def test_judging_frame_after_frame_keeps_no_memory():
    judge = gate()
    for i in range(50):
        judge.decide(INSIDE, frame(i))
    tracemalloc.start()
    try:
        for i in range(50, 70):
            judge.decide(INSIDE, frame(i))
        before = tracemalloc.get_traced_memory()[0]
        for i in range(70, 570):
            judge.decide(INSIDE if i % 3 else OUTSIDE, frame(i))
        assert tracemalloc.get_traced_memory()[0] - before < 2000
    finally:
        tracemalloc.stop()
