"""The engine judges each frame by itself, shows the tracker none that is broken, and reads no clock."""

import math
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from gatekeeper.config import GateConfig
from gatekeeper.core.command import Action, Command
from gatekeeper.core.decision import Reason
from gatekeeper.core.frame import Plane
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.zones import KeepOutZone, TargetZone
from gatekeeper.session.engine import Engine
from tests.support.steps import HOLD, ON, frame, track

SHAPE, SPACING_MM = (64, 48), (2.0, 2.0)


class Tracker:
    """Finds the target where it is told to, and keeps what it was shown."""

    def __init__(self, *rows):
        self.rows, self.shown = list(rows), []

    def track(self, image):
        self.shown.append(image)
        return track(row=self.rows.pop(0) if self.rows else 30.0)


def engine(tracker, **config):
    envelope = Envelope.around(track().contour_px, 5.0, SPACING_MM, SHAPE)
    ticks = count(step=1_000_000)
    return Engine(tracker, Gate(envelope, GateConfig(**config)), stopwatch=lambda: next(ticks))


def broken(kind):
    image = frame().image.copy()
    if kind in ("nan", "inf", "-inf"):
        image[-1, -1] = float(kind)
    return {
        "constant": np.full(SHAPE, 7.0, dtype=np.float32),
        "clipped": np.minimum(image, 2500.0),
        "other shape": image[:, :-1].copy(),
        "other type": image.astype(np.float64),
        "not contiguous": np.asfortranarray(image),
        "no pixel": np.empty((0, 0), dtype=np.float32),
    }.get(kind, image)


def test_beam_comes_on_with_good_frames_and_goes_with_the_first_outside():
    under_test = engine(Tracker(30.0, 30.5, 40.0, 30.0, 30.0))
    steps = [under_test.step(frame(k, acquired_s=0.2 * k), 0.2 * k) for k in range(5)]
    assert [step.decision.state for step in steps] == [HOLD, ON, HOLD, HOLD, ON]
    assert steps[2].decision.reasons == (Reason.OUTSIDE,)
    assert [step.frame.sequence for step in steps] == list(range(5))
    assert steps[2].track.center_mm == (80.0, 48.0)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("nan", Reason.NOT_FINITE),
        ("inf", Reason.NOT_FINITE),
        ("-inf", Reason.NOT_FINITE),
        ("constant", Reason.CONSTANT),
        ("clipped", Reason.SATURATED),
        ("other shape", Reason.WRONG_SHAPE),
        ("other type", Reason.INVALID_FRAME),
        ("not contiguous", Reason.INVALID_FRAME),
        ("no pixel", Reason.INVALID_FRAME),
    ],
)
def test_broken_frame_holds_and_never_reaches_the_tracker(kind, reason):
    tracker = Tracker()
    under_test = engine(tracker, frames_to_resume=1)
    assert under_test.step(frame(0), 0.0).decision.state is ON
    step = under_test.step(frame(1, image=broken(kind)), 0.0)
    assert step.decision.state is HOLD
    assert reason in step.decision.reasons
    assert step.track is None
    assert len(tracker.shown) == 1


def test_frame_of_another_pixel_size_holds_and_never_reaches_the_tracker():
    tracker = Tracker()
    step = engine(tracker, frames_to_resume=1).step(frame(spacing_mm=(2.0, 2.1)), 0.0)
    assert Reason.WRONG_SPACING in step.decision.reasons
    assert tracker.shown == []


def test_old_frame_holds_at_the_time_it_is_told():
    under_test = engine(Tracker(), frames_to_resume=1, max_age_s=0.5)
    assert under_test.step(frame(0, acquired_s=1.0), 1.5).decision.state is ON
    decision = under_test.step(frame(1, acquired_s=1.0), 1.6).decision
    assert (decision.state, decision.reasons, decision.time_s) == (HOLD, (Reason.STALE_FRAME,), 1.6)


