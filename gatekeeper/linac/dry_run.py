"""A linac port that only keeps the decisions, for replay and tests."""

import math
from typing import NamedTuple

from gatekeeper.core.decision import BeamState, Decision
from gatekeeper.linac.freshness import AgeOf, left_ns, no_age

FRESH_S = 0.375
"""As with the other ports, three frame periods at 8 frames per second."""


class Command(NamedTuple):
    """One message as a linac would have received it.

    Attributes
    ----------
    sequence : int
        Sequence number of the frame; -1 when there was none.
    state : BeamState
        ON or HOLD.
    time_s : float
        Session time of the decision in s; NaN for the hold on closing.
    """

    sequence: int
    state: BeamState
    time_s: float


class DryRunLinac:
    """A LinacPort without a linac.

    Parameters
    ----------
    fresh_s : float
        Time after a decision for which its beam-on is good, in s.
    age_s : callable
        Return the age of a decision in s, see `gatekeeper.linac.freshness`.

    Attributes
    ----------
    commands : list of Command
        Everything that was sent, oldest first.

    Examples
    --------
    >>> from gatekeeper import BeamState, Decision, DryRunLinac
    >>> linac = DryRunLinac()
    >>> linac.send(Decision(0, 0.1, BeamState.ON, (), outside_percent=0.0))
    >>> linac.beam_on
    True
    """

    def __init__(self, fresh_s: float = FRESH_S, age_s: AgeOf = no_age) -> None:
        self._fresh_ns, self._age_s = round(1e9 * fresh_s), age_s
        self.commands: list[Command] = []
        self._closed = False

    @property
    def beam_on(self) -> bool:
        """Whether the last message allows the beam."""
        return bool(self.commands) and self.commands[-1].state is BeamState.ON

    @property
    def alive(self) -> bool:
        """True until the port is closed."""
        return not self._closed

    def send(self, decision: Decision) -> None:
        """Append a decision to `commands`, unless the port is closed; a beam-on that is too old becomes a hold."""
        if self._closed:
            return
        beam_on = decision.state is BeamState.ON and left_ns(self._fresh_ns, self._age_s(decision)) > 0
        self.commands.append(Command(decision.sequence, BeamState.ON if beam_on else BeamState.HOLD, decision.time_s))

    def close(self) -> None:
        """Hold the beam; may be called twice."""
        if not self._closed:
            self.commands.append(Command(-1, BeamState.HOLD, math.nan))
        self._closed = True
