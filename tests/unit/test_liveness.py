"""Liveness: pictures that come back are told from new ones, whatever is done to them, and new ones are believed."""

import numpy as np
import pytest

from gatekeeper.gating import liveness
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.liveness import LEARNING_FRAMES, NEAREST, REMEMBERED, LivenessMonitor
from kernels.image_checks import check_image
from kernels.liveness import SEVERAL
from tests.support.polygons import circle

SHAPE, CENTER = (96, 88), (48.0, 44.0)
ENVELOPE = Envelope.around(circle(9.0, CENTER, n=60), 5.0, (2.0, 2.0), SHAPE)
NOISE = 4.0
BEGIN = 60
"""First frame of an attack."""


def pictures(count, noise=NOISE, seed=0, period=24, still=False):
    """Return frames of a bright disc that breathes in dim surroundings, in whole grey values."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    frames = []
    for k in range(count):
        down = 0.0 if still else 5.0 * np.sin(np.pi * k / period) ** 4
        off = np.hypot(rows - CENTER[0] - down, cols - CENTER[1])
        disc = 80.0 / (1.0 + np.exp((off - 9.0) / 0.8))
        tissue = 60.0 + 5.0 * np.sin((rows - down) / 3.0) * np.cos(cols / 4.0)
        frames.append(np.rint(disc + tissue + noise * rng.normal(size=SHAPE)))
    return np.array(frames, np.float32)


def judged(frames):
    """Return what the monitor says of each frame."""
    monitor = LivenessMonitor(ENVELOPE)
    return [monitor.check(one, check_image(one)[3]) for one in frames]


def one_grey_value(frames, rng):
    for k, image in enumerate(frames):
        image[:] = frames[0]
        image[4, k + 1] += 1.0


def added_noise(sd):
    def attack(frames, rng):
        frames[1:] = frames[0] + np.rint(sd * NOISE * rng.normal(size=frames[1:].shape))

    return attack


def ring(length, sd=0.0):
    def attack(frames, rng):
        first = frames[:length].copy()
        for k, image in enumerate(frames[length:]):
            image[:] = first[k % length] + sd * NOISE * rng.normal(size=SHAPE)

    return attack


def rising_gain(frames, rng):
    for k, image in enumerate(frames):
        image[:] = frames[0] * np.float32(1.001**k)


ATTACKS = {
    "one grey value": one_grey_value,
    "noise of 0.1 sd": added_noise(0.1),
    "noise of 1 sd": added_noise(1.0),
    "noise of 2 sd": added_noise(2.0),
    "A-B-A-B": ring(2),
    "ring of four": ring(4),
    "ring of four with noise": ring(4, 0.7),
    "ring of thirty with noise": ring(30, 0.7),
    "rising gain": rising_gain,
}


@pytest.mark.parametrize("still", [False, True])
@pytest.mark.parametrize("name", ATTACKS)
def test_a_picture_that_comes_back_is_not_live(name, still):
    frames = pictures(BEGIN + 45, still=still)
    ATTACKS[name](frames[BEGIN:], np.random.default_rng(9))
    alive = [found.is_live for found in judged(frames)]
    first_copy = {"ring of four": 4, "ring of four with noise": 4, "ring of thirty with noise": 30, "A-B-A-B": 2}
    begins = BEGIN + first_copy.get(name, 1)
    assert all(alive[:begins])
    # A single frame may be the first copy of its neighbour, with which it may share noise.
    assert not any(alive[begins + 1 :])


@pytest.mark.parametrize("frames", [pictures(300), pictures(300, seed=3, still=True), pictures(300, noise=20.0)])
def test_new_pictures_are_live(frames):
    found = judged(frames)
    assert all(one.is_live for one in found)
    later = found[LEARNING_FRAMES + 2 :]
    assert max(one.returned for one in later) < 0.4
    assert min(one.change for one in later) > 0.8


def test_grainier_pictures_are_live_once_several_have_shown_new_noise():
    frames = pictures(300)
    grainy = pictures(300, noise=3.0 * NOISE, seed=5)
    frames[60:120], frames[180:240] = grainy[60:120], grainy[180:240]
    alive = [one.is_live for one in judged(frames)]
    assert all(alive[:60])
    assert not all(alive[60 : 60 + SEVERAL])
    # Once accepted, such noise is believed at once when it comes again.
    assert all(alive[120:])
    assert np.mean(alive[60 + SEVERAL + NEAREST : 120]) > 0.9


def test_copies_are_not_live_after_grainier_pictures():
    frames = pictures(260)
    frames[60:120] = pictures(60, noise=3.0 * NOISE, seed=5)
    added_noise(2.0)(frames[180:], np.random.default_rng(9))
    assert not any(one.is_live for one in judged(frames)[180 + SEVERAL + NEAREST :])


def test_noise_that_neighbours_share_is_live():
    rng = np.random.default_rng(2)
    noise = NOISE * rng.normal(size=(200, *SHAPE)).astype(np.float32)
    frames = pictures(199, noise=0.0) + noise[1:] + noise[:-1]
    assert all(one.is_live for one in judged(frames))


def test_pictures_without_noise_are_live_unless_they_are_the_same():
    frames = pictures(100, noise=0.0).astype(np.float32)
    frames += 1e-3 * np.arange(100, dtype=np.float32)[:, None, None]
    assert all(one.is_live for one in judged(frames))
    frames[60:] = frames[20:60]
    assert [one.seen for one in judged(frames)] == [False] * 60 + [True] * 40


def test_a_repeat_of_the_frame_before_is_not_seen_before():
    frames = pictures(6)
    frames[2:5] = frames[1]
    assert not any(one.seen for one in judged(frames))


def test_fingerprints_are_remembered_for_some_hundred_frames():
    frames = (np.arange(REMEMBERED + 30, dtype=np.float32)[:, None, None] + np.zeros((4, 4), np.float32)).copy()
    frames[:, 0, 0] = 7.0
    within, beyond = frames.copy(), frames.copy()
    within[-1], beyond[-1] = frames[30], frames[28]
    assert judged(within)[-1].seen
    assert not judged(beyond)[-1].seen


def test_nan_is_not_live():
    for name in ("returned", "change", "change_near"):
        assert not liveness.Liveness(**{name: float("nan")}).is_live


def test_another_gain_is_learned_after_a_restart():
    frames = pictures(BEGIN + 60)
    frames[BEGIN:] *= 4.0
    monitor = LivenessMonitor(ENVELOPE)
    found = []
    for k, image in enumerate(frames):
        if k == BEGIN:
            monitor.restart()
        found.append(monitor.check(image, check_image(image)[3]).is_live)
    assert all(found)
    assert not all(one.is_live for one in judged(frames))


def test_pixels_near_the_largest_float_are_left_out_without_a_warning():
    frames = pictures(BEGIN)
    frames[::2, 10:20, 10:40] = 3e38
    assert all(one.is_live for one in judged(frames[:LEARNING_FRAMES]))
    assert all(np.isfinite(one.returned) for one in judged(frames))
