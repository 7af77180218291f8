"""Apply the events of a recorded session again, at the same position between two frames."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.command import Action, Command
from gatekeeper.core.errors import InputError, RecordingError
from gatekeeper.core.phrases import MESSAGE
from gatekeeper.core.workflow import MARK
from gatekeeper.session.arming import Armed
from gatekeeper.session.chain_latency import LATENCY
from gatekeeper.session.controller import CONFIRMED, CONNECTION, INTERLOCK, WARNING
from gatekeeper.session.hold_rows import BREATH_HOLD
from gatekeeper.session.loop import TRACKER_FAILED

LEARNED = "learned"
NOTICES = frozenset(
    {
        *("phase", "refused", "drawing", "target", CONFIRMED, CONNECTION, INTERLOCK, MARK, MESSAGE, WARNING),
        *(TRACKER_FAILED, BREATH_HOLD),
    }
)
"""Events that change neither tracker nor gate."""

Gathered = Callable[[Mapping[str, Any]], list[NDArray[np.float32]]]
"""Returns the frames that the tracker learned from at an event."""


def apply_events(armed: Armed, event: Mapping[str, Any], gathered: Gathered, time_s: float | None = None) -> None:
    """Apply an operator's command, or learn again, as an event of the journal says.

    Parameters
    ----------
    armed : Armed
        The session to change; see `keep_references`.
    event : mapping
        Entry of the journal.
    gathered : callable
        Returns the frames to learn from.
    time_s : float, optional
        Session time in seconds; by default that of the event.

    Raises
    ------
    RecordingError
        When the event is unknown to this version, or frames to learn from are missing.
    """
    if event["event"] == LEARNED:
        _learn(armed, event, gathered)
    elif event["event"] == LATENCY:
        armed.engine.use_latency(latency_of(event))
    elif event["event"] not in NOTICES:
        command = command_of(event, time_s)
        if armed.engine.command(command).accepted and command.action is Action.REFERENCE:
            _use_reference(armed, command.sequence)


def keep_references(armed: Armed, events: Iterable[Mapping[str, Any]]) -> None:
    """Let the engine keep the frames that operators have made the reference, until the events that say so.

    Parameters
    ----------
    armed : Armed
        The session, before its first frame.
    events : iterable of mapping
        Entries of the journal.
    """
    for event in events:
        if event.get("event") == Action.REFERENCE:
            armed.engine.keep(command_of(event).sequence)


def command_of(event: Mapping[str, Any], time_s: float | None = None) -> Command:
    """Return the operator's command of an event in the journal.

    Parameters
    ----------
    event : mapping
        Entry of the journal.
    time_s : float, optional
        Session time in seconds; by default that of the event.

    Returns
    -------
    Command

    Raises
    ------
    RecordingError
        When the event is unknown to this version.
    """
    values, name = event["values"], event["event"]
    try:
        row_mm, col_mm = values.get("shift_mm", (0.0, 0.0))
        now_s = float(event["time_s"]) if time_s is None else time_s
        shift_mm, sequence = (float(row_mm), float(col_mm)), int(values.get("sequence", -1))
        return Command(Action(name), str(values.get("operator")), now_s, shift_mm, sequence)
    except (ValueError, TypeError, InputError) as error:
        raise RecordingError(f"event {name!r} at {event['time_s']} s: is not known to this version ({error})") from None


def latency_of(event: Mapping[str, Any]) -> float:
    """Return the latency in s that a prediction uses from an event on.

    Raises
    ------
    RecordingError
        When the event does not tell it.
    """
    try:
        return float(event["values"]["used_s"])
    except (KeyError, TypeError, ValueError):
        raise RecordingError(f"event {LATENCY!r} at {event['time_s']} s: tells no latency that could be used") from None


def _use_reference(armed: Armed, sequence: int) -> None:
    taken = armed.engine.kept(sequence)
    if taken is None:
        raise RecordingError(
            f"frame {sequence}: was made the reference, but is not there or was not tracked; no decision after that "
            "can be made again"
        )
    armed.use_reference(taken, armed.tracker_on(taken))


def _learn(armed: Armed, event: Mapping[str, Any], gathered: Gathered) -> None:
    try:
        armed.adopt(armed.learn(gathered(event)))
    except ValueError as error:
        raise RecordingError(f"event 'learned' at {event['time_s']} s: cannot be done again ({error})") from None
