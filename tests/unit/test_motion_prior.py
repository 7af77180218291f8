"""The way along which breathing moves the target, out of displacements (SI, AP)."""

import numpy as np
import pytest

from gatekeeper.core.axes import SAGITTAL
from gatekeeper.tracking.motion_prior import (
    FAR_MM,
    LEAST_RANGE_MM,
    NEAR_MM,
    SLANT,
    first_motion_prior,
    learn_motion_prior,
)

FIRST = first_motion_prior(SAGITTAL.names)
SI_MM = np.linspace(-2.0, 18.0, 101)


def moves(ap_mm, si_mm=SI_MM):
    return np.stack([si_mm, np.broadcast_to(ap_mm, si_mm.shape)], axis=1)


def test_a_straight_line_is_learned_as_it_is():
    path = learn_motion_prior(FIRST, moves(1.5 - 0.3 * SI_MM))
    assert (path.offset_mm, path.slope) == pytest.approx((1.5, -0.3))
    assert (path.low_mm, path.high_mm) == (-2.0, 18.0)
    assert path.spread_mm == NEAR_MM


def test_nothing_on_the_line_is_a_surprise_and_a_spread_beside_it_is_one():
    path = learn_motion_prior(FIRST, moves(1.5 - 0.3 * SI_MM))
    for si_mm in (-2.0, 0.0, 7.3, 18.0):
        assert path.path_deviance((si_mm, 1.5 - 0.3 * si_mm)) == pytest.approx(0.0, abs=1e-20)
        for side in (-1.0, 1.0):
            assert path.path_deviance((si_mm, 1.5 - 0.3 * si_mm + side * path.spread_mm)) == pytest.approx(1.0)


def test_the_line_is_not_prolonged_beyond_what_was_seen():
    path = learn_motion_prior(FIRST, moves(1.5 - 0.3 * SI_MM))
    for beyond_mm, end_mm in ((60.0, 18.0), (-40.0, -2.0)):
        assert path.path_deviance((beyond_mm, 1.5 - 0.3 * end_mm)) == pytest.approx(0.0, abs=1e-20)
        spread_mm = path.spread_mm + SLANT * abs(beyond_mm - end_mm)
        away_mm = 0.3 * (beyond_mm - end_mm)
        assert path.path_deviance((beyond_mm, 1.5 - 0.3 * beyond_mm)) == pytest.approx((away_mm / spread_mm) ** 2)


@pytest.mark.parametrize(("sd_mm", "spread_mm"), [(0.1, NEAR_MM), (0.75, 3.0), (2.5, FAR_MM)])
def test_the_spread_is_four_times_what_was_seen_within_its_limits(sd_mm, spread_mm):
    beside_mm = sd_mm * np.where(np.arange(len(SI_MM)) % 2, 1.0, -1.0)
    assert learn_motion_prior(FIRST, moves(0.2 * SI_MM + beside_mm)).spread_mm == pytest.approx(spread_mm, rel=0.01)


@pytest.mark.parametrize("si_mm", [np.zeros(50), np.linspace(0.0, 0.99 * LEAST_RANGE_MM, 50)])
def test_without_motion_along_si_the_path_stays_unknown(si_mm):
    assert learn_motion_prior(FIRST, moves(0.5 * si_mm + 3.0, si_mm)) is FIRST


def test_a_little_more_motion_tells_the_path():
    assert learn_motion_prior(FIRST, moves(0.0, np.linspace(0.0, 1.01 * LEAST_RANGE_MM, 50))) is not FIRST


def test_an_unknown_path_is_no_motion_along_ap_wherever_the_target_is_along_si():
    for si_mm in (-60.0, 0.0, 25.0):
        spread_mm = FAR_MM + SLANT * abs(si_mm)
        assert FIRST.path_deviance((si_mm, 0.0)) == 0.0
        assert FIRST.path_deviance((si_mm, -spread_mm)) == 1.0
        assert FIRST.path_deviance((si_mm, 2.0 * spread_mm)) == 4.0
