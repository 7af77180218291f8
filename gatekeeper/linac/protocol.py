"""LinacPort: what the loop needs of anything that switches the beam."""

from typing import Protocol

from gatekeeper.core.decision import Decision


class LinacPort(Protocol):
    """The way to the beam. Without a message the beam is held."""

    @property
    def alive(self) -> bool:
        """True while what is sent reaches the linac, as far as can be known without waiting."""
        ...

    def send(self, decision: Decision) -> None:
        """Pass one decision on; never blocks the caller."""
        ...

    def close(self) -> None:
        """Hold the beam and let go of the link; may be called twice."""
        ...
