"""Newest: a live source that falls behind gives its newest frame and leaves the older ones out."""

from dataclasses import replace

from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import FrameSource

LONGEST_QUEUE = 256
"""So many frames are looked through at once, so that a source that never runs dry cannot keep the loop from them."""


class NewestFrame:
    """A source behind another one, which only ever gives the newest frame that is waiting.

    The frame says how many were left out before it: these are not lost, and no gap in the numbers. Live sources are
    put behind this one. A recording is not: each of its frames is judged.

    Parameters
    ----------
    source : FrameSource
        Where frames wait; asked with a timeout of 0 it must answer at once.
    """

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._given: int | None = None

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the newest frame that is waiting, else the next one within `timeout_s` of session time, else None."""
        newest = self._source.next_frame(timeout_s)
        if newest is None:
            return None
        passed: list[Frame] = []
        while len(passed) < LONGEST_QUEUE and not self._source.ended():
            newer = self._source.next_frame(0.0)
            if newer is None:
                break
            passed.append(newest)
            newest = newer
        given, self._given = self._given, newest.sequence
        # What came twice or out of order is not a second frame that was there.
        between = [frame for frame in passed if (given is None or frame.sequence > given)]
        between = [frame for frame in between if frame.sequence < newest.sequence]
        # Those that the source itself left out before them are left out all the same.
        skipped = len({frame.sequence for frame in between}) + sum(frame.skipped for frame in between)
        return replace(newest, skipped=newest.skipped + skipped) if skipped else newest

    def ended(self) -> bool:
        """Return True when no frame will come any more."""
        return self._source.ended()

    def close(self) -> None:
        """Close the source behind."""
        self._source.close()
