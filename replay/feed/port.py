"""Feeder: what sends frames to a live source over the source's own protocol."""

from typing import Protocol

from gatekeeper.core.frame import Frame


class Feeder(Protocol):
    """The sender's end of one protocol: stands where the scanner would, connected since it was made.

    It sends each frame as it gets it, at once: when a frame is due is for whoever plays them to know
    (`replay.feed.play`). Geometry, number and time of acquisition go along as far as the protocol can carry them, on a
    clock of the sender's own.
    """

    def send(self, frame: Frame) -> None:
        """Send one frame; raises LinkError when the other side does not take it."""
        ...

    def close(self) -> None:
        """Say goodbye as the protocol has it, and let go of the connection; may be called twice."""
        ...
