"""Noise that is new on each frame: laps of a recording are live with it, and are held without."""

import numpy as np
import pytest

from gatekeeper.core.errors import InputError
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.liveness import LivenessMonitor
from kernels.image_checks import check_image
from replay.fresh_noise import FreshNoise
from tests.support.polygons import circle

SHAPE = (96, 88)
ROWS, COLS = np.mgrid[: SHAPE[0], : SHAPE[1]]
IMAGE = np.rint(80.0 + 30.0 * np.sin(ROWS / 6.0) * np.cos(COLS / 7.0)).astype(np.float32)


@pytest.mark.parametrize(("share", "live"), [(0.05, True), (0.0, False)])
def test_laps_are_live_with_new_noise_alone(share, live):
    monitor = LivenessMonitor(Envelope.around(circle(9.0, (48.0, 44.0), n=60), 5.0, (2.0, 2.0), SHAPE))
    noise = FreshNoise(share, seed=1)
    lap = [np.roll(IMAGE, k, axis=0) for k in range(30)]
    frames = [noise.added(image) for _ in range(3) for image in lap]
    found = [monitor.check(image, check_image(image)[3]).is_live for image in frames]
    assert all(found[:30])
    assert all(found[30:]) if live else not any(found[30:])


def test_noise_is_as_strong_as_asked_for_and_whole_where_the_image_is():
    flat = np.full((200, 200), 100.0, np.float32)
    noisy = FreshNoise(0.05, seed=1).added(flat)
    assert noisy.dtype == np.float32
    assert (noisy == np.rint(noisy)).all()
    assert float(noisy.std()) == pytest.approx(5.0, rel=0.05)
    assert not (FreshNoise(0.05).added(flat / 7.0) % 1.0 == 0.0).all()


def test_none_is_added_unless_asked_for():
    assert FreshNoise(0.0).added(IMAGE) is IMAGE


@pytest.mark.parametrize("share", [-0.1, float("nan")])
def test_a_share_that_cannot_be_is_refused(share):
    with pytest.raises(InputError, match="give a share of 0 or more"):
        FreshNoise(share)
