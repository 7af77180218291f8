"""Run one tracker on one scene, and record error and confidence on every frame.

The truth is the displacement of the outline's centroid since the first frame, by the equations of the phantom's
motion. The tracker starts from the first mask, whose pixels approximate the outline, so displacements are compared:

    error = |(track.center_mm - centre of the contour of the first mask) - displacement_mm|

Where the target is outside the plane or the image, or the frame was replaced, any position is wrong and the error is
infinite. A frame is trackable when it shows at least half of the target, not covered by the body wall, and was not
disturbed. The outline is judged point by point (`replay.scores.outline`) and by its mask.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.scenes.catalogue import Scene
from benchmarks.scenes.degrade import degraded
from benchmarks.scenes.disturb import SHOWS_NOTHING, disturb, kinds
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.track import Track
from gatekeeper.tracking.tracker import Tracker
from kernels.polygon import area, centroid
from replay.phantom import Phantom, PhantomConfig, make_phantom, with_target
from replay.phantom.config import TargetConfig
from replay.phantom.target import DRAWN
from replay.scores.outline import distances_mm, moved_points

Array = NDArray[np.float64]

DEEP = 0.5
"""Share of the largest displacement from which the target counts as deep."""

MOST_COVERED = 0.5
"""Share of the target up to which the body wall may cover it on a trackable frame."""

KEPT_PHANTOMS = 4
"""Number of phantoms that are kept for scenes with another target in the same images."""


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Tracking results on each frame, and the truth.

    Attributes
    ----------
    errors_mm : ndarray of float64, shape (T,)
        Error; infinite where there is no target.
    confidence : ndarray of float64, shape (T,)
        Tracking confidence.
    trackable : ndarray of bool, shape (T,)
        Whether the frame shows the target undisturbed.
    kinds : ndarray of str, shape (T,)
        Disturbance of the frame, or why it shows no target; empty otherwise.
    outline_mm : ndarray of float64, shape (T, N)
        Distance of each point of the outline from the true place of its tissue; NaN where not known.
    dsc : ndarray of float64, shape (T,)
        Dice similarity coefficient with the label; NaN where there is none.
    deep : ndarray of bool, shape (T,)
        Whether the target is in the other state of breathing, such as a breath-hold.
    """

    errors_mm: Array
    confidence: Array
    trackable: NDArray[np.bool_]
    kinds: NDArray[np.str_]
    outline_mm: Array = field(default_factory=lambda: np.empty((0, 0)))
    dsc: Array = field(default_factory=lambda: np.empty(0))
    deep: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=np.bool_))


def staged(scene: Scene, seed: int, lead_s: float = 0.0, **acquisition: object) -> tuple[Phantom, NDArray[np.str_]]:
    """Return the phantom of a scene with disturbed frames, and the disturbance of each frame."""
    config = scene.config(seed, lead_s, **acquisition)
    phantom = _drawn(config)
    recording = phantom.recording
    frames, times_s = np.array(recording.frames), recording.times_s
    disturb(frames, times_s, config, scene.befalls(lead_s))
    if scene.quality is not None:
        qualities = [scene.quality] * len(frames)
        spoilt = degraded(frames, is_deep(phantom).astype(np.float64), qualities, recording.spacing_mm, seed)
        frames = np.clip(np.rint(spoilt), 0, 65535).astype(frames.dtype)
    phantom = replace(phantom, recording=replace(recording, frames=frames))
    kind = kinds(times_s, scene.befalls(lead_s))
    kind[(kind == "") & ~phantom.visible] = "out of sight"
    return transposed(phantom) if scene.transposed else phantom, kind


def is_deep(phantom: Phantom) -> NDArray[np.bool_]:
    """Return on which frames the target is displaced by more than half of the largest displacement."""
    return np.asarray(phantom.signal_mm > DEEP * phantom.signal_mm.max())


