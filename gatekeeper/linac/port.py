"""LinacPort: what the loop needs of anything that switches the beam."""

from typing import Protocol

from gatekeeper.decision import Decision


class LinacPort(Protocol):
    """The way to the beam. Without a message the beam is held."""

    def send(self, decision: Decision) -> None:
        """Pass one decision on; never blocks the caller."""
        ...

    def close(self) -> None:
        """Hold the beam and let go of the link; may be called twice."""
        ...
