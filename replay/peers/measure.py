"""Measure accuracy and time of all methods on the same frames of a case, from the same first mask.

One call is timed, from the recorded frame to the outline, including the conversion to the type that a method needs.
Methods take turns of some frames each, so that other load on the machine affects all of them alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.clock import stopwatch_ns
from gatekeeper.core.errors import InputError
from kernels.polygon import fill
from replay.peers.image import Image, Mask, Outline, PeerTracker
from replay.peers.methods import Method, Previewed
from replay.recording import Recording
from replay.scores.outline import distances_mm
from replay.scores.tracking import FrameScore, score_frame

OnProgress = Callable[[str, int, int], None]
"""Called with the name of the work, how much of it is done and how much there is."""

TURN_FRAMES = 100
"""Number of frames in a turn; long enough that its first frame alone does not determine the 99th percentile."""

WARM_UP_CALLS = 10
"""Number of calls on the reference before the first frame, which are not timed."""

NATIVE = (np.uint8, np.uint16, np.int16, np.float32)
"""Pixel types that OpenCV accepts; other recordings are converted beforehand, for all methods."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Scores and times of one method on one case, or on several.

    Attributes
    ----------
    scores : tuple of FrameScore
        Scores of the labelled frames except frame 0.
    times_ms : ndarray of float64, shape (N,)
        Time of each call, in ms.
    outline_mm : ndarray of float64, shape (M,)
        Distance of the outline's points from the true place of their tissue, all scored frames together; empty where
        that is not known.
    """

    scores: tuple[FrameScore, ...]
    times_ms: NDArray[np.float64]
    outline_mm: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


def pooled(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome over the frames of several cases together."""
    return Outcome(
        scores=tuple(score for outcome in outcomes for score in outcome.scores),
        times_ms=np.concatenate([outcome.times_ms for outcome in outcomes]),
        outline_mm=np.concatenate([outcome.outline_mm for outcome in outcomes]),
    )


def can_be_scored(recording: Recording) -> bool:
    """Return True when the target is known on the first frame and on a later one."""
    labels = recording.labels
    return recording.first_mask is not None and labels is not None and bool(np.any(np.asarray(labels[1:])))


def measure(
    recording: Recording,
    methods: Sequence[Method | Previewed],
    on_progress: OnProgress,
    truth_px: NDArray[np.float64] | None = None,
) -> dict[str, Outcome]:
    """Run all methods on a case, and return their outcomes by name.

    Parameters
    ----------
    recording : Recording
        The case.
    methods : sequence of Method or Previewed
        The methods, all run on the complete case; learning from a preview is not timed.
    on_progress : callable
        Called with the case's name and how many of its frames, all methods together, are done.
    truth_px : ndarray of float64, shape (T, N, 2), optional
        Where the points of the first mask's outline are on each frame, as (row, col).

    Returns
    -------
    dict of str to Outcome

    Raises
    ------
    InputError
        When the case has no first mask or no label after it, or its target cannot be tracked.
    """
    name, first_mask = recording.name, recording.first_mask
    if first_mask is None or recording.labels is None or not can_be_scored(recording):
        raise InputError(f"{name}: has no label on the first frame and a later one; name a labelled case")
    labels, frames = np.asarray(recording.labels), np.asarray(recording.frames)
    if frames.dtype not in NATIVE:
        frames = frames.astype(np.float32)
    labelled = [int(frame) for frame in np.flatnonzero(labels.any(axis=(1, 2))) if frame > 0]

    runs = [_Run(method, recording, frames, first_mask, labelled) for method in methods]
    done, total = 0, len(runs) * (len(frames) - 1)
    for begin in range(1, len(frames), TURN_FRAMES):
        turn = range(begin, min(begin + TURN_FRAMES, len(frames)))
        for run in runs:
            run.take(turn)
            done += len(turn)
            on_progress(name, done, total)
    return {run.method.name: run.outcome(labels, truth_px) for run in runs}


class _Run:
    """One method and its results so far on a case."""

    def __init__(
        self,
        method: Method | Previewed,
        recording: Recording,
        frames: Image,
        first_mask: Mask,
        labelled: Sequence[int],
    ) -> None:
        self.method = method
        self._frames = frames
        self._spacing_mm = recording.spacing_mm
        self._labelled = labelled
        self._track: PeerTracker
        if isinstance(method, Previewed):
            learner = method.start(frames[0], first_mask, recording.spacing_mm)
            learner.learn(frames[recording.times_s - recording.times_s[0] < method.preview_s])
            self._track = learner
        else:
            self._track = method.start(frames[0], first_mask, recording.spacing_mm)
        self._times_ms: list[float] = []
        self._outlines: list[Outline] = []
        for _ in range(WARM_UP_CALLS):
            self._track(frames[0])

    def take(self, turn: range) -> None:
        """Track the target over the frames of a turn."""
        labelled = [frame for frame in self._labelled if frame in turn]
        for frame in turn if self.method.every_frame else labelled:
            image = self._frames[frame]
            began_ns = stopwatch_ns()
            outline = self._track(image)
            self._times_ms.append((stopwatch_ns() - began_ns) * 1e-6)
            if frame in labelled:
                self._outlines.append(outline)

    def outcome(self, labels: NDArray[np.bool_], truth_px: NDArray[np.float64] | None) -> Outcome:
        """Return times, and scores against the labels (T, H, W) and outlines as in `replay.scores`."""
        mask = np.empty(labels.shape[1:], dtype=np.bool_)
        scores = []
        outline_mm = [np.empty(0)]
        for frame, outline in zip(self._labelled, self._outlines, strict=True):
            fill(np.ascontiguousarray(outline), mask)
            scores.append(score_frame(mask, labels[frame], self._spacing_mm, frame))
            if truth_px is not None:
                outline_mm.append(distances_mm(outline, truth_px[frame], self._spacing_mm))
        return Outcome(tuple(scores), np.array(self._times_ms), np.concatenate(outline_mm))
