"""Plain: a line for every change of beam or phase, and one now and then, where standard output is no terminal."""

from gatekeeper.display.terminal.history import Seen
from gatekeeper.display.terminal.screen import clock, figure
from gatekeeper.display.terminal.snapshot import Message, Said, Snapshot

EVERY_S = 10.0
"""A line is written at least this often, in seconds of session time."""


class Plain:
    """Turns messages into lines."""

    def __init__(self) -> None:
        self._seen = Seen()
        self._written: Snapshot | None = None

    def lines(self, message: Message) -> list[str]:
        """Take one message in, and return the lines that it is worth."""
        self._seen.take(message)
        if isinstance(message, Said):
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
    """Return a session in one line."""
    return (
        f"{clock(now.time_s)}  {now.phase:9} {now.state:4}  {','.join(now.reasons) or '-'}  "
        f"{figure(now.frame_rate, 1)}/s  age {figure(now.age_ms)} ms  outside {figure(now.outside_percent, 1)} %  "
        f"confidence {figure(now.confidence, 2)}  p99 {figure(now.p99_ms, 2)} ms  duty {100.0 * now.duty_cycle:.1f} %  "
        f"lost {now.lost}  skipped {now.skipped}  not kept {now.dropped}  link {'alive' if now.link_alive else 'LOST'}"
    )
