"""Aside: images that are there and not for the session, so that they leave no gap in the numbers of those that are."""

from dataclasses import replace

from gatekeeper.core.frame import Frame

LONGEST = 256
"""So many numbers are remembered between two frames that are given."""


class InterleavedFrames:
    """Counts what is set aside between two frames of a session as skipped before the second one.

    A device that images several planes, or several kinds of image, in turn counts them all in one row, or each kind in
    a row of its own. In the first case what was set aside explains a gap; in the second it explains none, and a lost
    frame must stay one. Which it is shows in a number that comes twice.
    """

    def __init__(self) -> None:
        self._given: int | None = None
        self._waiting: dict[int, int] = {}
        self._is_one_row = True

    def put(self, sequence: int, skipped: int = 0) -> None:
        """Set an image aside, with what had been skipped before it."""
        if self._given is not None and sequence == self._given:
            self._is_one_row = False
        if len(self._waiting) < LONGEST:
            self._waiting[sequence] = skipped

    def give(self, frame: Frame) -> Frame:
        """Return a frame of the session, with what was set aside just before it counted as skipped."""
        if frame.sequence in self._waiting:
            self._is_one_row = False
        given, self._given = self._given, frame.sequence
        between = sum(
            1 + skipped
            for number, skipped in self._waiting.items()
            if (given is None or number > given) and number < frame.sequence
        )
        self._waiting.clear()
        return replace(frame, skipped=frame.skipped + between) if between and self._is_one_row else frame
