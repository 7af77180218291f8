"""Mailbox: a few frames on their way from the thread that receives them to the loop."""

import threading
from collections import deque
from dataclasses import replace

from gatekeeper.core.frame import Frame

CAPACITY = 64
"""Frames that may wait; at 8 frames/s that is eight seconds, far beyond the age of a frame that still counts."""


class FrameQueue:
    """A source of the frames that another thread puts in; what is not taken in time is dropped, oldest first.

    A frame says how many were dropped before it, as frames that were skipped and not lost.

    Parameters
    ----------
    capacity : int
        How many frames may wait.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._is_over = False
        self._highest: int | None = None
        self._dropped_now = 0
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many frames were dropped so far."""
        return self._dropped

    def put(self, frame: Frame) -> None:
        """Leave a frame to be taken; after the end it is let go."""
        with self._changed:
            if self._is_over:
                return
            if len(self._frames) == self._capacity:
                self._drop(self._frames.popleft())
            self._frames.append(frame)
            self._changed.notify()

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the oldest frame, or None when none came within `timeout_s` seconds or none will come."""
        with self._changed:
            if timeout_s > 0.0 and not (self._frames or self._is_over):
                self._changed.wait_for(lambda: self._frames or self._is_over, timeout_s)
            return self._given(self._frames.popleft()) if self._frames else None

    def ended(self) -> bool:
        """Return True when all frames were taken and no other will come."""
        return self._is_over and not self._frames

    def end(self) -> None:
        """No frame will be put in any more; those that are there can still be taken."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def close(self) -> None:
        """End, and let go of the frames that wait; may be called twice."""
        with self._changed:
            self._frames.clear()
            self._is_over = True
            self._changed.notify_all()

    def _drop(self, frame: Frame) -> None:
        self._dropped += 1
        # What came twice or out of order is not a second frame that was there.
        if self._highest is None or frame.sequence > self._highest:
            self._highest = frame.sequence
            self._dropped_now += 1 + frame.skipped

    def _given(self, frame: Frame) -> Frame:
        dropped, highest = self._dropped_now, self._highest
        self._dropped_now, self._highest = 0, frame.sequence
        if dropped and highest is not None and frame.sequence > highest:
            return replace(frame, skipped=frame.skipped + dropped)
        return frame
