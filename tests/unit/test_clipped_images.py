"""Saturated is what lies at the end of a range, not the largest value of a smooth image."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gatekeeper.config import GateConfig
from gatekeeper.core.frame import Frame
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.frame_checks import check_frame
from replay.scores.tracking import score
from tests.support.cases import breathing_case
from tests.support.sessions import recorded

LIMIT = GateConfig().saturated_percent


def percent(image):
    """Return the share of saturated pixels that the checks of a frame find."""
    image = np.ascontiguousarray(image, np.float32)
    envelope = Envelope(np.array([(8.0, 8.0), (8.0, 20.0), (20.0, 14.0)]), (2.0, 2.0), 0.0)
    return check_frame(Frame(image, (2.0, 2.0), 0, 0.0, 0.0), envelope).brightest_percent


def smooth(top):
    """A bright image without noise in steps of 1, a tenth of which has the largest value."""
    rows, cols = np.indices((96, 80))
    bell = np.exp(-((np.hypot(rows - 48, cols - 40) / 45.0) ** 6))
    return np.round(bell * 200.0) * (top / 200.0)


@pytest.mark.parametrize("top", [200.0, 254.0])
def test_8_bits_are_saturated_at_255_only(top):
    image = np.round(np.minimum(natural(), 500.0) * top / 500.0)
    assert np.mean(image == top) > LIMIT / 100.0
    assert percent(image) == 0.0
    assert percent(image + (255.0 - top)) > LIMIT


def test_a_structure_of_one_brightness_is_no_saturation():
    image = np.minimum(natural(), 300.0) + natural(1) / 100.0
    image[40:70, 30:60] = 600.0
    assert percent(image) == 0.0


def natural(seed=0):
    chance = np.random.default_rng(seed)
    return chance.gamma(2.0, 150.0, (96, 80))


@pytest.mark.parametrize("top", [200, 214, 250.5, 3000])
def test_the_largest_value_of_a_smooth_image_is_no_saturation(top):
    assert np.mean(smooth(top) == smooth(top).max()) > LIMIT / 100.0
    assert percent(smooth(top)) == 0.0


@pytest.mark.parametrize("top", [255, 1023, 4095, 32767, 65535])
def test_the_largest_value_of_a_range_is_saturation_in_any_image(top):
    assert percent(smooth(top)) > LIMIT


@pytest.mark.parametrize("share", [6.0, 20.0, 40.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_cut_through_the_brightness_is_saturation_at_any_value(share, seed):
    image = natural(seed)
    clipped = np.minimum(image, np.percentile(image, 100.0 - share))
    assert percent(clipped) == pytest.approx(share, abs=0.1)
    assert percent(np.round(clipped)) >= share - 0.5


def test_a_natural_image_is_not_saturated():
    assert percent(natural()) < LIMIT


def test_frames_that_were_not_tracked_are_told_apart_in_the_score():
    case = breathing_case()
    masks = np.array(case.labels)
    masks[5:8] = False
    found = score(masks, case, {5, 6})
    assert (found.frames_scored, found.frames_not_tracked) == (23, 2)
    assert found.dsc == pytest.approx(20.0 / 23.0)
    assert found.dsc_tracked == pytest.approx(20.0 / 21.0)
    nothing = score(np.zeros_like(masks), case, set(range(24)))
    assert (nothing.dsc, nothing.frames_not_tracked) == (0.0, 23)
    assert np.isnan(nothing.dsc_tracked)


@pytest.mark.slow
def test_a_replay_counts_the_frames_that_were_not_fit_to_be_tracked(tmp_path):
    case = breathing_case()
    frames = np.array(case.frames, np.float32)
    frames[5:8] = np.minimum(frames[5:8], np.percentile(frames[5:8], 80.0))
    folder = recorded(tmp_path / "session", replace(case, frames=frames))
    found = json.loads((folder / "summary.json").read_text())["score"]
    assert found["frames_not_tracked"] == 3
    assert found["dsc"] < 0.9 < found["dsc_tracked"]
