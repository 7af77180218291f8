"""FrameSource: what the loop needs of anything that delivers frames, live or recorded."""

from typing import Protocol

from gatekeeper.core.frame import Frame


class FrameSource(Protocol):
    """Frames in the order of acquisition.

    Whether frames may be left out is the source's own affair: a live one that has several waiting gives the newest
    (`gatekeeper.sources.newest_frame.NewestFrame`), a recording gives every one.
    """

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None when none came within `timeout_s` of session time or none will come."""
        ...

    def ended(self) -> bool:
        """Return True when no frame will come any more."""
        ...

    def close(self) -> None:
        """Let go of whatever the source holds; may be called twice."""
        ...
