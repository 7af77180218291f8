"""All methods on the same frames of a case from the same first mask: where each sees the target, and how long it takes.

What is timed is one call, from the frame as it was recorded to the outline: each method's conversion to the type it
works on counts. Methods take turns of some frames each, so that whatever else the machine does meets all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.clock import stopwatch_ns
from gatekeeper.core.errors import InputError
from kernels.polygon import fill
from replay.peers.image import Image, Mask, Outline, PeerTracker
from replay.peers.methods import Method, Previewed
from replay.recording import Recording
from replay.scores.tracking import FrameScore, score_frame

OnProgress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

TURN_FRAMES = 100
"""Long enough that one frame of a turn, the first, does not reach the 99th percentile alone."""

WARM_UP_CALLS = 10
"""Before the first frame each method is shown the reference this often, without being timed."""

NATIVE = (np.uint8, np.uint16, np.int16, np.float32)
"""Pixel types that OpenCV takes; other recordings are converted beforehand, for all methods."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one method did on one case, or on several.

    Attributes
    ----------
    scores : tuple of FrameScore
        Of the labelled frames, frame 0 apart.
    times_ms : ndarray of float64, shape (N,)
        What each call took.
    """

    scores: tuple[FrameScore, ...]
    times_ms: NDArray[np.float64]


def pooled(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the frames of several cases as if they were of one."""
    return Outcome(
        scores=tuple(score for outcome in outcomes for score in outcome.scores),
        times_ms=np.concatenate([outcome.times_ms for outcome in outcomes]),
    )


def can_be_scored(recording: Recording) -> bool:
    """Return True when the target is known on the first frame and on a later one."""
    labels = recording.labels
    return recording.first_mask is not None and labels is not None and bool(np.any(np.asarray(labels[1:])))


def measure(recording: Recording, methods: Sequence[Method | Previewed], on_progress: OnProgress) -> dict[str, Outcome]:
    """Return what each method, by name, does on a case.

    Parameters
    ----------
    recording : Recording
        The case.
    methods : sequence of Method or Previewed
        Who is measured, all on the whole case; what learns from its beginning beforehand is not timed in doing so.
    on_progress : callable
        Told the case's name and how many of its frames, all methods together, are done.

    Raises
    ------
    InputError
        When the case has no first mask or no label after it, or its target cannot be tracked.
    """
    name, first_mask = recording.name, recording.first_mask
    if first_mask is None or recording.labels is None or not can_be_scored(recording):
        raise InputError(f"{name}: has no target on the first frame and a later one to score; name a labelled case")
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
    return {run.method.name: run.outcome(labels) for run in runs}


class _Run:
    """One method on its way through a case."""

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
        self._follow: PeerTracker
        if isinstance(method, Previewed):
            learner = method.start(frames[0], first_mask, recording.spacing_mm)
            learner.learn(frames[recording.times_s - recording.times_s[0] < method.preview_s])
            self._follow = learner
        else:
            self._follow = method.start(frames[0], first_mask, recording.spacing_mm)
        self._times_ms: list[float] = []
        self._outlines: list[Outline] = []
        for _ in range(WARM_UP_CALLS):
            self._follow(frames[0])

    def take(self, turn: range) -> None:
        """Follow the target over the frames of a turn."""
        labelled = [frame for frame in self._labelled if frame in turn]
        for frame in turn if self.method.every_frame else labelled:
            image = self._frames[frame]
            began_ns = stopwatch_ns()
            outline = self._follow(image)
            self._times_ms.append((stopwatch_ns() - began_ns) * 1e-6)
            if frame in labelled:
                self._outlines.append(outline)

    def outcome(self, labels: NDArray[np.bool_]) -> Outcome:
        """Return what came out, scored against the labels (T, H, W) as `replay.scores.tracking` does."""
        mask = np.empty(labels.shape[1:], dtype=np.bool_)
        scores = []
        for frame, outline in zip(self._labelled, self._outlines, strict=True):
            fill(np.ascontiguousarray(outline), mask)
            scores.append(score_frame(mask, labels[frame], self._spacing_mm, frame))
        return Outcome(tuple(scores), np.array(self._times_ms))
