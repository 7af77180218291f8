"""A short queue of frames from the receiving thread to the loop."""

import threading
from collections import deque
from dataclasses import replace

from gatekeeper.core.frame import Frame

CAPACITY = 64
"""Largest number of waiting frames; at 8 frames/s eight seconds, far beyond the largest valid age of a frame."""


class FrameQueue:
    """A source of frames that another thread puts in; on overflow the oldest frame is dropped.

    The next frame says how many were dropped before it, as skipped and not as lost.

    Parameters
    ----------
    capacity : int
        Largest number of waiting frames.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._is_over = False
        self._highest: int | None = None
        self._dropped_now = self._aside_now = 0
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Number of frames dropped so far."""
        return self._dropped

    def put(self, frame: Frame) -> None:
        """Add a frame; after the end it is ignored."""
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
        """Return whether all frames were taken and no other will come."""
        return self._is_over and not self._frames

    def end(self) -> None:
        """Accept no more frames; waiting ones can still be taken."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def close(self) -> None:
        """Accept no more frames, and discard waiting ones; may be called twice."""
        with self._changed:
            self._frames.clear()
            self._is_over = True
            self._changed.notify_all()

    def _drop(self, frame: Frame) -> None:
        self._dropped += 1
        # A repeated or reordered frame does not count as a second frame.
        if self._highest is None or frame.sequence > self._highest:
            self._highest = frame.sequence
            self._dropped_now += 1 + frame.skipped
            self._aside_now += frame.aside

    def _given(self, frame: Frame) -> Frame:
        dropped, aside, highest = self._dropped_now, self._aside_now, self._highest
        self._dropped_now, self._aside_now, self._highest = 0, 0, frame.sequence
        if dropped and highest is not None and frame.sequence > highest:
            return replace(frame, skipped=frame.skipped + dropped, aside=frame.aside + aside)
        return frame