def transposed(phantom: Phantom) -> Phantom:
    """Return a phantom with rows and columns exchanged, in images and truth."""
    recording = phantom.recording
    assert recording.first_mask is not None
    assert recording.labels is not None
    turned = replace(
        recording,
        frames=np.ascontiguousarray(np.swapaxes(recording.frames, 1, 2)),
        labels=np.ascontiguousarray(np.swapaxes(recording.labels, 1, 2)),
        first_mask=np.ascontiguousarray(recording.first_mask.T),
        spacing_mm=recording.spacing_mm[::-1],
    )
    return replace(
        phantom,
        recording=turned,
        contours=tuple(np.ascontiguousarray(contour[:, ::-1]) for contour in phantom.contours),
        displacement_mm=np.ascontiguousarray(phantom.displacement_mm[:, ::-1]),
    )


def _drawn(config: PhantomConfig) -> Phantom:
    """Return the phantom; its frames may be shared with other targets."""
    kind = config.target.kind
    if kind in DRAWN:
        return make_phantom(config)
    return with_target(_kept(config.model_copy(update={"target": TargetConfig()})), kind)


@lru_cache(maxsize=KEPT_PHANTOMS)
def _kept(config: PhantomConfig) -> Phantom:
    return make_phantom(config)


def follow(phantom: Phantom, kind: NDArray[np.str_], preview: int = 0) -> Followed:
    """Return the tracking results on the frames of a prepared scene.

    Parameters
    ----------
    phantom, kind
        As returned by `staged`.
    preview : int
        Number of first frames that are learned from and not tracked.
    """
    recording = phantom.recording
    assert recording.first_mask is not None
    tracker = Tracker(recording.frames[0], recording.first_mask, recording.spacing_mm)
    if preview:
        tracker.learn(recording.frames[:preview])
    tracks = [tracker.track(frame) for frame in recording.frames[preview:]]
    return judged(phantom, kind, tracks, preview)


def judged(phantom: Phantom, kind: NDArray[np.str_], tracks: Iterable[Track], first: int = 0) -> Followed:
    """Return the distances of the tracks from the truth, on the frames from `first` on."""
    recording = phantom.recording
    assert recording.first_mask is not None
    assert recording.labels is not None
    tracks = list(tracks)
    center_mm = np.array([track.center_mm for track in tracks])
    away_mm = center_mm - first_center_mm(recording.first_mask, recording.spacing_mm)
    errors_mm = np.linalg.norm(away_mm - phantom.displacement_mm[first:], axis=1)
    lost = ~phantom.visible | np.isin(kind, sorted(SHOWS_NOTHING))
    errors_mm[lost[first:]] = np.inf
    areas_px = np.array([area(contour) for contour in phantom.contours])
    half_there = recording.labels.sum(axis=(1, 2)) >= 0.5 * areas_px
    truth_px = moved_points(mask_to_contour(recording.first_mask), phantom.contours)
    return Followed(
        errors_mm,
        np.array([track.confidence for track in tracks]),
        (half_there & (phantom.covered <= MOST_COVERED) & (kind == ""))[first:],
        kind[first:],
        outline_errors_mm(tracks, truth_px[first:], recording.spacing_mm),
        dice(tracks, recording.labels[first:]),
        is_deep(phantom)[first:],
    )


def outline_errors_mm(tracks: Sequence[Track], truth_px: Array, spacing_mm: tuple[float, float]) -> Array:
    """Return the distance (T, N) of each point of the tracks' outlines from its true place (T, N, 2)."""
    if any(track.contour_px.shape != truth_px.shape[1:] for track in tracks):
        # A tracker that does not move the points of the first mask's outline has no such error.
        return np.full(truth_px.shape[:2], np.nan)
    return np.stack(
        [distances_mm(track.contour_px, truth, spacing_mm) for track, truth in zip(tracks, truth_px, strict=True)]
    )


def dice(tracks: Sequence[Track], labels: NDArray[np.bool_]) -> Array:
    """Return the Dice similarity coefficient (T,) of the tracks' masks with the labels; NaN for an empty label."""
    found = np.full(len(tracks), np.nan)
    for index, (track, label) in enumerate(zip(tracks, labels, strict=True)):
        if label.any():
            mask = track.mask(label.shape)
            found[index] = 2.0 * np.count_nonzero(mask & label) / (np.count_nonzero(mask) + np.count_nonzero(label))
    return found


def first_center_mm(first_mask: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> Array:
    """Return the centre of the first mask's contour, where a tracker starts, as (row, col) in mm."""
    center_px = np.empty(2)
    centroid(mask_to_contour(first_mask), center_px)
    return center_px * spacing_mm
