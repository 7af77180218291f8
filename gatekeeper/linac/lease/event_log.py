"""The output of the interlock: one line per event, as text or JSON."""

import json
import os
import select

from gatekeeper.linac.lease.interlock import Event, EventKind
from gatekeeper.linac.lease.messages import Refusal, session_words

REFUSALS = tuple(refusal.word for refusal in Refusal)
SILENT = frozenset({EventKind.GRANTED})
"""Events that occur with every lease and are only counted."""


class EventLog:
    """Write events as lines; a reader that stalls loses lines and never delays the interlock.

    Parameters
    ----------
    as_json : bool
        Whether each line is a JSON object.
    descriptor : int
        File descriptor to write to.

    Attributes
    ----------
    lost : int
        Number of lines lost because they were not read in time.
    """

    def __init__(self, as_json: bool, descriptor: int = 1) -> None:
        self._as_json = as_json
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self.lost = 0

    def __call__(self, event: Event) -> None:
        """Write one event."""
        if event.kind not in SILENT:
            line = self._json(event) if self._as_json else self._words(event)
            self._write(line.encode() + b"\n")

    def _write(self, line: bytes) -> None:
        """Write a line if it can be written at once; a pipe takes lines shorter than a page entirely or not at all."""
        try:
            writable = any(flags & select.POLLOUT for _, flags in self._poll.poll(0))
            if not writable or os.write(self._descriptor, line) != len(line):
                self.lost += 1
        except OSError:
            self.lost += 1

    def _json(self, event: Event) -> str:
        """Return an event as one JSON object."""
        state = event.state
        return json.dumps(
            {
                "event": event.kind,
                "time_s": event.time_ns * 1e-9,
                "state": state.beam,
                "reason": state.cause,
                "sequence": state.frame,
                "lease": state.number,
                "session": None if state.peer is None else session_words(state.peer.session),
                "refused": None if event.refusal is None else event.refusal.word,
                "granted": event.counts.get(EventKind.GRANTED, 0),
                "refusals": {word: event.counts[word] for word in REFUSALS if event.counts.get(word, 0)},
                "listen": event.address,
                "lines_lost": self.lost,
            }
        )

    def _words(self, event: Event) -> str:
        """Return an event as a line of text."""
        state = event.state
        details = {
            EventKind.LISTENING: f"listening on {event.address}",
            EventKind.BEAM: "of the simulated machine",
            EventKind.STATE: f"reason {state.cause}, frame {state.frame}, lease {state.number}",
            EventKind.REFUSED: ""
            if event.refusal is None
            else f"{event.refusal.word}, number {event.counts['refused']}",
            EventKind.STOPPED: self._totals(event),
        }
        return (
            f"{event.time_ns * 1e-9:14.6f} s  {state.beam:4}  {event.kind:12}  {details.get(event.kind, '')}".rstrip()
        )

    def _totals(self, event: Event) -> str:
        """Return all counts in one line."""
        counted = [f"{event.counts[word]} {word}" for word in REFUSALS if event.counts.get(word, 0)]
        return ", ".join([f"{event.counts.get(EventKind.GRANTED, 0)} leases granted", *counted])
