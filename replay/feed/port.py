"""Define what sends frames to a live source over its own protocol."""

from typing import Protocol

from gatekeeper.core.frame import Frame


class Feeder(Protocol):
    """The sender of one protocol, in place of the scanner; connected when it is made.

    Frames are sent at once; `replay.feed.play` calls `send` when a frame is due. Geometry, number and time of
    acquisition are sent as far as the protocol can carry them, on the sender's own clock.
    """

    def send(self, frame: Frame) -> None:
        """Send one frame.

        Parameters
        ----------
        frame : Frame
            The frame.

        Raises
        ------
        LinkError
            When the receiver does not accept it.
        """
        ...

    def close(self) -> None:
        """End the stream as the protocol requires, and close the connection; may be called twice."""
        ...
