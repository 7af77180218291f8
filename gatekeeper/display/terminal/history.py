"""Seen: what the display remembers of a session, since snapshots only say how it is now."""

import math
from collections import deque

from gatekeeper.core.decision import BeamState
from gatekeeper.display.terminal.braille_trace import Point
from gatekeeper.display.terminal.snapshot import LogLine, Message, SessionInfo, Snapshot, Typing

MOST_POINTS = 4000
MOST_LINES = 50


class History:
    """Takes messages in as they come.

    Attributes
    ----------
    facts : SessionInfo
        What stays the same.
    now : Snapshot
        The newest snapshot.
    since_s : float
        Session time since which the beam is as it is, as far as snapshots tell.
    points : deque of Point
        The movement so far, from the first place where the target was seen.
    said : deque of LogLine
        The last lines.
    typing : str
        What is being typed.
    """

    def __init__(self) -> None:
        self.facts = SessionInfo("", "", "", math.nan, math.nan, 5.0)
        self.now = Snapshot()
        self.since_s = 0.0
        self.points: deque[Point] = deque(maxlen=MOST_POINTS)
        self.said: deque[LogLine] = deque(maxlen=MOST_LINES)
        self.typing = ""
        self._first_mm: float | None = None

    def take(self, message: Message) -> None:
        """Take one message in."""
        match message:
            case Snapshot():
                self._take(message)
            case LogLine():
                self.said.append(message)
            case Typing():
                self.typing = message.text
            case SessionInfo():
                self.facts = message

    def _take(self, now: Snapshot) -> None:
        before, self.now = self.now, now
        if now.state != before.state:
            self.since_s = now.time_s
        if now.time_s == before.time_s:
            return
        if self._first_mm is None and now.confidence > 0.0 and math.isfinite(now.row_mm):
            self._first_mm = now.row_mm
        found = self._first_mm is not None and now.confidence > 0.0
        si_mm = now.row_mm - self._first_mm if found and self._first_mm is not None else math.nan
        self.points.append(Point(now.time_s, si_mm, now.state == BeamState.ON))
