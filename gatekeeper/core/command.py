"""Command: what an operator asks of the gate, and the event that keeps what became of it."""

import math
from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.core.decision import Decision
from gatekeeper.core.errors import InputError


class Action(StrEnum):
    """What an operator can ask for."""

    ARM = "arm"
    DISARM = "disarm"
    HOLD = "hold"
    RELEASE = "release"
    RESET = "reset"
    REBASE = "rebase"


@dataclass(frozen=True, slots=True)
class Command:
    """One wish of an operator.

    Attributes
    ----------
    action : Action
        What is asked for: arm or disarm the gate, hold the beam or release that hold, reset faults after looking
        into them, or move envelope and baseline to where the target now is at rest.
    operator : str
        Who asks.
    time_s : float
        Session time in seconds.
    shift_mm : tuple of float
        Only to rebase: by how much the envelope moves along rows and columns, in mm.

    Raises
    ------
    InputError
        When nobody is named, the time is not finite, or a shift comes with another action.
    """

    action: Action
    operator: str
    time_s: float
    shift_mm: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if not self.operator.strip():
            raise InputError(f"command {self.action}: operator is {self.operator!r}; say who asks")
        if not math.isfinite(self.time_s):
            raise InputError(f"command {self.action}: time is {self.time_s} s; give the session time")
        if self.action is not Action.REBASE and self.shift_mm != (0.0, 0.0):
            raise InputError(f"command {self.action}: has a shift of {self.shift_mm} mm; only a rebase moves anything")


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a command, for the journal.

    Attributes
    ----------
    command : Command
        What was asked for; given again at the same place between frames, it leads to the same decisions.
    accepted : bool
        False when nothing was done.
    note : str
        One line: what was done, or why not.
    decision : Decision or None
        The HOLD that now stands and goes to the linac at once; None when the beam stays on. A command never
        switches the beam on.
    """

    command: Command
    accepted: bool
    note: str
    decision: Decision | None
