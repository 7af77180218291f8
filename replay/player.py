"""Play a recording as a source of frames, paced by a clock."""

import numpy as np

from gatekeeper.core.clock import Clock
from gatekeeper.core.frame import Frame
from replay.recording import Recording


class Player:
    """A frame source that delivers every frame of a recording in order, each when it is due.

    The first frame is due at the first call of `next_frame`. The others are due at absolute times from then, so that a
    slow frame does not delay all later ones. The clock sets the pace: ``PacedClock(speed)`` plays at a multiple of
    real time, ``VirtualClock`` as fast as frames are requested.

    Parameters
    ----------
    recording : Recording
        The recording. Its frames stay in their recorded type; each is converted when it is delivered.
    clock : Clock
        The session's clock, shared with the loop.
    """

    def __init__(self, recording: Recording, clock: Clock) -> None:
        self._recording = recording
        self._clock = clock
        self._start_s: float | None = None
        self._next = 0

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame when it is due within `timeout_s` of session time, else None after that time.

        Parameters
        ----------
        timeout_s : float
            Longest wait, in seconds of session time.

        Returns
        -------
        Frame or None
            A frame with its own copy of the image, float32 and C-contiguous; `acquired_s` is the time it was due,
            `received_s` the time it was delivered, `sequence` its index in the recording. None at once after the last
            frame.
        """
        if self.ended():
            return None
        recording, index, now_s = self._recording, self._next, self._clock.now_s()
        if self._start_s is None:
            self._start_s = now_s - float(recording.times_s[0])
        due_s = self._start_s + float(recording.times_s[index])
        if due_s > now_s + timeout_s:
            self._clock.sleep_until(now_s + timeout_s)
            return None
        self._clock.sleep_until(due_s)
        self._next = index + 1
        return Frame(
            image=np.array(recording.frames[index], dtype=np.float32, order="C"),
            spacing_mm=recording.spacing_mm,
            sequence=index,
            acquired_s=due_s,
            received_s=self._clock.now_s(),
            plane=recording.plane,
        )

    def ended(self) -> bool:
        """Return True after the last frame, or after `close`."""
        return self._next >= len(self._recording.frames)

    def close(self) -> None:
        """Deliver no more frames."""
        self._next = len(self._recording.frames)
