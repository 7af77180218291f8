"""Any course of a session: frames good and bad, silence, faults and an operator, in any order."""

import math

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gatekeeper.config import GateConfig, LinacProfile
from gatekeeper.core.command import Action, Command
from gatekeeper.core.decision import Reason
from gatekeeper.core.frame import Frame, Plane
from gatekeeper.core.reasons import FAULTS
from gatekeeper.core.track import Track
from gatekeeper.gating.gate import Gate
from gatekeeper.session.engine import Engine
from tests.support.gates import ENVELOPE, HOLD, IMAGE, ON, PLANE, SPACING_MM, track

NAN = math.nan
FRAMES_TO_RESUME, MINIMUM_OFF_S, CYCLES = 2, 0.9, 4
CONFIG = GateConfig(frames_to_resume=FRAMES_TO_RESUME, geometry_frames=2)
PROFILE = LinacProfile(minimum_off_s=MINIMUM_OFF_S, cycles_per_minute=CYCLES)

# What is wrong with a frame: changes to its image, its header or its track, and what the gate must say.
FLAWS = {
    "pixel NaN": ({"pixel": NAN}, Reason.NOT_FINITE),
    "pixel infinite": ({"pixel": math.inf}, Reason.NOT_FINITE),
    "black": ({"image": np.zeros_like(IMAGE)}, Reason.CONSTANT),
    "clipped": ({"image": np.minimum(IMAGE, 700.0)}, Reason.SATURATED),
    "spacing": ({"spacing_mm": (1.0, 2.0)}, Reason.WRONG_SPACING),
    "spacing NaN": ({"spacing_mm": (NAN, 1.0)}, Reason.WRONG_SPACING),
    "plane": ({"plane": Plane((0.0, 0.0, 0.0))}, Reason.WRONG_PLANE),
    "plane NaN": ({"plane": Plane((NAN, -20.0, 30.0))}, Reason.WRONG_PLANE),
    "shape": ({"image": IMAGE[:-1].copy()}, Reason.WRONG_SHAPE),
    "old": ({"age_s": 0.6}, Reason.STALE_FRAME),
    "age NaN": ({"age_s": NAN}, Reason.STALE_FRAME),
    "future": ({"age_s": -0.1}, Reason.STALE_FRAME),
    "gap": ({"skip": 2}, Reason.SEQUENCE_GAP),
    "number": ({"skip": -1}, Reason.SEQUENCE_NOT_RISING),
    "lost": ({"track": track(confidence=0.2)}, Reason.LOW_CONFIDENCE),
    "confidence NaN": ({"track": track(confidence=NAN)}, Reason.LOW_CONFIDENCE),
    "outside": ({"track": track(9.0)}, Reason.OUTSIDE),
    "contour NaN": ({"track": Track(np.full((9, 2), NAN), (19.0, 17.0), 0.9)}, Reason.OUTSIDE),
    "centre NaN": ({"track": Track(track().contour_px, (NAN, 17.0), 0.9)}, Reason.EXCEPTIONAL_POSITION),
    "link": ({"link_alive": False}, Reason.LINK_LOST),
}


