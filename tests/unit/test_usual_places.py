"""Places near those at which a target was found with certainty need less confirmation than new ones."""

from gatekeeper.tracking.usual_places import CERTAIN, MARGIN_MM, PAUSE, STEP_MM, UsualPlaces

SURE = 0.5


def needs_no_check(usual, moved_mm, confidence, was_sure=True):
    return usual.need_no_check(moved_mm, confidence, SURE, was_sure)


def test_the_range_grows_with_what_was_certain_and_confirmed_and_is_forgotten():
    usual = UsualPlaces()
    assert usual.include((MARGIN_MM, -MARGIN_MM))
    usual.confirmed((20.0, -3.0), 0.9 * CERTAIN)
    assert not usual.include((20.0, 0.0))
    usual.confirmed((20.0, -3.0), CERTAIN)
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
    usual.confirmed((2.0, 0.0), 0.9 * SURE)
    passed = [needs_no_check(usual, (3.0, 0.0), 0.9 * SURE, was_sure=False) for _ in range(PAUSE + 1)]
    assert passed == [True] * PAUSE + [False]
    usual.confirmed((2.0, 0.0), 0.9 * SURE)
    assert not needs_no_check(usual, (2.1 + STEP_MM, 0.0), 0.9 * SURE)
    usual.contradicted()
    assert not needs_no_check(usual, (3.0, 0.0), 0.9 * SURE)
