"""How sure the tracker says it is: the measure itself, and what it comes to on frames of all kinds."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from gatekeeper.tracking.confidence import (
    ENOUGH_CONTRAST,
    LARGEST_BENDING,
    LARGEST_DEVIANCE,
    LARGEST_ERROR_MM,
    LEAST_AGREEMENT,
    LEAST_CONTRAST,
    LEAST_SIMILARITY,
    SETTLED_LARGE_TARGET,
    Limits,
    doubt_in_parts,
    fit_confidence,
    fit_doubt,
)
from gatekeeper.tracking.similarity import Similarity
from tests.support.scenes import Scene

VESSELS = [Scene((140, 120), seed=seed, finest_mm=8.0) for seed in range(8)]
"""Anatomy of as much structure as a vessel group of 36 mm has on real cine-MR."""


def vessel_tracker(scene):
    return scene.tracker(scene.disc(18.0))


ALIKE = ("patches", "detail", "target")
GOOD = {"error_mm": 0.2, "bending": 0.2, "deviance": 2.0, "inside": 1.0, "contrast": 0.85} | dict.fromkeys(ALIKE, 0.9)
PERFECT = {"error_mm": 0.0, "bending": 0.0, "deviance": 0.0, "inside": 1.0, "contrast": 1.0} | dict.fromkeys(ALIKE, 1.0)


def sure(error_mm, bending, deviance, inside, contrast, **alike):
    return fit_confidence(fit_doubt(error_mm, bending, Similarity(**alike), deviance), inside, contrast)


def test_a_perfect_match_without_deformation_is_sure():
    assert sure(**PERFECT) == 1.0


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("error_mm", LARGEST_ERROR_MM),
        ("bending", LARGEST_BENDING),
        ("deviance", LARGEST_DEVIANCE),
        *LEAST_SIMILARITY._asdict().items(),
        ("inside", 0.5),
        ("contrast", LEAST_CONTRAST),
    ],
)
def test_one_half_is_where_any_doubt_alone_reaches_its_limit(field, limit):
    assert sure(**PERFECT | {field: limit}) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("field", "worse"),
    [
        ("error_mm", (0.0, 0.5, 2.0, 10.0, 1e6)),
        ("bending", (0.0, 0.3, 1.0, 3.0, 1e6)),
        ("deviance", (0.0, 1.0, 10.0, 100.0, 1e6)),
        *((field, (1.0, 0.9, 0.5, 0.2, 0.01)) for field in ALIKE),
        ("inside", (1.0, 0.8, 0.3, 0.0)),
        ("contrast", (0.9, 0.8, 0.5, 0.0, -1.0)),
    ],
)
def test_it_falls_with_every_cause_of_doubt(field, worse):
    assert all(a > b for a, b in pairwise(sure(**GOOD | {field: value}) for value in worse))


def test_limits_can_be_others():
    limits = SETTLED_LARGE_TARGET
    alike = Similarity(1.0, 1.0, 1.0)
    assert fit_doubt(limits.error_mm, 0.0, alike, 0.0, limits=limits) == pytest.approx(1.0)
    assert fit_doubt(0.0, 0.0, alike, 0.0, limits.apart_mm, limits) == pytest.approx(1.0)
    for field, least in limits.similarity._asdict().items():
        assert fit_doubt(0.0, 0.0, alike._replace(**{field: least}), 0.0, limits=limits) == pytest.approx(1.0)


def test_a_match_of_the_search_elsewhere_adds_doubt_only_where_it_is_looked_at():
    doubts = [
        fit_doubt(0.1, 0.1, Similarity(0.9, 0.9, 0.9), 0.0, 30.0, limits) for limits in (Limits(), SETTLED_LARGE_TARGET)
    ]
    assert doubts[0] < 0.5
    assert doubts[1] > 9.0


def test_contrast_adds_no_doubt_from_enough_on():
    assert sure(**GOOD | {"contrast": ENOUGH_CONTRAST}) == sure(**GOOD | {"contrast": 1.5})


@pytest.mark.parametrize("field", ALIKE)
@pytest.mark.parametrize("correlation", [0.0, -0.0, -0.3, -1.0, math.nan, -math.inf])
def test_it_is_zero_without_likeness(field, correlation):
    assert sure(**GOOD | {field: correlation}) == 0.0


@pytest.mark.parametrize("field", GOOD)
def test_it_is_zero_when_anything_was_not_measured(field):
    assert sure(**GOOD | {field: math.nan}) == 0.0


@pytest.mark.parametrize("field", ["error_mm", "bending", "deviance"])
def test_it_is_zero_when_the_doubt_is_without_limit(field):
    assert sure(**GOOD | {field: math.inf}) == 0.0


@pytest.mark.parametrize("field", ALIKE)
@pytest.mark.parametrize("correlation", [1.0 + 1e-6, 1.5, math.inf])
def test_a_correlation_above_one_is_one(field, correlation):
    assert sure(**GOOD | {field: correlation}) == sure(**GOOD | {field: 1.0})


@pytest.mark.parametrize("scene", VESSELS, ids=lambda scene: scene.seed)
def test_the_reference_itself_is_sure(scene):
    assert vessel_tracker(scene).track(scene.image()).confidence > 0.99


@pytest.mark.parametrize("scene", VESSELS, ids=lambda scene: scene.seed)
def test_noise_is_not_the_target(scene):
    tracker = vessel_tracker(scene)
    rng = np.random.default_rng(scene.seed)
    for _ in range(5):
        assert tracker.track(rng.normal(500.0, 150.0, scene.shape)).confidence < 0.5
        assert tracker.track(rng.integers(0, 255, scene.shape, np.uint8)).confidence < 0.5


def test_other_anatomy_is_hardly_ever_taken_for_the_target():
    sure = []
    for scene in VESSELS:
        tracker = vessel_tracker(scene)
        others = [Scene(scene.shape, seed=seed, finest_mm=scene.finest_mm) for seed in range(100, 120)]
        sure += [
            tracker.track(frame).confidence for other in others for frame in (other.image(), 1000.0 - other.image())
        ]
    assert np.mean(np.array(sure) >= 0.5) < 0.02
    assert np.median(sure) < 0.2


@pytest.mark.parametrize("scene", VESSELS, ids=lambda scene: scene.seed)
def test_it_falls_with_noise_on_the_frame(scene):
    rng = np.random.default_rng(scene.seed)
    noise = rng.normal(0.0, 1.0, scene.shape)
    frame = scene.image((5.0, -1.0))
    sure = [vessel_tracker(scene).track(frame + sd * noise).confidence for sd in (0.0, 300.0, 1200.0)]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] > 0.9
    assert sure[-1] < 0.5


@pytest.mark.parametrize("scene", VESSELS[:3], ids=lambda scene: scene.seed)
def test_a_target_that_is_wiped_out_is_not_believed_in_the_long_run(scene):
    rng = np.random.default_rng(scene.seed)
    disc, tracker, confidence = scene.disc(18.0), vessel_tracker(scene), []
    gone = binary_dilation(disc)
    beside = binary_dilation(gone, iterations=3) & ~gone
    for number in range(240):
        rows = round(4.0 * math.sin(number / 4.0) ** 2)
        frame = scene.image((rows * scene.spacing_mm[0], 0.0)) + rng.normal(0.0, 30.0, scene.shape)
        if number >= 40:
            frame[np.roll(gone, rows, axis=0)] = frame[np.roll(beside, rows, axis=0)].mean()
        confidence.append(tracker.track(frame).confidence)
    assert min(confidence[:40]) >= 0.5
    assert np.mean(np.array(confidence[40:]) >= 0.5) <= 0.1


def test_a_target_half_out_of_the_image_is_less_sure():
    scene = VESSELS[0]
    mask = scene.disc(14.0, (110, 60))
    tracker = scene.tracker(mask)
    sure = [tracker.track(scene.image((moved_mm, 0.0))).confidence for moved_mm in (0.0, 15.0, 30.0, 45.0)]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] > 0.99
    assert sure[-1] < 0.7


@pytest.mark.parametrize("doubt", [0.4, 1.0, 2.0])
def test_an_organ_whose_parts_agree_less_is_in_more_doubt(doubt):
    doubts = [doubt_in_parts(doubt, agreement) for agreement in (1.0, 0.5, 0.2, 0.1, 0.05, 0.0)]
    assert doubts == sorted(doubts)
    assert doubts[0] < doubt < doubts[-2]
    assert fit_confidence(doubt_in_parts(doubt, 0.5 * LEAST_AGREEMENT), 1.0, 1.0) < 0.5
