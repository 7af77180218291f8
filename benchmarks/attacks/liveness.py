"""Attack with pictures that come back: the picture of a target at rest, shown again while the target moves on."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.attacks.attack import Attack, Outcome
from gatekeeper.config import SessionConfig, build
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.core.frame import Frame
from gatekeeper.session.arming import arm
from replay.phantom import PhantomConfig, make_phantom
from replay.recording import Recording
from replay.run import replay_input

Frames = NDArray[np.float32]
Picture = Callable[[Frames, int, np.random.Generator], Frames]
"""Return the pictures shown from a frame on, given all frames and the number of that one."""

DURATION_S = 25.0
PHANTOM = {"seed": 17, "acquisition": {"duration_s": DURATION_S}, "lesion": {"contrast": -0.8}}
BEGIN_S = 8.0
"""Time from which on an attack begins on a frame with the beam on, in s."""
WITHIN_S = 1.0
WIPED_SHARE = 0.1
"""Largest share of frames with the beam on while the target is wiped from the picture."""


@cache
def recording() -> Recording:
    """Return the phantom that is attacked."""
    return make_phantom(build(PhantomConfig, PHANTOM, "liveness")).recording


def noise_sd(frame: Frames) -> float:
    """Return the standard deviation of a frame's noise, from its second differences along rows and columns."""
    step = np.array([1.0, -2.0, 1.0])
    return float(np.median(np.abs(ndimage.convolve(frame, np.outer(step, step))))) / (0.6745 * 6.0)


def one_grey_value(frames: Frames, begin: int, rng: np.random.Generator) -> Frames:
    """Show the last picture again, each time with another pixel changed by one."""
    shown = np.repeat(frames[begin - 1][None], len(frames) - begin, axis=0)
    for picture, place in zip(shown, rng.permutation(shown[0].size)[: len(shown)], strict=True):
        picture.flat[place] += 1.0
    return shown


def added_noise(frames: Frames, begin: int, rng: np.random.Generator, sd: float) -> Frames:
    """Show the last picture again, with noise of `sd` standard deviations of its own."""
    last = frames[begin - 1]
    noise = sd * noise_sd(last) * rng.normal(size=(len(frames) - begin, *last.shape))
    return np.asarray(np.maximum(last + noise, 0.0), np.float32)


def ring(frames: Frames, begin: int, _: np.random.Generator, length: int) -> Frames:
    """Show the last few pictures again and again."""
    return frames[begin - length + np.arange(len(frames) - begin) % length]


def rising_gain(frames: Frames, begin: int, _: np.random.Generator) -> Frames:
    """Show the last picture again, each time 0.1 % brighter."""
    gain = 1.001 ** np.arange(1, len(frames) - begin + 1)
    return np.asarray(frames[begin - 1] * gain[:, None, None], np.float32)


def wiped(frames: Frames, begin: int, rng: np.random.Generator) -> Frames:
    """Show the pictures with the target filled with what is next to it, and noise."""
    labels = recording().labels
    assert labels is not None
    shown = frames[begin:].copy()
    for picture, label in zip(shown, labels[begin:], strict=True):
        gone = ndimage.binary_dilation(label)
        beside = ndimage.binary_dilation(gone, iterations=3) & ~gone
        picture[gone] = picture[beside].mean() + noise_sd(picture) * rng.normal(size=np.count_nonzero(gone))
    return shown


def decided(frames: Frames) -> list[Decision]:
    """Return the decisions of an engine on the phantom's frames, or on what is shown instead of them."""
    case = recording()
    engine = arm(replay_input(case, 0.0).setup, SessionConfig()).engine
    found = []
    for number, (image, time_s) in enumerate(zip(frames, case.times_s.tolist(), strict=True)):
        frame = Frame(image, case.spacing_mm, number, time_s, time_s + 0.02, case.plane)
        found.append(engine.step(frame, time_s + 0.02).decision)
    return found


def target_is_out() -> NDArray[np.bool_]:
    """Return whether the target is outside its envelope on each frame."""
    case, config = recording(), SessionConfig()
    assert case.labels is not None
    envelope = arm(replay_input(case, 0.0).setup, config).envelope
    percents = [envelope.outside_percent(mask_to_contour(label)) for label in case.labels]
    return np.array([not percent <= config.gate.outside_percent for percent in percents])


@cache
def _untouched() -> tuple[Frames, int, NDArray[np.bool_]]:
    """Return the frames, the first frame of the attacks, and whether the target is out."""
    case = recording()
    frames = np.ascontiguousarray(case.frames, np.float32)
    on = [one.state is BeamState.ON for one in decided(frames)]
    late = int(np.searchsorted(case.times_s, BEGIN_S))
    return frames, next(k for k in range(late, len(on)) if all(on[k - 4 : k + 1])), target_is_out()


def attacked(picture: Picture, absent: bool = False) -> Outcome:
    """Show other pictures from a frame with the beam on, and return what the beam did.

    Parameters
    ----------
    picture : callable
        Return the pictures.
    absent : bool
        Whether the target counts as out from then on.

    Returns
    -------
    Outcome
        Times count from the first other picture.
    """
    frames, begin, out = _untouched()
    times_s = recording().times_s
    period_s = float(np.median(np.diff(times_s)))
    shown = np.concatenate([frames[:begin], picture(frames, begin, np.random.default_rng(1))])
    decisions = decided(shown)[begin:]
    on = np.array([one.state is BeamState.ON for one in decisions])
    wrong = on & (out[begin:] | absent)
    held = np.flatnonzero(~on)
    if not len(held):
        return Outcome(period_s * float(wrong.sum()), float("inf"), "never held")
    reasons = ", ".join(decisions[held[0]].reasons)
    return Outcome(period_s * float(wrong.sum()), float(times_s[begin + held[0]] - times_s[begin]), reasons)


_PICTURES: dict[str, Picture] = {
    "last picture, one grey value changed": one_grey_value,
    "last picture, noise of 0.1 sd added": partial(added_noise, sd=0.1),
    "last picture, noise of 1 sd added": partial(added_noise, sd=1.0),
    "last two pictures in turn (A-B-A-B)": partial(ring, length=2),
    "last four pictures in turn": partial(ring, length=4),
    "last picture, gain rising 0.1 % a frame": rising_gain,
}

_REPEATS = [
    Attack(name, partial(attacked, picture), WITHIN_S, "two periods: the nearest noise compared is the last but one's")
    for name, picture in _PICTURES.items()
]

ATTACKS = (
    *_REPEATS,
    Attack(
        "target wiped from the picture",
        partial(attacked, wiped, absent=True),
        WIPED_SHARE * (DURATION_S - BEGIN_S),
        "10 % of the frames, as what is next to the target may look like it",
    ),
)
