"""Compare a session with the interlock's own log: when the beam was on by both, to the millisecond.

The journal notes every few seconds which session of the lease protocol is open and how far the interlock's clock is
ahead of the session's. Between these notes the difference is interpolated.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gatekeeper.core.command import Action
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.json_values import measured, parsed
from gatekeeper.core.session_counts import ALLOWED
from gatekeeper.session.controller import INTERLOCK
from gatekeeper.session.phases import Phase
from replay.formats.session import Entry

LISTED_S = 0.001
"""Shortest difference that is listed, in s."""
MOST_LISTED = 20
"""At most this many differences are listed, the longest first; all are counted."""
HOLDING = frozenset({Action.HOLD.value, Action.DISARM.value})
"""Commands that hold the beam."""
LONGEST_LINE = 1 << 16


class Span(NamedTuple):
    """Time with the beam on, in session time.

    Attributes
    ----------
    from_s, until_s : float
        Begin and end in s.
    words : str
        Which frame or lease, and how it ended.
    """

    from_s: float
    until_s: float
    words: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The beam by the journal and by the interlock.

    Attributes
    ----------
    recorded_s, measured_s : float
        Time with the beam on by the journal and by the interlock, in s.
    lines : list of str
        The comparison in words: totals, then the longest differences.
    finding : str or None
        Beam-on at the interlock that no recorded lease can have allowed.
    """

    recorded_s: float
    measured_s: float
    lines: list[str]
    finding: str | None


def compare_with_interlock(path: Path, entries: Sequence[Entry], lifetime_s: float, fresh_s: float) -> Comparison:
    """Compare the journal of a session with the log of its interlock.

    Parameters
    ----------
    path : Path
        Output of ``gatekeeper interlock --json``.
    entries : sequence of dict
        Lines of the journal.
    lifetime_s : float
        Longest lifetime of a lease, in s.
    fresh_s : float
        Longest time after a decision for which its lease is renewed, in s.

    Returns
    -------
    Comparison

    Raises
    ------
    RecordingError
        When the log cannot be read, or the journal names no session at an interlock.
    """
    notes = [entry for entry in entries if entry["kind"] == "event" and entry["event"] == INTERLOCK]
    if not notes:
        raise RecordingError(f"{path}: the journal names no session at an interlock; it cannot be compared")
    clocks = _clocks(notes)
    at_interlock = _interlock_spans(path, clocks)
    recorded = recorded_spans(entries, fresh_s)
    more = _without(at_interlock, recorded)
    less = _without(recorded, at_interlock)
    beyond = _without(at_interlock, [Span(one.from_s, one.until_s + lifetime_s, "") for one in recorded])
    worst = max(beyond, key=_length, default=None)
    rtt_ms = max(float(note["values"]["rtt_ms"]) for note in notes)
    totals = _total(recorded), _total(at_interlock)
    both = f"beam on for {totals[0]:.3f} s by the journal, {totals[1]:.3f} s at the interlock"
    lines = [f"{both}; clocks within {rtt_ms / 2:.3f} ms"]
    listed = [(one, "at the interlock only") for one in more] + [(one, "in the journal only") for one in less]
    listed = sorted(
        (pair for pair in listed if round(_length(pair[0]), 6) >= LISTED_S), key=lambda pair: -_length(pair[0])
    )
    for one, where in listed[:MOST_LISTED]:
        lines.append(f"{one.from_s:.3f} s: on for {1e3 * _length(one):.0f} ms {where}, {one.words}")
    lines += [f"and {len(listed) - MOST_LISTED} shorter differences"] if len(listed) > MOST_LISTED else []
    finding = None
    if worst is not None and _length(worst) >= LISTED_S + rtt_ms * 1e-3:
        finding = (
            f"{path.name}: the beam was on at {worst.from_s:.3f} s for {1e3 * _length(worst):.0f} ms that no recorded "
            "decision allowed"
        )
    return Comparison(*totals, lines, finding)


