"""Run one tracker on one scene, and record error and confidence on every frame.

The truth is the displacement of the outline's centroid since the first frame, by the equations of the phantom's
motion. The tracker starts from the first mask, whose pixels approximate the outline, so displacements are compared:

    error = |(track.center_mm - centre of the contour of the first mask) - displacement_mm|

Where the target is outside the plane or the image, or the frame was replaced, any position is wrong and the error is
infinite. A frame is trackable when it shows at least half of the target and was not disturbed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.scenes.catalogue import Scene
from benchmarks.scenes.disturb import SHOWS_NOTHING, disturb, kinds
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.track import Track
from gatekeeper.tracking.tracker import Tracker
from kernels.polygon import area, centroid
from replay.phantom import Phantom, make_phantom

Array = NDArray[np.float64]


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
    """

    errors_mm: Array
    confidence: Array
    trackable: NDArray[np.bool_]
    kinds: NDArray[np.str_]


def staged(scene: Scene, seed: int, lead_s: float = 0.0, **acquisition: object) -> tuple[Phantom, NDArray[np.str_]]:
    """Return the phantom of a scene with disturbed frames, and the disturbance of each frame."""
    config = scene.config(seed, lead_s, **acquisition)
    phantom = make_phantom(config)
    times_s = phantom.recording.times_s
    disturb(phantom.recording.frames, times_s, config, scene.befalls(lead_s))
    kind = kinds(times_s, scene.befalls(lead_s))
    kind[(kind == "") & ~phantom.visible] = "out of sight"
    return phantom, kind


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
    found = [(*track.center_mm, track.confidence) for track in tracks]
    *center_mm, confidence = np.array(found).T
    away_mm = np.stack(center_mm, axis=-1) - first_center_mm(recording.first_mask, recording.spacing_mm)
    errors_mm = np.linalg.norm(away_mm - phantom.displacement_mm[first:], axis=1)
    lost = ~phantom.visible | np.isin(kind, sorted(SHOWS_NOTHING))
    errors_mm[lost[first:]] = np.inf
    areas_px = np.array([area(contour) for contour in phantom.contours])
    half_there = recording.labels.sum(axis=(1, 2)) >= 0.5 * areas_px
    return Followed(errors_mm, confidence, (half_there & (kind == ""))[first:], kind[first:])


def first_center_mm(first_mask: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> Array:
    """Return the centre of the first mask's contour, where a tracker starts, as (row, col) in mm."""
    center_px = np.empty(2)
    centroid(mask_to_contour(first_mask), center_px)
    return center_px * spacing_mm
