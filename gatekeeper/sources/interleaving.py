"""Images of other planes or kinds between the session's frames, which must not look like lost frames."""

from dataclasses import replace

from gatekeeper.core.frame import Frame

LONGEST = 256
"""Largest number of images remembered between two frames."""


class InterleavedFrames:
    """Count the images set aside between two frames as skipped before the second one.

    A device that images several planes, or several kinds of image, in turn numbers them in one sequence or in a
    sequence for each. In the first case images set aside explain a gap in the numbers; in the second they do not, and a
    lost frame must remain one. A number that occurs twice shows the second case.
    """

    def __init__(self) -> None:
        self._given: int | None = None
        self._waiting: dict[int, int] = {}
        self._is_one_row = True

    def put(self, sequence: int, skipped: int = 0) -> None:
        """Set an image aside, with the number of images skipped before it."""
        if self._given is not None and sequence == self._given:
            self._is_one_row = False
        if len(self._waiting) < LONGEST:
            self._waiting[sequence] = skipped

    def give(self, frame: Frame) -> Frame:
        """Return a frame, with the images set aside just before it counted as skipped."""
        if frame.sequence in self._waiting:
            self._is_one_row = False
        given, self._given = self._given, frame.sequence
        between = sum(
            1 + skipped
            for number, skipped in self._waiting.items()
            if (given is None or number > given) and number < frame.sequence
        )
        self._waiting.clear()
        return (
            replace(frame, skipped=frame.skipped + between, aside=frame.aside + between)
            if between and self._is_one_row
            else frame
        )
