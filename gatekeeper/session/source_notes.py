"""What a source does not use, told to the operators, and kept with the record."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from gatekeeper.core.clock import Clock
from gatekeeper.session.status import SessionStatus
from gatekeeper.sources.statistics import SourceCounts

EVENT = "source"
"""The journal's event for what a source does not use."""
LOOK_S = 0.5
"""Time between two looks at the counts of the source, in s of session time."""
WORDS = {
    "refused": "refused connections",
    "unfit": "images that are no frame",
    "noted": "images that contradict themselves",
    "broken": "messages that ended their connection",
}
"""What is told, and in which words."""

Event = Callable[[str, float, Mapping[str, object]], None]


@runtime_checkable
class HasCounts(Protocol):
    """A source that counts what it does not use."""

    @property
    def counts(self) -> SourceCounts:
        """Counts so far; may be read from any thread."""
        ...


class SourceNotes:
    """Tell when a source has refused or left out something: the first time, and each time its number has doubled.

    Parameters
    ----------
    source : object
        The source; nothing is told of one that does not count.
    status : SessionStatus
        Where lines for the operators go.
    clock : Clock
        Session time.

    Attributes
    ----------
    events : list of tuple
        Events that were not given to a journal yet: name, session time in s, and values.
    """

    def __init__(self, source: object, status: SessionStatus, clock: Clock) -> None:
        self._source = source if isinstance(source, HasCounts) else None
        self._status, self._clock = status, clock
        self._told: dict[tuple[str, str], int] = {}
        self._due_s = clock.now_s()
        self.events: list[tuple[str, float, Mapping[str, object]]] = []

    def look(self) -> None:
        """Look at the counts when it is time, and tell what is new; called on the loop's thread."""
        now_s = self._clock.now_s()
        if self._source is None or now_s < self._due_s:
            return
        self._due_s = now_s + LOOK_S
        counts = self._source.counts
        for where, words in WORDS.items():
            kinds: Mapping[str, int] = getattr(counts, where)
            for kind, count in kinds.items():
                if count < 2 * self._told.get((where, kind), 0) or count == 0:
                    continue
                self._told[where, kind] = count
                note = counts.details.get(f"{where} {kind}", "")
                self._status.add_line(now_s, f"source: {count} {words} ({kind}): {note}")
                self.events.append((EVENT, now_s, {"what": where, "kind": kind, "count": count, "note": note}))

    def journal(self, event: Event) -> None:
        """Give the events to a journal."""
        events, self.events = self.events, []
        for one in events:
            event(*one)

    def as_json(self) -> dict[str, object] | None:
        """Return what was not used so far as JSON values, the count and the newest note of each kind."""
        if self._source is None:
            return None
        counts = self._source.counts
        found: dict[str, object] = {"connections": counts.connections, "frames": counts.frames}
        for where in WORDS:
            kinds: Mapping[str, int] = getattr(counts, where)
            found[where] = {
                kind: {"count": count, "note": counts.details.get(f"{where} {kind}", "")}
                for kind, count in kinds.items()
            }
        return found
