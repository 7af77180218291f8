"""Measure recorded cases: against labels, with another person's frames inserted, and without truth."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.scenes.follow import Followed
from gatekeeper.tracking.tracker import Tracker
from replay.formats.trackrad import open_case
from replay.peers.measure import can_be_scored
from replay.recording import Recording
from replay.scores.tracking import score_frame

EVERY, RUN = 40, 4
"""Period of the inserted frames; the last ones of each period are another person's."""


def recordings(folder: Path) -> tuple[list[Recording], list[Recording]]:
    """Return the cases in `folder` that can be scored, and those with only a first mask."""
    found = [open_case(images.parent) for images in sorted(folder.glob("*/images"))]
    scored = [case for case in found if can_be_scored(case)]
    return scored, [case for case in found if case.first_mask is not None and not can_be_scored(case)]


def follow_labels(case: Recording, preview_s: float = 0.0) -> Followed:
    """Return the error of the mask's centre of mass, and the confidence, on the labelled frames after the first.

    The frames of the preview are tracked as well, since a case has few labels.
    """
    return _followed(case, case.frames, np.zeros(len(case.frames), dtype=bool), preview_s)


def follow_mixed(case: Recording, others: Sequence[Recording], preview_s: float = 0.0) -> Followed:
    """Return the same with runs of frames of other people, on which any position is wrong."""
    frames = np.array(case.frames)
    swapped = np.arange(len(frames)) % EVERY >= EVERY - RUN
    for index in np.flatnonzero(swapped):
        other = others[int(index // EVERY) % len(others)]
        frames[index] = wrapped(other.frames[index % len(other.frames)], frames.shape[1:])
    return _followed(case, frames, swapped, preview_s)


def follow_blind(case: Recording, preview_s: float = 0.0) -> NDArray[np.float64]:
    """Return the confidence on every frame after the first of a case without truth."""
    tracker = _tracker(case, preview_s)
    return np.array([tracker.track(frame).confidence for frame in case.frames[1:]])


def wrapped(frame: NDArray[np.generic], shape: tuple[int, ...]) -> NDArray[np.generic]:
    """Return a frame cropped to the shape, or extended by repetition."""
    rows, cols = (np.arange(n) % m for n, m in zip(shape, frame.shape, strict=True))
    return frame[np.ix_(rows, cols)]


def others_of(case: Recording, cases: Sequence[Recording]) -> list[Recording]:
    """Return the cases of other people; cases of one person share the same frames."""
    return [other for other in cases if other.name.split("_")[0] != case.name.split("_")[0]]


def _tracker(case: Recording, preview_s: float) -> Tracker:
    assert case.first_mask is not None
    tracker = Tracker(case.frames[0], case.first_mask, case.spacing_mm)
    if preview_s:
        tracker.learn(case.frames[case.times_s < preview_s])
    return tracker


def _followed(case: Recording, frames: NDArray[np.generic], swapped: NDArray[np.bool_], preview_s: float) -> Followed:
    tracker = _tracker(case, preview_s)
    labels = case.labels
    assert labels is not None
    found = []
    for index, frame in _after_the_first(frames):
        track = tracker.track(frame)
        if swapped[index]:
            found.append((np.inf, track.confidence, False, "other anatomy"))
        elif labels[index].any():
            mask = track.mask(labels.shape[1:])
            # The mask of a contour outside the image is empty.
            off_mm = score_frame(mask, labels[index], case.spacing_mm).center_mm if mask.any() else np.inf
            found.append((off_mm, track.confidence, True, ""))
    errors_mm, confidence, trackable, kind = zip(*found, strict=True)
    return Followed(np.array(errors_mm), np.array(confidence), np.array(trackable), np.array(kind))


def _after_the_first(frames: NDArray[np.generic]) -> Iterator[tuple[int, NDArray[np.generic]]]:
    return ((index, frames[index]) for index in range(1, len(frames)))
