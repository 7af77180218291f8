"""The tissue around a small target takes doubt away where it was found at the same place, and tells of sliding."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from gatekeeper.tracking import template_tracker as module
from gatekeeper.tracking.similarity import SMALLER_THAN_PATCHES, Evenness
from gatekeeper.tracking.template_tracker import TemplateTracker
from gatekeeper.tracking.translation import translation_mm
from gatekeeper.tracking.witness import (
    LEAST_AGREE,
    LEAST_EVEN,
    LEAST_SEEN,
    LOUDER,
    WITNESS_MM,
    WITNESSED_DOUBT,
    Witness,
    may_have_slid,
)
from tests.support.scenes import Scene

SCENE = Scene((130, 110))
TARGET = SCENE.disc(12.0)
EVEN = Evenness(1.0, 1.0)


def of_noise(share, of_reference, part=1.0):
    """Return measured noise that is this part of what is unexplained."""
    return SimpleNamespace(share=share, of_reference=of_reference, explained=lambda unexplained: part * unexplained)


QUIET, LOUD, DIFFERENT = of_noise(0.01, 0.01), of_noise(0.3, 0.01), of_noise(0.03, 0.01, 0.4)


def witness(agree=LEAST_AGREE, was_there=True):
    found = Witness()
    found.expect((20.0, -3.0), agree, was_there)
    return found


def test_much_of_the_tissue_must_be_where_the_target_is():
    assert witness().is_at((20.0 + WITNESS_MM, -3.0))
    assert not witness().is_at((20.1 + WITNESS_MM, -3.0))
    assert not witness(0.99 * LEAST_AGREE).is_at((20.0, -3.0))
    assert not Witness().is_at((0.0, 0.0))


def test_what_was_found_twice_is_doubted_less_and_noise_is_not_held_against_it():
    assert witness().tell(EVEN, QUIET, 0.4) == (0.0, WITNESSED_DOUBT)
    assert witness().tell(EVEN, LOUD, 0.4) == (LOUD.share, 1.0)
    assert witness().tell(EVEN, DIFFERENT, 0.4) == (0.0, WITNESSED_DOUBT)
    assert witness(was_there=False).tell(EVEN, QUIET, 0.4) == (0.0, 1.0)
    assert witness(was_there=False).tell(EVEN, LOUD, 0.4) == (LOUD.share, 1.0)
    assert witness().tell(EVEN, of_noise(0.1, 0.1 / LOUDER), 0.4)[0] == 0.0


@pytest.mark.parametrize("noise", [QUIET, LOUD], ids=["quiet", "loud"])
def test_nothing_is_told_of_a_target_of_which_noise_hides_too_much(noise):
    assert witness().tell(Evenness(1.0, 0.99 * LEAST_SEEN), noise, 0.4) == (0.0, 1.0)
    assert witness().tell(Evenness(math.nan, 0.0), noise, 0.4) == (0.0, 1.0)


def test_a_target_that_is_not_evenly_alike_may_have_slid_and_is_doubted_no_less():
    for slope in (0.99 * LEAST_EVEN, math.nan):
        assert may_have_slid(Evenness(slope, 1.0))
        assert witness().tell(Evenness(slope, 1.0), QUIET, 0.4) == (0.0, 1.0)
    assert not may_have_slid(SMALLER_THAN_PATCHES)


def noisy(sigma, moved_mm, seed):
    noise = np.random.default_rng(seed).normal(0.0, sigma, SCENE.shape)
    return (SCENE.image(moved_mm) + noise).astype(np.float32)


def confidence_in_noise():
    """Return the confidence in a small target on frames that become noisy in another state of breathing."""
    tracker, found = TemplateTracker(SCENE.tracker(SCENE.disc(8.0)).template_tracker.model), []
    for seed in range(11):
        sigma, moved_mm = (350.0, (24.0, -4.0)) if seed >= 8 else (5.0, (0.3 * seed, 0.0))
        frame = noisy(sigma, moved_mm, seed)
        found.append(tracker.locate(frame, None, lambda frame=frame: frame))
        assert math.dist(translation_mm(tracker.params), moved_mm) < 4.0
    return np.array(found)


def test_a_target_in_sudden_noise_is_surer_where_the_tissue_around_it_is(monkeypatch):
    confidence = confidence_in_noise()
    monkeypatch.setattr(Witness, "tell", lambda self, even, noise, unexplained: (0.0, 1.0))
    alone = confidence_in_noise()
    assert confidence[:8] == pytest.approx(alone[:8])
    assert confidence[8:].min() >= module.CONFIDENT
    assert alone[8:].min() < module.CONFIDENT


def test_a_target_that_may_have_slid_is_compared_and_unsure_away_from_the_tissue(monkeypatch):
    model = SCENE.tracker(TARGET).template_tracker.model
    tracker = TemplateTracker(model)
    monkeypatch.setattr(module, "CLEAR", 1.1)
    monkeypatch.setattr(module, "may_have_slid", lambda even: True)
    monkeypatch.setattr(tracker.surroundings, "run", lambda frame: pytest.fail("searched everywhere"))

    away_mm = iter((1.9, 3.0))

    def run_near(frame, place_mm):
        tracker.surroundings.moved_mm = (place_mm[0], place_mm[1] + next(away_mm))
        return 0.5

    monkeypatch.setattr(tracker.surroundings, "run_near", run_near)
    frame = SCENE.image((2.0, 0.0))
    assert tracker.locate(frame, None, lambda: frame) >= module.CONFIDENT
    assert tracker.locate(frame, None, lambda: frame) < module.CONFIDENT
    assert next(away_mm, None) is None
