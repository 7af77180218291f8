"""Repeat the decisions of a recorded session, frame by frame, at their recorded times."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gatekeeper.core.decision import Reason
from gatekeeper.core.json_values import measured
from gatekeeper.core.step import Step
from gatekeeper.session.arming import Armed
from gatekeeper.session.engine import Engine
from replay.formats.session import Entry, RecordedSession
from replay.sessions.events import apply_events, keep_references


@dataclass(frozen=True, slots=True, eq=False)
class Redone:
    """One entry of the journal with its repeated decision.

    Attributes
    ----------
    line : int
        Line number in the journal; the header is line 0.
    entry : dict
        The entry.
    step : Step or None
        The repeated step; None for an event, and for a decision on a frame that was not recorded.
    """

    line: int
    entry: Entry
    step: Step | None = None


WATCHED = (Reason.WATCHDOG_LOST,)
"""Faults of what a session needs besides, which no frame shows."""


def latch_again(engine: Engine, entry: Entry) -> None:
    """Latch the faults of a decision that neither its frame nor its time shows."""
    for fault in WATCHED:
        if fault in entry["reasons"]:
            engine.latch(fault)


def circumstances(entry: Entry) -> tuple[float, bool]:
    """Return the session time of a decision in s, and whether the link to the linac was alive."""
    return measured(entry["decided_s"]), Reason.LINK_LOST not in entry["reasons"]


def redo(
    session: RecordedSession, armed: Armed, on_changed: Callable[[int, Entry], None] = lambda *_: None
) -> Iterator[Redone]:
    """Repeat the entries of a journal, with an engine in the state at the begin of the session.

    It ends at the first decision on a frame that was not recorded, since later ones depend on it.

    Parameters
    ----------
    session : RecordedSession
        The session.
    armed : Armed
        The session, armed again; events are applied to it.
    on_changed : callable, optional
        Called with line number and entry of each frame that differs from its hash in the journal.

    Yields
    ------
    Redone
        Each entry, in order.

    Raises
    ------
    GatekeeperError
        When a frame cannot be read, or an event is unknown.
    """
    keep_references(armed, session.entries)
    for line, entry in enumerate(session.entries, start=1):
        kind = entry["kind"]
        if kind == "event":
            apply_events(armed, entry, session.gathered)
            yield Redone(line, entry)
        elif kind == "silence":
            latch_again(armed.engine, entry)
            now_s, link_alive = circumstances(entry)
            yield Redone(line, entry, armed.engine.silence(now_s, link_alive=link_alive))
        elif kind == "frame":
            if entry["frame_row"] is None or int(entry["frame_row"]) >= len(session.frames):
                yield Redone(line, entry)
                return
            frame, frame_hash = session.frames.frame(int(entry["frame_row"]))
            if frame_hash != entry["frame_hash"]:
                on_changed(line, entry)
            frame = replace(frame, skipped=int(entry["skipped"]), aside=int(entry.get("aside", 0)))
            latch_again(armed.engine, entry)
            now_s, link_alive = circumstances(entry)
            yield Redone(line, entry, armed.engine.step(frame, now_s, link_alive=link_alive))
