"""Faults of the link to the linac: it dies, loudly or silently, or it hangs."""

from gatekeeper.core.clock import Clock
from gatekeeper.core.decision import Decision
from gatekeeper.core.protocols import LinacPort
from replay.faults.spec import When


class DyingLinac:
    """A link that is dead for some frames: a decision on one of them fails, or is lost without a word.

    Parameters
    ----------
    linac : LinacPort
        The link that dies.
    when : When
        On which frames. A hold without a frame shares the fate of the frame before.
    silent : bool
        Whether decisions are lost without a word; else sending raises ConnectionResetError.

    Attributes
    ----------
    lost : list of int
        Sequence numbers of the decisions that did not go through, -1 for one without a frame.
    """

    def __init__(self, linac: LinacPort, when: When, *, silent: bool = False) -> None:
        self.lost: list[int] = []
        self._linac, self._when, self._silent = linac, when, silent
        self._dead = False

    @property
    def alive(self) -> bool:
        """What the link says of itself; one that dies without a word still says that it lives."""
        return self._linac.alive and (self._silent or not self._dead)

    def send(self, decision: Decision) -> None:
        """Pass the decision on while the link lives."""
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
    """A link on which sending takes its time for some frames, against what a LinacPort promises.

    Parameters
    ----------
    linac : LinacPort
        The link.
    when : When
        On which frames.
    clock : Clock
        The session's clock, on which it hangs.
    hang_s : float
        For how long it hangs before the decision goes through, in seconds of session time.

    Attributes
    ----------
    late : list of int
        Sequence numbers of the decisions that hung.
    """

    def __init__(self, linac: LinacPort, when: When, clock: Clock, hang_s: float) -> None:
        self.late: list[int] = []
        self._linac, self._when, self._clock, self._hang_s = linac, when, clock, hang_s

    @property
    def alive(self) -> bool:
        """What the link says of itself."""
        return self._linac.alive

    def send(self, decision: Decision) -> None:
        """Pass the decision on, late while the link hangs."""
        if self._when.draw(decision.sequence, (0,)) is not None:
            self.late.append(decision.sequence)
            self._clock.sleep_until(self._clock.now_s() + self._hang_s)
        self._linac.send(decision)

    def close(self) -> None:
        """Close the link."""
        self._linac.close()
