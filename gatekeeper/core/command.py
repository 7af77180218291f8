"""Define an operator's commands to the gate, and their outcome."""

import math
from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.core.decision import Decision
from gatekeeper.core.errors import InputError


class Action(StrEnum):
    """Actions that an operator can request.

    Examples
    --------
    >>> from gatekeeper import Action
    >>> Action("hold") is Action.HOLD
    True
    """

    ARM = "arm"
    DISARM = "disarm"
    HOLD = "hold"
    RELEASE = "release"
    RESET = "reset"
    REBASE = "rebase"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Command:
    """A command of an operator.

    Attributes
    ----------
    action : Action
        Arm or disarm the gate, hold the beam or release that hold, reset faults, move envelope and baseline to the
        target's present resting position (rebase), or track from a frame of the session as reference.
    operator : str
        Name of the operator.
    time_s : float
        Session time in seconds.
    shift_mm : tuple of float
        For rebase only: displacement of the envelope along rows and columns, in mm.
    sequence : int
        For reference only: number of the frame; -1 for none, with which a reference is refused.

    Raises
    ------
    InputError
        When the name is empty, the time is not finite, or a shift or a frame is given for another action.

    Examples
    --------
    >>> from gatekeeper import Action, Command
    >>> Command(Action.REBASE, "kim", time_s=42.0, shift_mm=(1.5, 0.0)).shift_mm
    (1.5, 0.0)
    """

    action: Action
    operator: str
    time_s: float
    shift_mm: tuple[float, float] = (0.0, 0.0)
    sequence: int = -1

    def __post_init__(self) -> None:
        if not self.operator.strip():
            raise InputError(f"command {self.action}: operator is {self.operator!r}; give the operator's name")
        if not math.isfinite(self.time_s):
            raise InputError(f"command {self.action}: time is {self.time_s} s; give the session time")
        if self.action is not Action.REBASE and self.shift_mm != (0.0, 0.0):
            raise InputError(f"command {self.action}: has a shift of {self.shift_mm} mm; only a rebase moves anything")
        if self.action is not Action.REFERENCE and self.sequence != -1:
            raise InputError(f"command {self.action}: has frame {self.sequence}; only a reference names one")


@dataclass(frozen=True, slots=True)
class Event:
    """The outcome of a command, for the journal.

    Attributes
    ----------
    command : Command
        The command; repeated at the same point between frames, it leads to the same decisions.
    accepted : bool
        False when it was refused.
    note : str
        One line: what was done, or why it was refused.
    decision : Decision or None
        The HOLD that is sent to the linac at once; None when the beam stays on. A command never switches the beam on.
    """

    command: Command
    accepted: bool
    note: str
    decision: Decision | None
