"""Doing again: a recorded session judged once more, frame by frame, at the times at which it was judged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gatekeeper.core.decision import Reason
from gatekeeper.core.json_values import measured
from gatekeeper.core.step import Step
from gatekeeper.session.arming import Armed
from replay.formats.session import Entry, RecordedSession
from replay.sessions.events import apply_events


@dataclass(frozen=True, slots=True, eq=False)
class Redone:
    """One line of the journal, done again.

    Attributes
    ----------
    line : int
        Its number, the header's being 0.
    entry : dict
        What it says.
    step : Step or None
        What came out; None for an event, and for a decision on a frame that was not kept.
    """

    line: int
    entry: Entry
    step: Step | None = None


def circumstances(entry: Entry) -> tuple[float, bool]:
    """Return when a decision was made, in s of session time, and whether the linac answered then."""
    return measured(entry["decided_s"]), Reason.LINK_LOST not in entry["reasons"]


def redo(
    session: RecordedSession, armed: Armed, on_changed: Callable[[int, Entry], None] = lambda *_: None
) -> Iterator[Redone]:
    """Do again what the journal says, from an engine that stands where the session began.

    It ends with the first decision on a frame that was not kept, from which on none can be made again.

    Parameters
    ----------
    session : RecordedSession
        The session.
    armed : Armed
        On what; its events are obeyed, and what it learned is learned again.
    on_changed : callable, optional
        Told of each line whose frame is not the one that was recorded, before it is judged.

    Raises
    ------
    GatekeeperError
        When a frame cannot be read, or an event is not known.
    """
    for line, entry in enumerate(session.entries, start=1):
        kind = entry["kind"]
        if kind == "event":
            apply_events(armed, entry, session.gathered)
            yield Redone(line, entry)
        elif kind == "silence":
            now_s, link_alive = circumstances(entry)
            yield Redone(line, entry, armed.engine.silence(now_s, link_alive=link_alive))
        elif kind == "frame":
            if entry["frame_row"] is None:
                yield Redone(line, entry)
                return
            frame, frame_hash = session.frames.frame(int(entry["frame_row"]))
            if frame_hash != entry["frame_hash"]:
                on_changed(line, entry)
            frame = replace(frame, skipped=int(entry["skipped"]))
            now_s, link_alive = circumstances(entry)
            yield Redone(line, entry, armed.engine.step(frame, now_s, link_alive=link_alive))
