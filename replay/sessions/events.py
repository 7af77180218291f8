"""What happened between two frames of a recorded session, done again at the same place."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.command import Action, Command
from gatekeeper.core.errors import InputError, RecordingError
from gatekeeper.session.arming import Armed
from gatekeeper.session.loop import TRACKER_FAILED

LEARNED = "learned"
TOLD_ONLY = frozenset({"phase", "refused", "drawing", "target", TRACKER_FAILED})
"""Events after which everything is as before."""

Gathered = Callable[[Mapping[str, Any]], list[NDArray[np.float32]]]
"""Returns the frames that were learned from when an event says so."""


def apply_events(armed: Armed, event: Mapping[str, Any], gathered: Gathered, time_s: float | None = None) -> None:
    """Do again what an operator did, and learn again what was learned.

    Parameters
    ----------
    armed : Armed
        On what.
    event : mapping
        The line of the journal.
    gathered : callable
        Finds the frames to learn from.
    time_s : float, optional
        Session time in seconds; by default that of the event.

    Raises
    ------
    RecordingError
        When it is nothing that this version knows, or frames to learn from are missing.
    """
    if event["event"] == LEARNED:
        _learn(armed, event, gathered)
    elif event["event"] not in TOLD_ONLY:
        armed.engine.command(command_of(event, time_s))


def command_of(event: Mapping[str, Any], time_s: float | None = None) -> Command:
    """Return what an operator asked for, from the journal's line about it.

    Raises
    ------
    RecordingError
        When it is nothing that this version knows.
    """
    values, name = event["values"], event["event"]
    try:
        row_mm, col_mm = values.get("shift_mm", (0.0, 0.0))
        now_s = float(event["time_s"]) if time_s is None else time_s
        return Command(Action(name), str(values.get("operator")), now_s, (float(row_mm), float(col_mm)))
    except (ValueError, TypeError, InputError) as error:
        raise RecordingError(f"event {name!r} at {event['time_s']} s: is not known to this version ({error})") from None


def _learn(armed: Armed, event: Mapping[str, Any], gathered: Gathered) -> None:
    try:
        armed.adopt(armed.learn(gathered(event)))
    except ValueError as error:
        raise RecordingError(f"event 'learned' at {event['time_s']} s: cannot be done again ({error})") from None
