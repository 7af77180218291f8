"""A linac that only remembers: what replay drives and tests look into."""

import math
from typing import NamedTuple

from gatekeeper.core.decision import BeamState, Decision


class Command(NamedTuple):
    """One message as it would have reached the linac.

    Attributes
    ----------
    sequence : int
        Sequence number of the frame that was judged; -1 when there was none.
    state : BeamState
        ON or HOLD.
    time_s : float
        Session time of the decision in seconds; NaN for the hold that closing the link means.
    """

    sequence: int
    state: BeamState
    time_s: float


class DryRunLinac:
    """A LinacPort without a linac behind it.

    Attributes
    ----------
    commands : list of Command
        Everything that was sent, oldest first.
    """

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self._closed = False

    @property
    def beam_on(self) -> bool:
        """True while the last message allows the beam."""
        return bool(self.commands) and self.commands[-1].state is BeamState.ON

    @property
    def alive(self) -> bool:
        """True until the link is closed."""
        return not self._closed

    def send(self, decision: Decision) -> None:
        """Remember one decision; on a closed link nothing is passed on any more."""
        if not self._closed:
            self.commands.append(Command(decision.sequence, decision.state, decision.time_s))

    def close(self) -> None:
        """Hold the beam; may be called twice."""
        if not self._closed:
            self.commands.append(Command(-1, BeamState.HOLD, math.nan))
        self._closed = True
