"""Use the newest frame of a live source, and skip older ones, when the loop falls behind."""

from dataclasses import replace

from gatekeeper.core.frame import Frame
from gatekeeper.core.protocols import FrameSource

LONGEST_QUEUE = 256
"""Largest number of frames read at once, so that an endless supply of frames cannot block the loop."""


class NewestFrame:
    """A source that returns only the newest waiting frame of another source.

    The frame says how many were skipped before it: these are not lost and are not a gap in the numbers. For live
    sources only: of a recording, each frame is judged.

    Parameters
    ----------
    source : FrameSource
        Source of the frames; must return at once with a timeout of 0.
    """

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._given: int | None = None

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the newest waiting frame, else the next one within `timeout_s` of session time, else None."""
        newest = self._source.next_frame(timeout_s)
        if newest is None:
            return None
        older: list[Frame] = []
        while len(older) < LONGEST_QUEUE and not self._source.ended():
            newer = self._source.next_frame(0.0)
            if newer is None:
                break
            older.append(newest)
            newest = newer
        given, self._given = self._given, newest.sequence
        # A repeated or reordered frame does not count as a second frame.
        between = [frame for frame in older if (given is None or frame.sequence > given)]
        between = [frame for frame in between if frame.sequence < newest.sequence]
        # Frames that the source has skipped before them are skipped too.
        skipped = len({frame.sequence for frame in between}) + sum(frame.skipped for frame in between)
        aside = newest.aside + sum(frame.aside for frame in between)
        return replace(newest, skipped=newest.skipped + skipped, aside=aside) if skipped else newest

    def ended(self) -> bool:
        """Return whether no frame will come any more."""
        return self._source.ended()

    def close(self) -> None:
        """Close the underlying source."""
        self._source.close()