def recorded_spans(entries: Iterable[Entry], fresh_s: float) -> list[Span]:
    """Return the time with the beam on by the journal, each decision no further than its leases allowed.

    The last decision lasts until the event after which the beam is held, and no longer than `fresh_s`.
    """
    spans: list[Span] = []
    since: Entry | None = None
    ended_s: float | None = None
    for entry in entries:
        if entry["kind"] == "event" and ended_s is None and _holds(entry):
            ended_s = measured(entry["time_s"])
        if entry["kind"] not in ("frame", "silence"):
            continue
        ended_s = None
        now_s = measured(entry["decided_s"])
        if since is not None:
            from_s = measured(since["decided_s"])
            # The permission of a decision may end before the next; where in between is not known better.
            until_s = min(now_s, from_s + measured(entry[ALLOWED])) if entry.get(ALLOWED) is not None else now_s
            if until_s > from_s and spans and spans[-1].until_s == from_s:
                spans[-1] = spans[-1]._replace(until_s=until_s)
            elif until_s > from_s:
                spans.append(Span(from_s, until_s, f"from frame {since['sequence']}"))
        since = entry if entry["state"] == "ON" else None
    if since is not None:
        from_s = measured(since["decided_s"])
        until_s = from_s + fresh_s if ended_s is None else min(max(from_s, ended_s), from_s + fresh_s)
        spans.append(Span(from_s, until_s, f"from frame {since['sequence']}"))
    return spans


def _holds(event: Entry) -> bool:
    """Return whether the beam is held from an event on."""
    return event["event"] in HOLDING or event["values"].get("phase") == Phase.ENDED


def _clocks(notes: Sequence[Entry]) -> dict[str, tuple[list[float], list[float]]]:
    """Return for each session at the interlock its clock's times, and how far it was ahead then."""
    clocks: dict[str, tuple[list[float], list[float]]] = {}
    for note in notes:
        times_s, ahead_s = clocks.setdefault(str(note["values"]["session"]), ([], []))
        ahead_s.append(float(note["values"]["clock_s"]))
        times_s.append(float(note["time_s"]) + ahead_s[-1])
    return clocks


def _interlock_spans(path: Path, clocks: Mapping[str, tuple[list[float], list[float]]]) -> list[Span]:
    """Return the time with the beam on at the interlock, in the sessions of this journal."""
    spans: list[Span] = []
    begun: tuple[float, tuple[list[float], list[float]], Any] | None = None
    for line in _log(path):
        if line.get("event") != "state":
            continue
        time_s, session = float(line["time_s"]), line.get("session")
        if line["state"] == "ON":
            clock = clocks.get(str(session))
            begun = None if clock is None else (time_s, clock, line["sequence"])
        elif begun is not None:
            from_s, clock, frame = begun
            words = f"frames {frame} to {line['sequence']}, ended by {line['reason']}"
            spans.append(Span(_session_s(from_s, clock), _session_s(time_s, clock), words))
            begun = None
    return spans


def _session_s(time_s: float, clock: tuple[list[float], list[float]]) -> float:
    return time_s - float(np.interp(time_s, *clock))


def _log(path: Path) -> Iterable[dict[str, Any]]:
    """Yield the events of a log.

    Raises
    ------
    RecordingError
        When it cannot be read, or is not the output of an interlock.
    """
    number = 0
    try:
        with path.open("rb") as file:
            while raw := file.readline(LONGEST_LINE):
                number += 1
                line = parsed(raw)
                if not isinstance(line, dict) or not {"event", "time_s", "state", "reason", "sequence"} <= line.keys():
                    raise ValueError("it is not an event of an interlock")
                if line.get("lines_lost"):
                    raise ValueError(f"{line['lines_lost']} lines were lost when it was written")
                float(line["time_s"])
                yield line
    except OSError as error:
        raise RecordingError(
            f"{path}: cannot be read ({error.strerror or error}); name the log of an interlock"
        ) from None
    except (ValueError, TypeError) as error:
        raise RecordingError(
            f"{path}, line {number}: {error}; name the output of `gatekeeper interlock --json`"
        ) from None


def _without(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return what of `spans` no other span covers; both are in order, and the others may overlap."""
    left = []
    for span in spans:
        at_s = span.from_s
        for other in others:
            if other.until_s <= at_s:
                continue
            if other.from_s >= span.until_s:
                break
            if other.from_s > at_s:
                left.append(Span(at_s, other.from_s, span.words))
            at_s = max(at_s, other.until_s)
        if at_s < span.until_s:
            left.append(Span(at_s, span.until_s, span.words))
    return left


def _length(span: Span) -> float:
    return span.until_s - span.from_s


def _total(spans: Iterable[Span]) -> float:
    return sum(map(_length, spans))
