"""Newest: a live source that falls behind gives its newest frame and leaves the older ones out."""

from collections.abc import Callable

from gatekeeper.frame import Frame
from gatekeeper.sources.port import FrameSource

LONGEST_QUEUE = 256
"""So many frames are looked through at once, so that a source that never runs dry cannot keep the loop from them."""


class NewestFrame:
    """A source behind another one, which only ever gives the newest frame that is waiting.

    Live sources are put behind this one. A recording is not: each of its frames is judged.

    Parameters
    ----------
    source : FrameSource
        Where frames wait; asked with a timeout of 0 it must answer at once.
    on_skip : callable
        Told how many frames were left out, each time that some were.
    """

    def __init__(self, source: FrameSource, on_skip: Callable[[int], None]) -> None:
        self._source = source
        self._on_skip = on_skip

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the newest frame that is waiting, else the next one within `timeout_s` of session time, else None."""
        newest = self._source.next_frame(timeout_s)
        if newest is None:
            return None
        skipped = 0
        while skipped < LONGEST_QUEUE and not self._source.ended():
            newer = self._source.next_frame(0.0)
            if newer is None:
                break
            newest = newer
            skipped += 1
        if skipped:
            self._on_skip(skipped)
        return newest

    def ended(self) -> bool:
        """Return True when no frame will come any more."""
        return self._source.ended()

    def close(self) -> None:
        """Close the source behind."""
        self._source.close()
