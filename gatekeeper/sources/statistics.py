"""Statistics of a live source: connections, frames, and messages that were not used."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gatekeeper.core.clock import monotonic_ns
from gatekeeper.core.printable import printable

_KINDS = ("refused", "ignored", "unfit", "noted", "broken")
LONGEST_NOTE = 300
"""Longest note, in characters, because a sender may have written part of it."""
REFUSALS = {
    "address": "may not connect; add it to allow if it is a sender",
    "silent": "has not greeted in time; is it a sender of this protocol?",
    "crowded": "has too many connections that do not greet",
    "busy": "another sender has the place",
    "unreachable": "does not answer; start the sender",
}
"""What the note of a refused connection says, by reason."""


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """Counts of a live source.

    Attributes
    ----------
    connections : int
        Accepted connections.
    frames : int
        Images that became frames.
    dropped : int
        Frames that were dropped because they were not taken in time.
    refused : mapping of str to int
        Refused connections, by reason.
    ignored : mapping of str to int
        Valid messages that the source does not use, by kind.
    unfit : mapping of str to int
        Valid images that are no frames of the session, by reason.
    noted : mapping of str to int
        Images that contradict themselves and became frames nevertheless, by what they contradict.
    broken : mapping of str to int
        Messages that ended their connection, by reason.
    notes : mapping of str to str
        The last detail of each: "refused", "ignored", "unfit", "noted" or "broken".
    details : mapping of str to str
        The last detail of each kind, by both words, for example "unfit channels".
    """

    connections: int = 0
    frames: int = 0
    dropped: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    unfit: Mapping[str, int] = field(default_factory=dict)
    noted: Mapping[str, int] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)


class SourceStatistics:
    """Count the events of one source from any thread. Kinds must be constants, so that their number stays small."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections = 0
        self._frames = 0
        self._frame_ns = 0
        self._kinds: dict[str, Counter[str]] = {where: Counter() for where in _KINDS}
        self._notes: dict[str, str] = {}
        self._details: dict[str, str] = {}

    def connection(self) -> None:
        """Count an accepted connection."""
        with self._lock:
            self._connections += 1

    def frame(self) -> None:
        """Count an image that became a frame."""
        with self._lock:
            self._frames += 1
            self._frame_ns = monotonic_ns()

    @property
    def frame_ns(self) -> int:
        """Time of the newest frame, in ns of the monotonic clock; 0 before the first."""
        return self._frame_ns

    def add(self, where: str, kind: str, note: str = "") -> None:
        """Count one event.

        Parameters
        ----------
        where : str
            "refused", "ignored", "unfit", "noted" or "broken".
        kind : str
            Which of these.
        note : str
            Details; the last one is kept.
        """
        with self._lock:
            self._kinds[where][kind] += 1
            if note:
                self._notes[where] = self._details[f"{where} {kind}"] = printable(note, LONGEST_NOTE)

    def count_connection(self, what: str, more: str, peer: str) -> None:
        """Count an event that a `gatekeeper.wire.listener.Listener` reports."""
        if what == "connection":
            self.connection()
        elif what == "failed":
            self.add("broken", "failed", f"{peer}: {more}")
        else:
            self.add("refused", more, f"{peer}: {REFUSALS[more]}")

    def counts(self, dropped: int = 0) -> SourceCounts:
        """Return an immutable copy of the counts."""
        with self._lock:
            kinds = {where: MappingProxyType(dict(counter)) for where, counter in self._kinds.items()}
            notes = MappingProxyType(dict(self._notes))
            details = MappingProxyType(dict(self._details))
            return SourceCounts(self._connections, self._frames, dropped, **kinds, notes=notes, details=details)
