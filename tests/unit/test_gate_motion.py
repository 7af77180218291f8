"""The learned range and the end-exhale baseline: breathing, holding the breath, drifting and what is not there."""

import math

import numpy as np
import pytest

from gatekeeper.config import GateConfig
from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import InputError
from gatekeeper.core.frame import Plane
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.motion import LearnedRange, Motion, updated
from tests.support.gates import ON, frame, gate, track

CONFIG = GateConfig()
RATE_HZ = 4.0


def breathing(seconds, depth_mm=12.0, period_s=4.0, drift_mm_per_min=0.0, noise_mm=0.0, seed=0):
    """SI positions: end-exhale at 100 mm, inhale inferior of it, as cos^4 of Lujan."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    si = 100.0 + depth_mm * np.sin(np.pi * t / period_s) ** 4 + drift_mm_per_min * t / 60.0
    return si + noise_mm * np.random.default_rng(seed).normal(size=len(t))


def watched(si_mm, motion=None, config=CONFIG):
    """The motion after each position."""
    motion, seen = Motion() if motion is None else motion, []
    for k, position_mm in enumerate(si_mm):
        motion = updated(motion, k / RATE_HZ, (float(position_mm), 50.0), config)
        seen.append(motion)
    return seen


def drifts_mm(si_mm, config=CONFIG, motion=None):
    return np.array([seen.drift_mm(config.drift_cycles) for seen in watched(si_mm, motion, config)])


def test_regular_breathing_does_not_drift():
    assert np.abs(drifts_mm(breathing(600))).max() < 1e-9
    assert np.abs(drifts_mm(breathing(600, noise_mm=0.4))).max() < 1.0


def test_deeper_and_shallower_breaths_are_no_drift_of_the_baseline():
    si_mm = np.concatenate([breathing(40), breathing(40, depth_mm=25.0), breathing(40, depth_mm=5.0)])
    assert np.abs(drifts_mm(si_mm)).max() < 1e-9


@pytest.mark.parametrize("per_minute", [1.0, -1.0])
def test_a_slow_drift_is_measured_to_half_a_mm(per_minute):
    found = drifts_mm(breathing(600, drift_mm_per_min=per_minute, noise_mm=0.3))
    # The reference is the median of the first five breaths, ten seconds into the session.
    truth = per_minute * (np.arange(len(found)) / RATE_HZ - 10.0) / 60.0
    assert abs(found[-1] - truth[-1]) < 0.6
    assert np.abs(found[200:] - truth[200:]).max() < 1.0


def test_a_drift_is_held_within_six_breaths_of_its_limit():
    found = drifts_mm(breathing(600, drift_mm_per_min=1.0))
    beyond_s = np.argmax(found > 3.0) / RATE_HZ
    assert 190.0 < beyond_s < 190.0 + 6 * 4.0


@pytest.mark.parametrize("held_mm", [0.0, 12.0, 25.0])
def test_a_patient_who_holds_the_breath_does_not_drift(held_mm):
    hold = 100.0 + held_mm + 0.3 * np.random.default_rng(2).normal(size=int(25 * RATE_HZ))
    si_mm = np.concatenate([breathing(24), *(np.concatenate([hold, breathing(12)]) for _ in range(8))])
    assert np.abs(drifts_mm(si_mm)).max() < 1.0


def test_a_session_that_is_one_long_hold_has_no_baseline_and_does_not_drift():
    slipping = 100.0 + np.linspace(0.0, 2.9, 400)
    assert not drifts_mm(slipping).any()
    assert watched(slipping)[-1].exhales_mm == ()


def test_a_hold_that_leaks_is_no_end_exhale():
    leaking = np.concatenate([breathing(24), 112.0 - np.linspace(0.0, 8.0, 100), breathing(24)])
    assert np.abs(drifts_mm(leaking)).max() < 1e-9


def test_movement_below_a_breath_is_noise():
    assert watched(breathing(60, depth_mm=2.9))[-1].exhales_mm == ()
    assert len(watched(breathing(60, depth_mm=3.1))[-1].exhales_mm) == 5


def test_a_session_that_begins_in_the_middle_of_a_breath_finds_whole_breaths_only():
    for begin in range(16):
        exhales = watched(breathing(60)[begin:])[-1].exhales_mm
        assert exhales == pytest.approx([100.0] * 5, abs=1e-9)


def test_one_breath_that_goes_wrong_does_not_move_the_median():
    si_mm = breathing(60)
    si_mm[160] = 60.0
    assert np.abs(drifts_mm(si_mm)).max() < 1e-9


@pytest.mark.parametrize("position", [(math.nan, 50.0), (100.0, math.nan), (math.inf, 50.0), (100.0, -math.inf)])
def test_a_position_that_is_not_finite_is_not_remembered_and_never_inside(position):
    motion = watched(breathing(60))[-1]
    assert updated(motion, 99.0, position, CONFIG) is motion
    assert math.isnan(motion.excursion_mm(position))
    assert math.isnan(Motion().excursion_mm(position))


def test_the_range_is_learned_for_as_long_as_it_is_set_and_then_stands():
    seen = watched(np.concatenate([breathing(20.5), np.full(40, 140.0)]))
    learned = [motion.learned for motion in seen]
    assert learned.index(True) == 20 * RATE_HZ
    assert seen[-1].row_mm == pytest.approx((100.0, 112.0))
    assert seen[-1].excursion_mm((140.0, 50.0)) == pytest.approx(28.0)
    assert seen[-1].excursion_mm((106.0, 45.5)) == pytest.approx(4.5)
    assert seen[10].excursion_mm((140.0, 50.0)) == 0.0


def test_what_is_remembered_does_not_grow():
    assert len(watched(breathing(1200))[-1].exhales_mm) == CONFIG.drift_cycles


def test_a_preview_gives_range_and_baseline():
    si_mm = breathing(60)
    known = LearnedRange.of(np.stack([si_mm, np.full(len(si_mm), 50.0)], axis=1))
    assert known.row_mm == pytest.approx((100.0, 112.0), abs=0.1)
    assert known.col_mm == (50.0, 50.0)
    assert known.end_exhale_mm == pytest.approx(100.0)
    assert drifts_mm(breathing(60) + 4.0, motion=Motion.from_range(known))[-1] == pytest.approx(4.0)


def test_single_wrong_frames_do_not_widen_the_range_of_a_preview():
    positions = np.tile([100.0, 50.0], (400, 1))
    positions[7], positions[8] = (300.0, 50.0), (math.nan, 50.0)
    assert LearnedRange.of(positions).row_mm == (100.0, 100.0)
    assert math.isnan(LearnedRange.of(positions).end_exhale_mm)


def test_a_preview_in_which_the_target_was_never_seen_is_refused():
    with pytest.raises(InputError, match="no finite position"):
        LearnedRange.of(np.full((5, 2), math.nan))


def test_where_a_lost_target_seems_to_be_is_not_learned():
    judge = gate()
    judge.decide(track(), frame(0))
    for sequence in range(1, 30):
        judge.decide(track(-8.0 if sequence % 2 else 8.0, confidence=0.3), frame(sequence))
    assert judge.motion.row_mm == (19.0, 19.0)
    assert judge.motion.exhales_mm == ()


def test_a_breath_hold_session_is_never_held_for_its_motion():
    """Deep inspiration breath-hold: the target is in its envelope only while the breath is held."""
    rng, judge, sequence = np.random.default_rng(5), gate(frames_to_resume=2), 0
    held, on_in_holds = set(), 0
    for _ in range(10):
        for si_mm in [*rng.normal(0.0, 0.3, 80), *(breathing(12)[::-1] - 122.0)]:
            decision = judge.decide(track(float(si_mm)), frame(sequence))
            sequence += 1
            held.update(decision.reasons if abs(si_mm) < 1.5 else ())
            on_in_holds += decision.state is ON
    assert held <= {Reason.RESUMING}
    assert on_in_holds > 10 * 75


def test_sudden_cough_beyond_the_range_is_said_as_such():
    judge = gate(learning_s=5.0, exception_mm=2.0, outside_percent=100.0)
    reasons = [
        judge.decide(track(float(si_mm)), frame(k)).reasons
        for k, si_mm in enumerate([*(breathing(20, depth_mm=4.0) - 102.0), -6.0, 0.0])
    ]
    assert reasons[:-2] == [()] * 80
    assert reasons[-2:] == [(Reason.EXCEPTIONAL_POSITION,), ()]


def test_the_reference_is_the_median_of_the_first_breaths_and_not_the_first():
    si_mm = breathing(60)
    si_mm[16] = 94.0
    seen = watched(si_mm)[-1]
    assert seen.reference_mm == pytest.approx(100.0, abs=1e-9)


def test_a_dip_of_noise_while_breathing_in_is_no_turning_point():
    seen = watched(breathing(120, period_s=12.0, noise_mm=0.4))[-1]
    assert seen.exhales_mm == pytest.approx([100.0] * 5, abs=2.0)


def test_on_axial_images_the_target_moves_anterior_as_the_patient_breathes_in():
    si_mm = breathing(300, drift_mm_per_min=1.0, noise_mm=0.3)
    # Anterior is where the row index is small.
    mirrored = drifts_mm(200.0 - si_mm, motion=Motion(breath_sign=-1.0))
    np.testing.assert_allclose(mirrored, drifts_mm(si_mm), atol=1e-9)
    centers = np.stack([200.0 - si_mm, np.full_like(si_mm, 50.0)], axis=1)
    known = LearnedRange.of(centers, breath_sign=-1.0)
    same = LearnedRange.of(np.stack([si_mm, centers[:, 1]], axis=1))
    assert known.end_exhale_mm == pytest.approx(same.end_exhale_mm - 200.0)
    begun = Motion.from_range(known)
    assert begun.moved((3.0, 0.0)).reference_mm == pytest.approx(begun.reference_mm - 3.0)
    axial = Plane((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    for plane, sign in ((axial, -1.0), (Plane(), 1.0)):
        judge = Gate(Envelope(track().contour_px, (1.0, 1.0), plane=plane))
        assert judge.motion.breath_sign == sign


def test_the_former_names_of_a_range_tell_the_new_ones():
    known = LearnedRange((1.0, 2.0), (3.0, 4.0))
    with pytest.warns(DeprecationWarning, match="row_mm"):
        assert known.si_mm == known.row_mm
    with pytest.warns(DeprecationWarning, match="col_mm"):
        assert known.ap_mm == known.col_mm
