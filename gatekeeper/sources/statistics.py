"""Counts: what a live source has taken, left and refused so far."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

LONGEST_NOTE = 300
"""A note is cut after this many characters: a stranger may have written part of it."""


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """What a live source has seen so far.

    Attributes
    ----------
    connections : int
        Senders that were let in.
    frames : int
        Images that became frames.
    dropped : int
        Frames that were dropped because nobody took them.
    refused : mapping of str to int
        Connections that were turned away, by why.
    ignored : mapping of str to int
        Sound messages that are nothing to this source, by kind.
    unfit : mapping of str to int
        Sound images that are no frame of a sagittal cine, by what they lack.
    broken : mapping of str to int
        Messages that ended their connection, by what was wrong.
    notes : mapping of str to str
        The last thing that was said in words, by where: "refused", "ignored", "unfit" or "broken".
    """

    connections: int = 0
    frames: int = 0
    dropped: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    unfit: Mapping[str, int] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


class SourceStatistics:
    """Counts for one source from any thread. Kinds must be words of ours, so that there are never many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections = 0
        self._frames = 0
        self._kinds: dict[str, Counter[str]] = {where: Counter() for where in ("refused", "ignored", "unfit", "broken")}
        self._notes: dict[str, str] = {}

    def connection(self) -> None:
        """Count a sender that was let in."""
        with self._lock:
            self._connections += 1

    def frame(self) -> None:
        """Count an image that became a frame."""
        with self._lock:
            self._frames += 1

    def add(self, where: str, kind: str, note: str = "") -> None:
        """Count one of a kind.

        Parameters
        ----------
        where : str
            "refused", "ignored", "unfit" or "broken".
        kind : str
            Which of these.
        note : str
            More about it in words; the last one is kept.
        """
        with self._lock:
            self._kinds[where][kind] += 1
            if note:
                # A terminal that shows it must not take part of it for orders.
                line = "".join(letter if letter.isprintable() else " " for letter in note[:LONGEST_NOTE])
                self._notes[where] = line

    def count_connection(self, what: str, more: str) -> None:
        """Count what a `gatekeeper.wire.listener.Listener` tells of."""
        if what == "connection":
            self.connection()
        elif what == "failed":
            self.add("broken", "failed", more)
        else:
            self.add("refused", more)

    def counts(self, dropped: int = 0) -> SourceCounts:
        """Return the numbers so far, which change no more."""
        with self._lock:
            kinds = {where: MappingProxyType(dict(counter)) for where, counter in self._kinds.items()}
            notes = MappingProxyType(dict(self._notes))
            return SourceCounts(self._connections, self._frames, dropped, **kinds, notes=notes)
