"""The noise of frames is measured by what changes from frame to frame, and not held against a large target."""

from types import SimpleNamespace

import numpy as np
import pytest

from gatekeeper.tracking.frame_noise import FrameNoise
from tests.support.scenes import Scene

VARIANCE = 400.0
WEIGHT = np.linspace(0.2, 0.5, 800, dtype=np.float32)
SCENE = Scene((170, 130))
MASK = SCENE.disc(50.0)


def a_fit(difference, scale=1.0):
    """Return what a fit tells whose frame and template differ by this at each point."""
    residual = np.asarray(WEIGHT * difference / scale, dtype=np.float32)
    template = SimpleNamespace(points=np.stack([WEIGHT, WEIGHT, WEIGHT]))
    return SimpleNamespace(template=template, residual=residual, residual_scale=scale, variance=VARIANCE)


def measured(sigmas, misfit=0.0, scale=1.0):
    """Return the noise after each frame of a sequence with this noise and a misfit that stays."""
    random, noise = np.random.default_rng(1), FrameNoise(a_fit(0.0))
    stays, found = misfit * random.standard_normal(WEIGHT.size), []
    for sigma in sigmas:
        noise.update(a_fit(stays + sigma * random.standard_normal(WEIGHT.size), scale))
        found.append(noise.share)
    return noise, found


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_noise_is_measured_and_a_misfit_that_stays_is_not(scale):
    noise, found = measured([8.0] * 8, misfit=20.0, scale=scale)
    assert found[:3] == [0.0, 0.0, 0.0]
    assert found[-1] == pytest.approx(64.0 / VARIANCE, rel=0.1)
    assert noise.of_reference == pytest.approx(64.0 / VARIANCE, rel=0.1)


def test_a_rise_is_known_on_the_third_frame_and_a_fall_at_once():
    noise, found = measured([2.0] * 6 + [10.0] * 4 + [2.0] * 2)
    quiet, loud = 4.0 / VARIANCE, 100.0 / VARIANCE
    assert found[5] == pytest.approx(quiet, rel=0.15)
    assert found[7] == pytest.approx(quiet, rel=0.15)
    assert found[8] == pytest.approx(0.5 * (quiet + loud), rel=0.15)
    assert found[9] == pytest.approx(loud, rel=0.15)
    assert found[11] == pytest.approx(quiet, rel=0.15)
    assert noise.of_reference <= 1.1 * quiet


def test_other_anatomy_is_no_noise():
    random, noise = np.random.default_rng(2), FrameNoise(a_fit(0.0))
    own, other = 2.0 * random.standard_normal((2, WEIGHT.size)), 30.0 * random.standard_normal(WEIGHT.size)
    for shows in (own[0], own[1], own[0], own[1], other, other + own[0], other + own[1], own[0], own[1]):
        noise.update(a_fit(shows))
        assert noise.share <= 2.5 * 4.0 / VARIANCE


def test_a_frame_that_is_shown_again_changes_nothing():
    noise, _ = measured([8.0] * 6)
    again = a_fit(5.0)
    noise.update(again)
    before = noise.share
    for _ in range(3):
        noise.update(again)
    assert noise.share == before > 0.0


def test_of_an_outlier_less_is_explained_and_of_changes_larger_than_the_residual_nothing():
    noise, _ = measured([8.0] * 8)
    most = 2.0 * (noise.share + noise.of_reference)
    assert noise.explained(0.9 * most) == 0.9 * most
    assert noise.explained(2.0 * most) == pytest.approx(0.25 * most)
    assert noise.explained(0.7 * noise.share) == 0.0
    noise.restart()
    assert noise.explained(0.3) == 0.0


def noisy_hold(noise, frames=5):
    """Return confidences in a breath-hold with half the contrast and noise, after four frames without."""
    random, tracker = np.random.default_rng(3), SCENE.tracker(MASK)
    for _ in range(4):
        tracker.track(SCENE.image() + random.normal(0.0, 2.0, SCENE.shape))
    held = SCENE.image((30.0, 10.0), -0.1, 85 * 1.8)
    return [tracker.track(0.5 * (held + random.normal(0.0, noise, SCENE.shape))).confidence for _ in range(frames)]


def test_an_organ_is_surer_in_a_noisy_hold_within_four_frames(monkeypatch):
    confidences = noisy_hold(550.0)
    monkeypatch.setattr(FrameNoise, "update", lambda *_: None)
    assert min(confidences[3:]) > max(0.5, 0.05 + max(noisy_hold(550.0)))