class Course(RuleBasedStateMachine):
    """One session against a few sentences about what a gate may do."""

    def __init__(self):
        super().__init__()
        self.found = track()
        self.gate = Gate(ENVELOPE, CONFIG, armed=False)
        self.engine = Engine(self, self.gate, stopwatch=lambda: 0, profile=PROFILE)
        self.now_s, self.sequence, self.pixel = 0.0, 0, 0.0
        self.armed = self.operator_hold = False
        self.faults = set()
        self.row = 0
        self.beam, self.held_since_s, self.begun_s = HOLD, -math.inf, []
        self.decided = []

    def track(self, image):
        return self.found

    def send(self, pixel=None, image=None, spacing_mm=SPACING_MM, plane=PLANE, age_s=0.1, skip=0, **others):
        """One frame through the engine."""
        self.now_s += 0.25
        self.sequence += 1 + skip
        self.pixel += 1.0
        if image is None:
            image = IMAGE + self.pixel
            if pixel is not None:
                image[5, 5] = pixel
        self.found = others.get("track", track())
        received = Frame(image, spacing_mm, self.sequence, self.now_s - age_s, self.now_s, plane)
        decision = self.engine.step(received, self.now_s, link_alive=others.get("link_alive", True)).decision
        self.note(decision)
        return decision

    def note(self, decision):
        if decision.state is ON and self.beam is HOLD:
            assert decision.time_s - self.held_since_s >= MINIMUM_OFF_S
            self.begun_s.append(decision.time_s)
            assert sum(decision.time_s - begun_s < 60.0 for begun_s in self.begun_s) <= CYCLES
        if decision.state is HOLD and self.beam is ON:
            self.held_since_s = decision.time_s
        self.beam = decision.state
        self.decided.append(decision)

    def ask(self, action):
        event = self.engine.command(Command(action, "physicist", self.now_s))
        assert event.accepted
        if event.decision is not None:
            assert event.decision.state is HOLD
            self.note(event.decision)

    @rule(frames=st.integers(1, 6))
    def good_frames(self, frames):
        for _ in range(frames):
            decision = self.send()
            blocked = self.faults or self.operator_hold or not self.armed
            self.row = 0 if blocked else self.row + 1
            if self.row < FRAMES_TO_RESUME:
                assert decision.state is HOLD
            elif decision.state is HOLD:
                assert set(decision.reasons) <= {Reason.MINIMUM_OFF, Reason.TOO_MANY_CYCLES}

    @rule(flaw=st.sampled_from(sorted(FLAWS)))
    def bad_frame(self, flaw):
        change, reason = FLAWS[flaw]
        if "skip" in change and self.sequence == 0:
            return  # no number is wrong before the first one
        before = self.gate._history.off_grid
        # An old frame that is newer than the one before: the scanner, then the way here, was slow.
        self.now_s += 0.5 if flaw == "old" else 0.0
        decision = self.send(**change)
        assert decision.state is HOLD
        assert reason in decision.reasons
        self.row = 0
        if reason in (Reason.WRONG_SPACING, Reason.WRONG_PLANE, Reason.WRONG_SHAPE) and before + 1 >= 2:
            self.faults.add(Reason.GEOMETRY_CHANGED)

    @rule()
    def frozen_source(self):
        image = IMAGE + 5000.0
        decisions = [self.send(image=image) for _ in range(3)]
        assert Reason.FROZEN in decisions[2].reasons
        self.row = 0

    @rule()
    def silence(self):
        self.now_s += 0.5
        decision = self.engine.silence(self.now_s).decision
        assert decision.state is HOLD
        assert Reason.NO_FRAME in decision.reasons
        self.note(decision)
        self.row = 0

    @precondition(lambda self: self.sequence > 0)
    @rule()
    def clock_goes_back(self):
        self.now_s -= 0.3
        decision = self.send()
        assert Reason.CLOCK_BACKWARDS in decision.reasons
        self.now_s += 0.05
        self.faults.add(Reason.CLOCK_BACKWARDS)
        self.row = 0

    @rule(fault=st.sampled_from([Reason.ENGINE_FAULT, Reason.RECORDING_LOST]))
    def fault(self, fault):
        self.engine.latch(fault)
        self.faults.add(fault)
        self.row = 0

    @rule()
    def arm(self):
        self.ask(Action.ARM)
        self.row = self.row if self.armed else 0
        self.armed = True

    @rule()
    def disarm(self):
        self.ask(Action.DISARM)
        self.armed, self.row = False, 0

    @rule()
    def hold(self):
        self.ask(Action.HOLD)
        self.operator_hold, self.row = True, 0

    @rule()
    def release(self):
        self.ask(Action.RELEASE)
        self.row = 0 if self.operator_hold else self.row
        self.operator_hold = False

    @precondition(lambda self: self.faults)
    @rule()
    def reset(self):
        self.ask(Action.RESET)
        self.faults, self.row = set(), 0

    @invariant()
    def every_fault_is_listed_until_it_is_reset_and_every_hold_has_a_reason(self):
        if not self.decided:
            return
        last = self.decided[-1]
        assert (last.state is ON) == (last.reasons == ())
        assert list(last.reasons) == [reason for reason in Reason if reason in last.reasons]
        state = self.gate.state
        assert set(state.faults) == self.faults
        assert self.faults <= set(FAULTS)
        if state.beam is ON:
            assert self.armed
            assert not self.operator_hold
            assert not self.faults
            assert self.row >= FRAMES_TO_RESUME


Course.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
test_course = Course.TestCase
