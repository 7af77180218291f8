"""What a session learns of the target's motion: the path of breathing, and the steps from frame to frame."""

import numpy as np
import pytest

from gatekeeper.core.axes import CORONAL, SAGITTAL, UNKNOWN
from gatekeeper.tracking.motion_history import FAR_MM, LEAST_FRAMES, NEAR_MM, SLANT, STEPS, MotionHistory
from gatekeeper.tracking.motion_prior import AXIS_PRIORS, first_motion_prior

REACH_MM = (65.0, 40.0)
FIRST = first_motion_prior(SAGITTAL.names)
ALIKE = UNKNOWN, UNKNOWN
BREATH_MM = 8.0 - 8.0 * np.cos(0.4 * np.arange(200))


def history_of(moves_mm=(), axes=SAGITTAL.names):
    history = MotionHistory(first_motion_prior(axes), REACH_MM)
    for move in np.asarray(moves_mm, np.float64).tolist():
        history.add(tuple(move), follows=True)
    return history


def oblique(slope, along_mm=BREATH_MM):
    return np.stack([along_mm, slope * along_mm], axis=1)


def test_at_the_beginning_a_deep_breath_at_an_angle_is_no_surprise():
    """The deepest of what is to be tracked: 48 mm along SI and 28 mm along AP, either way."""
    history = history_of()
    assert history.path_deviance((48.0, 28.0)) == history.path_deviance((48.0, -28.0)) < 1.0
    assert history.path_deviance((0.0, FAR_MM)) == pytest.approx(1.0)
    assert history.path_deviance((0.0, 12.0)) > 8.0


@pytest.mark.parametrize("slope", [-0.35, 0.0, 0.5])
def test_the_path_of_breathing_is_learned_and_what_is_off_it_surprises_more(slope):
    history = history_of(oblique(slope))
    for along_mm in (0.0, 4.0, 9.0, 16.0):
        assert history.path_deviance((along_mm, slope * along_mm)) < 0.5
        assert history.path_deviance((along_mm, slope * along_mm + 6.0)) > 4.0
    assert history.path_deviance((8.0, 8.0 * slope + NEAR_MM)) == pytest.approx(1.0, rel=0.4)


def test_beyond_what_was_seen_any_angle_is_expected_again():
    history = history_of(oblique(-0.35))
    farther_mm = 48.0 - BREATH_MM.max()
    assert history.path_deviance((48.0, 28.0)) == pytest.approx((33.6 / (NEAR_MM + SLANT * farther_mm)) ** 2, rel=0.2)
    assert history.path_deviance((48.0, -28.0)) < history.path_deviance((48.0, 28.0)) < 4.0


def test_a_state_that_was_left_is_remembered():
    shallow_mm, held_mm = oblique(-0.3), np.tile([48.0, 28.0], (3000, 1))
    history = history_of(np.vstack([shallow_mm, held_mm]))
    assert history.path_deviance((48.0, 28.0)) < 0.1
    assert history.path_deviance((8.0, -2.4)) < 0.5
    assert history.path_deviance((8.0, 6.0)) > 4.0


def test_a_few_frames_make_no_path():
    """One sure frame may be wrong."""
    for frames, known in ((LEAST_FRAMES - 1, False), (LEAST_FRAMES, True)):
        history = history_of([(30.0, -12.0)] * frames)
        assert (history.path_deviance((30.0, 12.0)) > 4.0) is known


def test_one_position_far_off_does_not_widen_the_path():
    usual = history_of(oblique(0.2))
    before = usual.path_deviance((8.0, 8.0))
    usual.add((8.0, 30.0), follows=False)
    assert usual.path_deviance((8.0, 8.0)) > 0.7 * before


def test_a_position_beyond_the_reach_counts_for_the_outermost_part():
    history = history_of([(200.0, 3.0), (-200.0, 3.0)] * 5)
    assert np.isfinite(history.path_deviance((300.0, 0.0)))