def test_silence_holds_and_good_frames_are_counted_anew():
    under_test = engine(Tracker(), frames_to_resume=2)
    under_test.step(frame(0), 0.0)
    silence = under_test.silence(0.5)
    assert (silence.frame, silence.track) == (None, None)
    assert silence.decision.reasons == (Reason.NO_FRAME,)
    assert math.isnan(silence.decision.outside_percent)
    assert under_test.step(frame(1, acquired_s=0.6), 0.6).decision.reasons == (Reason.RESUMING,)


def test_stages_are_timed_by_the_stopwatch_that_is_brought():
    step = engine(Tracker()).step(frame(), 0.0)
    assert (step.track_ms, step.decide_ms) == (1.0, 1.0)


def test_frame_of_another_plane_holds_and_never_reaches_the_tracker():
    tracker, plane = Tracker(), Plane((5.0, 5.0, 5.0))
    envelope = Envelope.around(track().contour_px, 5.0, SPACING_MM, SHAPE, plane)
    under_test = Engine(tracker, Gate(envelope, GateConfig(frames_to_resume=1)))
    assert under_test.step(replace(frame(0), plane=plane), 0.0).decision.state is ON
    assert Reason.WRONG_PLANE in under_test.step(frame(1), 0.0).decision.reasons
    assert len(tracker.shown) == 1


def test_failure_of_the_tracker_comes_through_and_holds_until_it_is_reset():
    class Failing(Tracker):
        def track(self, image):
            if not self.rows:
                return track()
            raise self.rows.pop()

    tracker = Failing(RuntimeError("lost"))
    under_test = engine(tracker, frames_to_resume=1)
    with pytest.raises(RuntimeError, match="lost"):
        under_test.step(frame(0), 0.0)
    assert under_test.step(frame(1), 0.1).decision.reasons == (Reason.ENGINE_FAULT,)
    assert under_test.silence(0.2).decision.reasons == (Reason.ENGINE_FAULT, Reason.NO_FRAME)
    event = under_test.command(Command(Action.RESET, "physicist", 0.3))
    assert event.decision.reasons == (Reason.RESUMING,)
    assert under_test.step(frame(2, acquired_s=0.4), 0.4).decision.state is ON


def test_link_that_is_lost_holds_with_and_without_a_frame():
    under_test = engine(Tracker(), frames_to_resume=1)
    assert under_test.step(frame(0), 0.0).decision.state is ON
    assert under_test.step(frame(1), 0.0, link_alive=False).decision.reasons == (Reason.LINK_LOST,)
    assert under_test.silence(0.1, link_alive=False).decision.reasons == (Reason.LINK_LOST, Reason.NO_FRAME)


def test_several_structures_go_from_the_tracker_to_the_gate_in_their_order():
    class Both(Tracker):
        def track(self, image):
            return track(row=30.0), track(row=self.rows.pop(0))

    zone = Envelope.around(track().contour_px, 5.0, SPACING_MM, SHAPE)
    gate = Gate((TargetZone(zone), KeepOutZone((zone,))), GateConfig(frames_to_resume=1))
    under_test = Engine(Both(45.0, 36.0, 45.0), gate)
    steps = [under_test.step(frame(k), 0.0) for k in range(3)]
    assert [step.decision.state for step in steps] == [ON, HOLD, ON]
    assert steps[1].decision.reasons == (Reason.AVOID_IN_ZONE,)
    assert steps[1].track.center_mm == (60.0, 48.0)


def test_a_step_tells_where_the_other_structures_are():
    class Two(Tracker):
        def track(self, image):
            return super().track(image), track(row=50.0)

    envelope = Envelope.around(track().contour_px, 5.0, SPACING_MM, SHAPE)
    judge = Engine(Two(), Gate((TargetZone(envelope), KeepOutZone((envelope,)))), stopwatch=lambda: 0)
    step = judge.step(frame(), 0.0)
    assert step.track.center_mm == track().center_mm
    assert [one.center_mm for one in step.others] == [track(row=50.0).center_mm]
    assert step.ahead_mm is None
    assert engine(Tracker()).step(frame(), 0.0).others == ()
