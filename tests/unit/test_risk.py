"""The level at which a risk limit lets the beam on, from decisions whose outcome is known."""

import math

import pytest

from gatekeeper.gating.risk import LEVELS, OVER_S, RiskLimit

STEP_S, LATENCY_S = 0.125, 0.25
ALL = len(LEVELS)


def play(risk, outside, *, passed=ALL, on=False, begin=0, crossed=0.5):
    """Play a frame each 125 ms; each decision takes effect after 250 ms and stands for one frame."""
    for frame, out in enumerate(outside, start=begin):
        time_s = frame * STEP_S
        risk.measured(time_s, out, crossed, 0.75)
        risk.decided(time_s + LATENCY_S, time_s + LATENCY_S + STEP_S, passed)
        risk.took_effect(on)


def test_nothing_is_promised_before_enough_is_known():
    risk = RiskLimit(1.0)
    play(risk, [False] * 101)
    assert risk.level() is None
    play(risk, [False] * 2, begin=101)
    assert risk.level() == LEVELS[0]


@pytest.mark.parametrize(("lost", "expected"), [(0, 0.0), (3, 0.0), (4, None)])
def test_the_mean_of_what_was_lost_and_one_more_is_at_most_the_risk(lost, expected):
    risk = RiskLimit(1.0)
    # Two crossings, each in the middle of a step, so that `lost` frames of 400 are outside.
    play(risk, [False] * 100 + [True] * lost + [False] * (303 - lost))
    assert risk.level() == expected


def test_the_lowest_level_serves_at_which_the_beam_would_have_been_held():
    risk = RiskLimit(1.0)
    play(risk, [False] * 200)
    play(risk, [True] * 20, passed=4, begin=200)
    play(risk, [False] * 200, begin=220)
    assert risk.level() == LEVELS[4]


@pytest.mark.parametrize("crossed", [0.0, 0.25, 1.0])
def test_a_step_across_the_edge_counts_from_where_it_crosses(crossed):
    risk = RiskLimit(1.0)
    play(risk, [False] * 20 + [True] * 4 + [False] * 20, on=True, crossed=crossed)
    # In after `crossed` of a step; out from `crossed` of the step before: four steps in either case.
    assert risk.realised_percent == pytest.approx(100.0 * 4.0 / 41.0, rel=1e-6)
    assert RiskLimit(1.0).realised_percent is not None
    assert math.isnan(RiskLimit(1.0).realised_percent)


@pytest.mark.parametrize(("lost", "level"), [(10, 0), (11, 1)])
def test_what_the_beam_did_outside_in_the_last_minute_lowers_what_may_be_lost(lost, level):
    calm, used_up = RiskLimit(2.0), RiskLimit(2.0)
    for risk, on in ((calm, False), (used_up, True)):
        play(risk, [False] * 148)
        play(risk, [False] * 2 + [True] * lost, passed=1, on=on, begin=148)
        play(risk, [False] * 450, begin=150 + lost)
    assert calm.realised_percent == 0.0
    assert used_up.realised_percent > 0.02 * OVER_S / (611 * STEP_S)
    # The last minute may have 1.2 s, or 9.6 frames. Of the 11 frames that may be lost, 10 are left after one of 10 and
    # 8 after one of 11.
    assert (calm.level(), used_up.level()) == (LEVELS[0], LEVELS[level])
    play(used_up, [False] * 60, begin=600 + lost)
    assert used_up.level() == LEVELS[0]


def test_half_as_much_again_in_the_last_minute_leaves_nothing_to_lose():
    risk = RiskLimit(2.0)
    play(risk, [False] * 148 + [True] * 2 + [False] * 50, passed=3)
    play(risk, [False] * 2 + [True] * 16, passed=1, on=True, begin=200)
    play(risk, [False] * 420, begin=218)
    assert risk.level() == LEVELS[3]


def test_a_delivery_that_is_ahead_of_its_share_by_more_than_a_minute_makes_it_good():
    risk = RiskLimit(1.0)
    for cycle in range(4):
        play(risk, [False] * 480 + [True] * 10, passed=1, on=True, begin=490 * cycle)
    before = risk.realised_percent
    play(risk, [False] * 600, begin=1960)
    assert before > 1.8
    assert risk.level() is None
    play(risk, [False] * 1200, begin=2560)
    assert risk.level() == LEVELS[1]


@pytest.mark.parametrize("outside", [None, True])
def test_a_target_that_is_not_known_counts_as_outside_for_a_beam_that_is_on(outside):
    risk = RiskLimit(1.0)
    play(risk, [False] * 20 + [outside] * 8 + [False] * 20, on=True, crossed=0.0)
    assert risk.realised_percent >= 100.0 * 7.0 / 45.0


def test_what_is_not_known_does_not_decide_the_level():
    risk = RiskLimit(1.0)
    play(risk, [False] * 100 + [None] * 30 + [False] * 100)
    assert risk.level() == LEVELS[0]


def test_after_the_envelope_was_moved_all_begins_anew_but_what_the_beam_did():
    risk = RiskLimit(1.0)
    play(risk, [False] * 150 + [True] * 4 + [False] * 10, on=True)
    before = risk.realised_percent
    risk.forget()
    assert risk.level() is None
    assert risk.realised_percent == before > 0.0


def test_frames_that_come_back_or_stand_still_are_left_out():
    risk = RiskLimit(1.0)
    play(risk, [False] * 150)
    risk.decided(5.0, 5.0, 3)
    risk.measured(1.0, True, 0.5, 0.75)
    assert risk.level() == LEVELS[0]
