"""An engine is armed from a reference, with what is to be avoided, and learns while its gate is not armed."""

from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.config import GateConfig, SessionConfig
from gatekeeper.core.command import Action, Command
from gatekeeper.core.contour import Role, Structure, mask_to_contour
from gatekeeper.core.decision import BeamState, Reason
from gatekeeper.core.errors import TargetError
from gatekeeper.core.frame import Frame
from gatekeeper.gating.envelope import Envelope
from gatekeeper.session.arming import arm
from replay.run import replay_input
from tests.support.cases import SHAPE, breathing_case
from tests.support.recordings import disc

CONFIG = SessionConfig(gate=GateConfig(frames_to_resume=1))


def setup_of(case, **changes):
    return replace(replay_input(case).setup, **changes)


def frame_of(case, index):
    image = np.ascontiguousarray(case.frames[index], dtype=np.float32)
    return Frame(image, case.spacing_mm, index, case.times_s[index], case.times_s[index], case.plane)


def decided(armed, case, indices):
    return [armed.engine.step(frame_of(case, index), case.times_s[index]).decision for index in indices]


def test_gate_that_waits_for_an_operator_lets_no_beam_on_before_it_is_armed():
    case = breathing_case(frames=4, amplitude_px=0.0)
    armed = arm(setup_of(case, armed=False), CONFIG)
    assert all(Reason.NOT_ARMED in decision.reasons for decision in decided(armed, case, (0, 1)))
    armed.engine.command(Command(Action.ARM, "kim", 0.5))
    assert [decision.state for decision in decided(armed, case, (2, 3))] == [BeamState.ON] * 2


def test_what_is_to_be_avoided_holds_the_beam_when_it_comes_into_the_targets_envelope():
    case = breathing_case(frames=3, amplitude_px=0.0)
    far = Structure("far", Role.AVOID, mask_to_contour(disc(SHAPE, (60.0, 30.0), 6.0)))
    near = Structure("near", Role.AVOID, mask_to_contour(disc(SHAPE, (44.0, 30.0), 6.0)))
    states = {}
    for structure in (far, near):
        armed = arm(setup_of(case, structures=(structure,)), CONFIG)
        states[structure.name] = decided(armed, case, (0, 1, 2))[-1]
    assert states["far"].state is BeamState.ON
    assert states["near"].reasons == (Reason.AVOID_IN_ZONE,)


def test_structure_that_cannot_be_tracked_is_named():
    case = breathing_case(frames=3)
    tiny = Structure("speck", Role.AVOID, np.array([[0.1, 0.1], [0.1, 0.2], [0.2, 0.2]]))
    with pytest.raises(TargetError, match="speck"):
        arm(setup_of(case, structures=(tiny,)), CONFIG)


def test_learning_between_two_frames_is_learning_before_the_first():
    case = breathing_case(frames=60)
    before = arm(setup_of(case, preview=case.frames[:40]), CONFIG)
    between = arm(setup_of(case, armed=False), CONFIG)
    learned = between.learn(case.frames[:40])
    between.adopt(learned)
    between.engine.command(Command(Action.ARM, "kim", 0.0))
    assert between.preview == before.preview
    assert decided(between, case, range(40, 60)) == decided(before, case, range(40, 60))
    assert between.gate.motion == before.gate.motion


def test_what_was_learned_says_how_near_the_target_came_and_how_long_it_was_inside():
    case = breathing_case(frames=40)
    armed = arm(setup_of(case), CONFIG)
    learned = armed.learn(case.frames)
    inside = [armed.envelope.outside_percent(mask_to_contour(label)) <= 5.0 for label in case.labels]
    assert 0.2 < np.mean(inside) < 0.9
    assert abs(learned.inside - np.mean(inside)) < 0.06
    assert learned.nearest_mm < 0.5


def test_learning_measures_with_no_buffers_of_the_gates_which_judges_meanwhile(monkeypatch):
    case = breathing_case(frames=40)
    armed = arm(setup_of(case), CONFIG)
    used, measure = [], Envelope.outside_percent

    def noted(self, contour_px):
        used.append(self._scratch)
        return measure(self, contour_px)

    monkeypatch.setattr(Envelope, "outside_percent", noted)
    armed.learn(case.frames)
    assert used
    assert not any(np.shares_memory(one, armed.gate.envelope._scratch) for one in used)


def test_nothing_is_adopted_under_the_beam():
    case = breathing_case(frames=40)
    armed = arm(setup_of(case), CONFIG)
    learned = armed.learn(case.frames)
    decisions = decided(armed, case, range(4))
    with pytest.raises(ValueError, match="armed"):
        armed.adopt(learned)
    assert armed.preview is None
    twin = arm(setup_of(case), CONFIG)
    assert decided(twin, case, range(4)) == decisions
    assert decided(twin, case, range(4, 8)) == decided(armed, case, range(4, 8))