def test_steps_begin_wide_and_are_learned():
    si_mm, ap_mm = AXIS_PRIORS["SI"].first_jump_mm, AXIS_PRIORS["AP"].first_jump_mm
    first = history_of()
    assert first.jump_deviance((1.0, 2.0), (1.0 + si_mm, 2.0)) == pytest.approx(1.0, rel=0.1)
    assert first.jump_deviance((1.0, 2.0), (1.0, 2.0 - ap_mm)) == pytest.approx(1.0, rel=0.15)
    slow, fast = (history_of(oblique(0.0, speed * BREATH_MM)) for speed in (0.2, 2.0))
    step = (0.0, 0.0), (6.0, 0.0)
    assert slow.jump_deviance(*step) > 2.0 * first.jump_deviance(*step) > 2.0 * fast.jump_deviance(*step)


def test_steps_along_the_direction_of_breathing_surprise_less_than_across_it():
    history = history_of(oblique(0.5))
    along, across = (4.0, 2.0), (-2.0, 4.0)
    assert history.jump_deviance((0.0, 0.0), along) < 0.1 * history.jump_deviance((0.0, 0.0), across)


def test_one_leap_makes_further_leaps_hardly_more_likely():
    history = history_of(oblique(-0.3))
    before = history.jump_deviance((0.0, 0.0), (20.0, 0.0))
    history.add((60.0, 30.0), follows=True)
    assert history.jump_deviance((0.0, 0.0), (20.0, 0.0)) > 0.9 * before


def test_a_displacement_after_unsure_frames_is_no_step():
    slow, leaping = history_of(), history_of()
    for index, (along_mm, _) in enumerate(oblique(0.0).tolist()):
        slow.add((0.01 * along_mm, 0.0), follows=True)
        leaping.add((0.01 * along_mm + 30.0 * (index % 2), 0.0), follows=False)
    assert slow.jump_deviance((0.0, 0.0), (5.0, 0.0)) > 5.0
    assert leaping.jump_deviance((0.0, 0.0), (5.0, 0.0)) == pytest.approx(1.0, rel=0.1)
    assert STEPS > 1.0


def test_the_axes_decide_along_which_breathing_is_expected():
    for axes in (SAGITTAL.names, CORONAL.names):
        turned = MotionHistory(first_motion_prior(axes[::-1]), REACH_MM[::-1])
        assert turned.path_deviance((28.0, 48.0)) == history_of(axes=axes).path_deviance((48.0, 28.0))
    assert first_motion_prior(("AP", "RL")).across == 1
    assert first_motion_prior(ALIKE).across is None


def test_unknown_axes_are_alike_until_the_target_has_moved():
    history = history_of(axes=ALIKE)
    assert history.path_deviance((3.0, 20.0)) == history.path_deviance((20.0, 3.0)) == 0.0
    assert history.jump_deviance((0.0, 0.0), (7.0, 1.0)) == history.jump_deviance((0.0, 0.0), (1.0, 7.0))
    history = history_of(oblique(0.2)[:, ::-1], axes=ALIKE)
    assert history.path_deviance((0.2 * 8.0, 8.0)) < 0.5
    assert history.path_deviance((8.0, 8.0)) > 4.0


def test_a_preview_is_what_a_session_begins_with_and_returns_to():
    moves_mm = oblique(-0.3)
    learned = MotionHistory(FIRST, REACH_MM, np.insert(moves_mm, 50, np.nan, axis=0))
    tracked = history_of(moves_mm)
    for place in ((8.0, 3.0), (40.0, 10.0)):
        assert learned.path_deviance(place) == pytest.approx(tracked.path_deviance(place))
    before = learned.path_deviance((8.0, 3.0)), learned.jump_deviance((0.0, 0.0), (9.0, 1.0))
    for _ in range(60):
        learned.add((8.0, 9.0), follows=True)
    learned.restart()
    assert (learned.path_deviance((8.0, 3.0)), learned.jump_deviance((0.0, 0.0), (9.0, 1.0))) == before
