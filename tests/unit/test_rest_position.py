"""Where the target rests: at the end of exhalation, in a breath-hold, and nowhere when it does not dwell."""

import math

import numpy as np
import pytest

from gatekeeper.gating.rest_position import LEAST_S, ROOM, WINDOW_S, RestPosition

NEAR = (0.0, 0.0)


def rest_of(si_mm, ap_mm=None, period_s=0.25):
    rest = RestPosition()
    for k, row_mm in enumerate(si_mm):
        rest.add(k * period_s, row_mm, 0.0 if ap_mm is None else ap_mm[k])
    return rest


def breaths(seconds=40.0, size_mm=12.0, power=4):
    """Return SI of breaths that rest superior at 0, as sin^4 does."""
    return size_mm * np.sin(np.pi * np.arange(0.0, seconds, 0.25) / 4.0) ** power


def test_a_breathing_target_rests_at_the_end_of_exhalation():
    si_mm = breaths() + 2.0
    row_mm, col_mm = rest_of(si_mm, 0.5 * si_mm).find(NEAR)
    assert row_mm == pytest.approx(2.0, abs=0.3)
    assert col_mm == pytest.approx(1.0, abs=0.3)


def test_a_held_breath_is_a_rest_and_the_breaths_before_it_are_not():
    si_mm = np.concatenate([breaths(24.0), np.full(60, 15.0)])
    assert rest_of(si_mm).find((14.0, 0.0))[0] == pytest.approx(15.0, abs=0.1)


def test_of_two_rests_that_are_as_good_the_nearer_to_the_envelope_counts():
    si_mm = 10.0 * np.sin(2.0 * np.pi * np.arange(0.0, 40.0, 0.25) / 5.0)
    rest = rest_of(si_mm)
    assert rest.find((-9.0, 0.0))[0] == pytest.approx(-10.0, abs=0.6)
    assert rest.find((9.0, 0.0))[0] == pytest.approx(10.0, abs=0.6)


def test_a_target_that_drifts_without_dwelling_has_no_rest():
    assert rest_of(np.linspace(0.0, 40.0, 80)).find(NEAR) is None


def test_what_was_long_ago_is_forgotten():
    si_mm = np.concatenate([np.zeros(400), np.full(int(WINDOW_S / 0.25) + 1, 4.0)])
    assert rest_of(si_mm).find(NEAR)[0] == pytest.approx(4.0)
    assert rest_of(np.zeros(3 * ROOM), period_s=0.05).find(NEAR) == (0.0, 0.0)


def test_a_short_trace_tells_no_rest():
    assert RestPosition().find(NEAR) is None
    assert rest_of(np.zeros(int(LEAST_S / 0.25))).find(NEAR) is None
    assert rest_of(np.zeros(50), period_s=0.01).find(NEAR) is None


def test_a_position_that_is_no_number_or_not_later_is_left_out():
    rest = rest_of(np.ones(60))
    before = rest.find(NEAR)
    rest.add(15.0, math.nan, 0.0)
    rest.add(0.5, 50.0, 0.0)
    rest.add(math.nan, 50.0, 0.0)
    assert rest.find(NEAR) == before == (1.0, 0.0)
