"""Keep the history of a session that the terminal display shows beside the newest snapshot."""

import math
from collections import deque

from gatekeeper.core.decision import BeamState
from gatekeeper.display.terminal.braille_trace import Point
from gatekeeper.display.terminal.snapshot import LogLine, Message, SessionInfo, Sheet, Snapshot, Typing

MOST_POINTS = 4000
MOST_LINES = 50


class History:
    """Session data collected from messages.

    Attributes
    ----------
    info : SessionInfo
        Constants of the session.
    now : Snapshot
        The newest snapshot.
    since_s : float
        Session time of the first snapshot with the current beam state, in seconds.
    points : deque of Point
        Displacement of the target from its first tracked position, and the beam state; oldest first.
    log : deque of LogLine
        The last lines of the event log.
    typing : str
        The input line of the operator.
    sheet : Sheet or None
        Lines that the operator has asked for, until the next key.
    """

    def __init__(self) -> None:
        self.info = SessionInfo("", "", "", math.nan, math.nan, 5.0)
        self.now = Snapshot()
        self.since_s = 0.0
        self.points: deque[Point] = deque(maxlen=MOST_POINTS)
        self.log: deque[LogLine] = deque(maxlen=MOST_LINES)
        self.typing = ""
        self.sheet: Sheet | None = None
        self._asked = False
        self._first_mm: float | None = None

    def add(self, message: Message) -> None:
        """Add a message.

        Parameters
        ----------
        message : Message
            The next message from the session.
        """
        match message:
            case Snapshot():
                self._add_snapshot(message)
            case LogLine():
                self.log.append(message)
            case Typing():
                self.typing = message.text
                # The line with which the sheet was asked for is told once more, and empty, after the sheet.
                self.sheet, self._asked = (self.sheet if self._asked else None), False
            case Sheet():
                self.sheet, self._asked = message, True
            case SessionInfo():
                self.info = message

    def _add_snapshot(self, now: Snapshot) -> None:
        before, self.now = self.now, now
        if now.state != before.state:
            self.since_s = now.time_s
        if now.time_s == before.time_s:
            return
        if self._first_mm is None and now.confidence > 0.0 and math.isfinite(now.row_mm):
            self._first_mm = now.row_mm
        found = self._first_mm is not None and now.confidence > 0.0
        row_mm = now.row_mm - self._first_mm if found and self._first_mm is not None else math.nan
        self.points.append(Point(now.time_s, row_mm, now.state == BeamState.ON))
