"""Write a session as plain lines, for output that is not a terminal."""

import math

from gatekeeper.display.terminal.history import History
from gatekeeper.display.terminal.numbers import figure
from gatekeeper.display.terminal.screen import clock
from gatekeeper.display.terminal.snapshot import LogLine, Message, Snapshot

EVERY_S = 10.0
"""Longest time between two lines, in seconds of session time."""


class Plain:
    """Converter of messages to plain lines, for output that is not a terminal."""

    def __init__(self) -> None:
        self._history = History()
        self._written: Snapshot | None = None

    def lines(self, message: Message) -> list[str]:
        """Return the lines to write for a message.

        Parameters
        ----------
        message : Message
            The next message from the session.

        Returns
        -------
        list of str
            A line for each log line, each change of phase, beam state or reasons, and at least every `EVERY_S`.
        """
        self._history.add(message)
        if isinstance(message, LogLine):
            return [f"{clock(message.time_s)}  {message.line}"]
        last = self._written
        if not isinstance(message, Snapshot):
            return []
        changed = last is None or (message.phase, message.state, message.reasons) != (
            last.phase,
            last.state,
            last.reasons,
        )
        if last is not None and not changed and message.time_s - last.time_s < EVERY_S:
            return []
        self._written = message
        return [line_of(message)]


def line_of(now: Snapshot) -> str:
    """Return a snapshot as one line.

    Parameters
    ----------
    now : Snapshot
        The snapshot.

    Returns
    -------
    str
        With units, without a line break.
    """
    return (
        f"{clock(now.time_s)}  {now.phase:9} {now.state:4}  {','.join(now.reasons) or '-'}{_by(now)}  "
        f"{figure(now.frame_rate, 1)}/s  age {figure(now.age_ms)} ms  outside {figure(now.outside_percent, 1)} %  "
        f"confidence {figure(now.confidence, 2)}  p99 {figure(now.p99_ms, 2)} ms  duty {100.0 * now.duty_cycle:.1f} %  "
        f"{_risk(now)}missing {now.lost}  skipped {now.skipped}  not recorded {now.dropped}  "
        f"link {'alive' if now.link_alive else 'LOST'}"
    )


def _risk(now: Snapshot) -> str:
    """Return the share with the beam on while outside, where it is limited."""
    if math.isnan(now.risk_limit):
        return ""
    return f"risk {figure(now.risk_percent, 2)} of {now.risk_limit:g} %  "


def _by(now: Snapshot) -> str:
    """Return the names of the structures that hold."""
    names = [one.name for one in now.structures if one.reasons]
    return f" by {', '.join(names)}" if names else ""
