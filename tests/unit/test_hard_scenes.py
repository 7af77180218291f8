"""Scenes that are hard to track on, small: exact truth, one test each, and the limits of `benchmarks.scenes.judge`."""

from functools import cache

import numpy as np
import pytest

from benchmarks.scenes.catalogue import SCENES
from benchmarks.scenes.follow import follow, staged
from benchmarks.scenes.judge import AUC, BACK_FRAMES, SURE, figures, frames_until_back, roc_area

SEEDS = (1, 2)
OTHER_SEEDS = {"whitening": (1,), "drift": (1,), "deep-breath": (1, 2, 4, 5)}
"""Scenes that take so many frames that one person must do here, and one on which people differ much."""
SMALL = {"matrix": (112, 96), "frame_rate_hz": 4.0, "duration_s": 18.5}
TEN_MINUTES = {"matrix": (96, 80), "frame_rate_hz": 0.5, "duration_s": 600.0}
SHOWN = {
    "deep-breath": SMALL,
    "out-of-plane": SMALL,
    "snr-5": SMALL,
    "whitening": TEN_MINUTES,
    "flicker": SMALL,
    "1-hz": {"matrix": (112, 96), "duration_s": 40.0},
    "2-hz": {"matrix": (112, 96), "duration_s": 24.0},
    "4-hz": SMALL,
    "8-hz": {"matrix": (112, 96), "duration_s": 10.0},
    "large-pixels": SMALL | {"matrix": (64, 56)},
    "edge-above": SMALL,
    "edge-front": SMALL,
    "drift": TEN_MINUTES,
    "cough": SMALL,
}
"""Every scene that must be followed, and how it is recorded here."""

NOT_YET = {
    "deep-breath": "one of four people is surely 59 mm off on 13 frames: the prior on jumps outweighs the better fit",
    "snr-5": "p95 2.8 mm, one sure frame 7.2 mm off: noise of frame and reference moves the fit along weak directions",
    "snr-3": "p95 of the few sure frames 3.4 mm",
    "other-anatomy": "confidence 0.3-0.64 on another person's liver, 7 of 24 frames above the limit",
    "smear": "confidence 0.9 on all smeared frames of one of two people",
}
"""What the tracker does not reach: its test fails strictly, so that it is heard of when it does."""

DOUBTFUL = ("noise-frames", "other-anatomy", "smeared-frames", "banding-frames", "snr-3", "snr-2", "leaves-image")
BY_NAME = {scene.name: scene for scene in SCENES}


def may_fail(names):
    """Return the names as parameters, those of `NOT_YET` marked."""
    return [
        pytest.param(name, marks=pytest.mark.xfail(reason=NOT_YET[name], strict=True) if name in NOT_YET else ())
        for name in names
    ]


@cache
def followed(name):
    """Return what the tracker makes of a scene, once for each seed."""
    seeds = OTHER_SEEDS.get(name, SEEDS)
    return [follow(*staged(BY_NAME[name], seed, **SHOWN.get(name, SMALL))) for seed in seeds]


def pooled(names, field):
    return np.concatenate([getattr(run, field) for name in names for run in followed(name)])


@pytest.mark.parametrize("name", may_fail(SHOWN))
def test_the_target_is_followed_closely_and_surely_and_never_surely_wrong(name):
    """p95 of sure frames, share of sure frames, no sure frame far off, back at once: `faults` names what is not so."""
    assert figures(followed(name), can_be_followed=True).faults == ()


@pytest.mark.parametrize("name", may_fail(DOUBTFUL))
def test_where_doubt_is_allowed_the_tracker_is_still_never_surely_far_off(name):
    assert figures(followed(name), can_be_followed=False).faults == ()


def test_confidence_ranks_frames_by_error():
    names = (*SHOWN, *DOUBTFUL)
    errors_mm = pooled(names, "errors_mm")
    assert np.count_nonzero(errors_mm > 3.0) > 50
    assert roc_area(pooled(names, "confidence"), errors_mm) >= AUC


@pytest.mark.parametrize("name", may_fail(["noise-frames", "other-anatomy", "out-of-plane"]))
def test_the_tracker_is_unsure_of_a_target_that_is_not_there(name):
    kind = {"noise-frames": "noise", "other-anatomy": "other anatomy", "out-of-plane": "out of sight"}[name]
    confidence = pooled([name], "confidence")[pooled([name], "kinds") == kind]
    assert confidence.size >= 8
    assert np.mean(confidence < SURE) > 0.9


@pytest.mark.parametrize("kind", may_fail(["banding", "smear"]))
def test_the_tracker_is_unsure_of_most_frames_that_are_spoilt(kind):
    name = {"banding": "banding-frames", "smear": "smeared-frames"}[kind]
    assert np.mean(pooled([name], "confidence")[pooled([name], "kinds") == kind] < SURE) > 0.5


@pytest.mark.parametrize("name", ["out-of-plane", "noise-frames", "other-anatomy", "banding-frames", "smeared-frames"])
def test_it_is_sure_again_within_two_frames_of_the_target_s_return(name):
    returns = [back for run in followed(name) for back in frames_until_back(run)]
    assert len(returns) >= 2 * len(SEEDS)
    assert max(returns) <= BACK_FRAMES
