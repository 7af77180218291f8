"""The engine: one frame in, one decision out; no I/O and no clock, so that the same frames decide the same."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gatekeeper.clock import stopwatch_ns
from gatekeeper.frame import Frame
from gatekeeper.gating.findings import is_valid
from gatekeeper.gating.gate import Gate
from gatekeeper.step import Step
from gatekeeper.track import Track


class TargetTracker(Protocol):
    """What the engine needs of anything that finds the target."""

    def track(self, image: NDArray[np.float32]) -> Track:
        """Return where the target is on an image (H, W), and how sure that is."""
        ...


class Engine:
    """Finds the target on each frame and asks the gate.

    Parameters
    ----------
    tracker : TargetTracker
        Finds the target.
    gate : Gate
        Says beam-on or hold. Its envelope says which frames are valid; give it the shape of the tracker's
        reference.
    stopwatch : callable
        Reads a counter of nanoseconds. What it says goes into the record and nowhere else.
    """

    def __init__(self, tracker: TargetTracker, gate: Gate, stopwatch: Callable[[], int] = stopwatch_ns) -> None:
        self._tracker = tracker
        self._gate = gate
        self._stopwatch = stopwatch

    def step(self, frame: Frame, now_s: float) -> Step:
        """Return the decision on one frame at session time `now_s`, in seconds.

        A frame that is not valid never reaches the tracker; the gate holds on it.
        """
        began_ns = self._stopwatch()
        track = self._tracker.track(frame.image) if is_valid(frame, self._gate.envelope) else None
        tracked_ns = self._stopwatch()
        decision = self._gate.decide(track, frame, now_s)
        decided_ns = self._stopwatch()
        return Step(decision, frame, track, (tracked_ns - began_ns) * 1e-6, (decided_ns - tracked_ns) * 1e-6)

    def silence(self, now_s: float) -> Step:
        """Return the hold for when no frame has come in time, at session time `now_s` in seconds."""
        return Step(self._gate.silence(now_s))
