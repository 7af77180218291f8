"""Delay a tracker or a recorder."""

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.clock import Clock
from gatekeeper.core.protocols import Recorder, TargetTracker
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track
from gatekeeper.recording.forwarding import ForwardingRecorder
from replay.faults.spec import When


class SlowTracker:
    """A tracker with delays; frames are counted by calls, from 0.

    Parameters
    ----------
    tracker : TargetTracker
        The tracker.
    when : When
        Calls that are delayed.
    clock : Clock
        Clock of the session.
    longer_s : float
        Delay, in seconds of session time.
    """

    def __init__(self, tracker: TargetTracker, when: When, clock: Clock, longer_s: float) -> None:
        self._tracker, self._when, self._clock, self._longer_s = tracker, when, clock, longer_s
        self._calls = 0

    def track(self, image: NDArray[np.float32]) -> Track | tuple[Track, ...]:
        """Return the track, late while the fault is active."""
        call, self._calls = self._calls, self._calls + 1
        track = self._tracker.track(image)
        if self._when.draw(call, (0,)) is not None:
            self._clock.sleep_until(self._clock.now_s() + self._longer_s)
        return track


class SlowRecorder(ForwardingRecorder):
    """A recorder that blocks the loop, against the contract of a Recorder.

    Parameters
    ----------
    recorder : Recorder
        The recorder.
    when : When
        Frames that are delayed.
    clock : Clock
        Clock of the session.
    longer_s : float
        Delay, in seconds of session time.
    """

    def __init__(self, recorder: Recorder, when: When, clock: Clock, longer_s: float) -> None:
        super().__init__(recorder)
        self._when, self._clock, self._longer_s = when, clock, longer_s

    def record(self, step: Step, total_ms: float) -> None:
        """Record one pass, and return late while the fault is active."""
        super().record(step, total_ms)
        if self._when.draw(step.decision.sequence, (0,)) is not None:
            self._clock.sleep_until(self._clock.now_s() + self._longer_s)
