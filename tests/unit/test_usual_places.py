"""Places near those at which a target was found with certainty need less confirmation than new ones."""

import pytest

from gatekeeper.tracking.usual_places import (
    CERTAIN,
    CONFIRMED_MM,
    MARGIN_MM,
    NEAR_MM,
    PAUSE,
    SAME_MM,
    STEP_MM,
    UNANSWERED,
    UsualPlaces,
)

SURE = 0.5


def needs_no_check(usual, moved_mm, confidence, was_sure=True):
    return usual.need_no_check(moved_mm, confidence, SURE, was_sure)


def confirm(usual, moved_mm, confidence, away_mm=0.0, is_noisy=False):
    return usual.confirm(moved_mm, (moved_mm[0], moved_mm[1] + away_mm), confidence, SURE, is_noisy)


@pytest.mark.parametrize(
    ("row_mm", "confidence", "is_noisy", "limit_mm"),
    [
        (2.0, 0.1, False, CONFIRMED_MM),
        (2.0, SURE, False, NEAR_MM),
        (20.0, CERTAIN, False, NEAR_MM),
        (20.0, SURE, True, NEAR_MM),
        (20.0, SURE, False, SAME_MM),
    ],
    ids=["usual", "usual and sure", "new and certain", "new and sure in noise", "new and sure"],
)
def test_the_tissue_confirms_a_place_up_to_a_distance(row_mm, confidence, is_noisy, limit_mm):
    assert confirm(UsualPlaces(), (row_mm, 0.0), confidence, limit_mm, is_noisy)
    assert not confirm(UsualPlaces(), (row_mm, 0.0), confidence, 1.01 * limit_mm, is_noisy)


@pytest.mark.parametrize("is_noisy", [False, True])
def test_the_tissue_confirms_no_unsure_target_at_a_new_place(is_noisy):
    assert not confirm(UsualPlaces(), (20.0, 0.0), 0.99 * SURE, is_noisy=is_noisy)


def test_the_range_grows_with_what_was_certain_and_confirmed_and_is_forgotten():
    usual = UsualPlaces()
    assert usual.include((MARGIN_MM, -MARGIN_MM))
    assert confirm(usual, (20.0, -3.0), 0.9 * CERTAIN)
    assert not usual.include((20.0, 0.0))
    assert confirm(usual, (20.0, -3.0), CERTAIN)
    assert usual.include((20.0 + MARGIN_MM, 0.0))
    assert usual.include((10.0, -3.0 - MARGIN_MM))
    assert not usual.include((10.0, 0.1 + MARGIN_MM))
    assert not usual.include((20.1 + MARGIN_MM, 0.0))
    usual.restart()
    assert not usual.include((20.0, 0.0))


def test_a_certain_target_at_a_usual_place_needs_no_check():
    assert needs_no_check(UsualPlaces(), (STEP_MM + 1.0, 0.0), CERTAIN, was_sure=False)


def test_a_sure_target_next_to_the_last_sure_place_needs_no_check():
    usual = UsualPlaces()
    usual.found_surely((8.0, 0.0))
    assert needs_no_check(usual, (8.0 + STEP_MM, 0.0), SURE)
    assert not needs_no_check(usual, (8.1 + STEP_MM, 0.0), SURE)
    assert not needs_no_check(usual, (8.0, 0.0), SURE, was_sure=False)
    assert not needs_no_check(usual, (8.0, 0.0), 0.9 * SURE)


def test_a_confirmed_target_is_checked_again_after_some_frames():
    usual = UsualPlaces()
    assert confirm(usual, (2.0, 0.0), 0.9 * SURE)
    passed = [needs_no_check(usual, (3.0, 0.0), 0.9 * SURE, was_sure=False) for _ in range(PAUSE + 1)]
    assert passed == [True] * PAUSE + [False]
    assert confirm(usual, (2.0, 0.0), 0.9 * SURE)
    assert not needs_no_check(usual, (2.1 + STEP_MM, 0.0), 0.9 * SURE)
    assert not confirm(usual, (2.0, 0.0), 0.9 * SURE, 1.1 * CONFIRMED_MM)
    assert not needs_no_check(usual, (3.0, 0.0), 0.9 * SURE)


def test_a_confirmed_target_that_became_sure_is_checked_again_at_once():
    usual = UsualPlaces()
    assert confirm(usual, (2.0, 0.0), 0.9 * SURE)
    usual.ask_again()
    assert not needs_no_check(usual, (2.0, 0.0), 0.9 * SURE)


def test_without_an_answer_only_a_certain_target_may_be_away_from_the_last_place():
    usual = UsualPlaces()
    assert usual.unanswered((STEP_MM, 0.0), SURE) == SURE
    assert usual.unanswered((1.1 * STEP_MM, 0.0), CERTAIN) == CERTAIN
    assert usual.unanswered((1.1 * STEP_MM, 0.0), 0.99 * CERTAIN) == pytest.approx(0.99 * UNANSWERED * CERTAIN)
