"""Simulate a link to the linac that fails, with an error or silently, or that blocks."""

from gatekeeper.core.clock import Clock
from gatekeeper.core.decision import Decision
from gatekeeper.core.protocols import LinacPort
from replay.faults.spec import When


class DyingLinac:
    """A link that is dead for some frames: sending raises an error, or the decision is lost silently.

    Parameters
    ----------
    linac : LinacPort
        The link.
    when : When
        Frames on which the link is dead. A hold without a frame is treated as the frame before it.
    silent : bool
        Whether decisions are lost silently; otherwise sending raises ConnectionResetError.

    Attributes
    ----------
    lost : list of int
        Sequence numbers of the lost decisions, -1 for one without a frame.
    """

    def __init__(self, linac: LinacPort, when: When, *, silent: bool = False) -> None:
        self.lost: list[int] = []
        self._linac, self._when, self._silent = linac, when, silent
        self._dead = False

    @property
    def alive(self) -> bool:
        """Whether the link reports itself alive; a silent failure is not reported."""
        return self._linac.alive and (self._silent or not self._dead)

    def send(self, decision: Decision) -> None:
        """Send the decision while the link is alive."""
        if decision.sequence >= 0:
            self._dead = self._when.draw(decision.sequence, (0,)) is not None
        if not self._dead:
            self._linac.send(decision)
            return
        self.lost.append(decision.sequence)
        if not self._silent:
            raise ConnectionResetError(f"frame {decision.sequence}: the linac has reset the connection")

    def close(self) -> None:
        """Close the link."""
        self._linac.close()


class HangingLinac:
    """A link on which sending blocks for some frames, against the contract of a LinacPort.

    Parameters
    ----------
    linac : LinacPort
        The link.
    when : When
        Frames on which sending blocks.
    clock : Clock
        Clock of the session.
    hang_s : float
        Time for which sending blocks, in seconds of session time.

    Attributes
    ----------
    late : list of int
        Sequence numbers of the delayed decisions.
    """

    def __init__(self, linac: LinacPort, when: When, clock: Clock, hang_s: float) -> None:
        self.late: list[int] = []
        self._linac, self._when, self._clock, self._hang_s = linac, when, clock, hang_s

    @property
    def alive(self) -> bool:
        """Whether the link reports itself alive."""
        return self._linac.alive

    def send(self, decision: Decision) -> None:
        """Send the decision, late while the link blocks."""
        if self._when.draw(decision.sequence, (0,)) is not None:
            self.late.append(decision.sequence)
            self._clock.sleep_until(self._clock.now_s() + self._hang_s)
        self._linac.send(decision)

    def close(self) -> None:
        """Close the link."""
        self._linac.close()
