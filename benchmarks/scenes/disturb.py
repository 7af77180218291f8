"""Disturb single frames in ways that the phantom does not model: noise, another person, moving bands, smear."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from replay.phantom import PhantomConfig, make_phantom

Frames = NDArray[np.generic]
Kind = Literal["noise", "other anatomy", "banding", "smear"]

SHOWS_NOTHING: frozenset[Kind] = frozenset({"noise", "other anatomy"})
"""Kinds of frames without target, on which any position is wrong; on the others the truth is unchanged."""

OTHER_SEED = 1000
"""Offset of the seed of another person's phantom, which has no lesion."""

BAND_MM, BAND_DEPTH, BAND_STEP_MM = 30.0, 0.95, 11.0
"""Period and depth of dark stripes across the image, and their displacement from frame to frame."""

SMEAR_MM = 40.0
"""Distance along the rows over which a smeared frame is averaged."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """A sequence of frames that are replaced or disturbed.

    Attributes
    ----------
    kind : str
        Kind of disturbance.
    start_s, duration_s : float
        Begin and duration, in seconds.
    """

    kind: Kind
    start_s: float
    duration_s: float = 1.0


def disturb(frames: Frames, times_s: NDArray[np.float64], config: PhantomConfig, what: tuple[Disturbance, ...]) -> None:
    """Replace or disturb, in place, those of `frames` (T, H, W) that `what` names."""
    for kind in {one.kind for one in what}:
        hit = np.flatnonzero(kinds(times_s, tuple(one for one in what if one.kind == kind)))
        if hit.size:
            frames[hit] = _SPOIL[kind](frames, hit, config)


def kinds(times_s: NDArray[np.float64], what: tuple[Disturbance, ...]) -> NDArray[np.str_]:
    """Return the kind of disturbance at each time, empty for none."""
    kind = np.full(times_s.shape, "", dtype="<U16")
    for one in what:
        kind[(times_s >= one.start_s) & (times_s < one.start_s + one.duration_s)] = one.kind
    return kind


def _noise(frames: Frames, hit: NDArray[np.intp], config: PhantomConfig) -> NDArray[np.generic]:
    """Return noise without anatomy, with the brightness and contrast of the recording."""
    random = np.random.default_rng(config.seed)
    drawn = random.normal(float(frames[0].mean()), float(frames[0].std()), (hit.size, *frames.shape[1:]))
    return np.clip(drawn, 0.0, 65535.0)


def _other_anatomy(_frames: Frames, hit: NDArray[np.intp], config: PhantomConfig) -> NDArray[np.generic]:
    """Return another person's frames at the same times."""
    lesion = config.lesion.model_copy(update={"contrast": 0.0, "texture": config.tissue.texture})
    acquisition = config.acquisition
    last_s = (float(hit[-1]) + 1.0) / acquisition.frame_rate_hz
    other = config.model_copy(
        update={
            "seed": config.seed + OTHER_SEED,
            "lesion": lesion,
            "acquisition": acquisition.model_copy(update={"duration_s": last_s}),
        }
    )
    return make_phantom(other).recording.frames[hit]


def _banding(frames: Frames, hit: NDArray[np.intp], config: PhantomConfig) -> NDArray[np.generic]:
    """Return the frames with dark stripes that move from frame to frame."""
    row_mm = np.arange(frames.shape[1]) * config.acquisition.pixel_mm[0]
    phase = (row_mm[None, :] + BAND_STEP_MM * hit[:, None]) / BAND_MM
    return frames[hit].astype(np.float32) * (1.0 - BAND_DEPTH * np.cos(np.pi * phase) ** 2)[:, :, None]


def _smear(frames: Frames, hit: NDArray[np.intp], config: PhantomConfig) -> NDArray[np.generic]:
    """Return the frames blurred by motion along the rows during the exposure, symmetric in both directions."""
    reach = round(0.5 * SMEAR_MM / config.acquisition.pixel_mm[0])
    rows = np.arange(frames.shape[1])
    shown = frames[hit].astype(np.float32)
    moved = [shown[:, np.clip(rows + step, 0, rows[-1])] for step in range(-reach, reach + 1)]
    return np.asarray(np.mean(moved, axis=0))


_SPOIL: dict[str, Callable[[Frames, NDArray[np.intp], PhantomConfig], NDArray[np.generic]]] = {
    "noise": _noise,
    "other anatomy": _other_anatomy,
    "banding": _banding,
    "smear": _smear,
}
