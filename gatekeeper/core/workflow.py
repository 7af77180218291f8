"""Name the steps of a fraction, and measure them from marks and phases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MARK = "mark"
"""The journal's event, and an operator's word, for the begin of a step."""
STEPS = (
    "set-up",
    "low-resolution scan",
    "high-resolution scan",
    "contouring",
    "re-optimisation",
    "other",
)
"""Steps before the gated delivery that a mark may begin; re-optimisation includes its quality assurance."""
WAITING_PHASES = frozenset({"connect", "drawing"})
"""Phases of a session during which a step that was marked continues; every other phase ends it."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A step that was marked.

    Attributes
    ----------
    step : str
        One of `STEPS`.
    begin_s : float
        Session time at which it began, in s.
    lasted_s : float
        How long it lasted, in s.
    """

    step: str
    begin_s: float
    lasted_s: float


def marked_steps(events: Iterable[Mapping[str, Any]], last_s: float) -> list[Marked]:
    """Return the steps that were marked, each until the next mark, the next phase, or the end of the session.

    Parameters
    ----------
    events : iterable of mapping
        Events of a journal.
    last_s : float
        Session time of the end, in s.

    Returns
    -------
    list of Marked
        Oldest first; a step that was marked twice is there twice.

    Examples
    --------
    >>> from gatekeeper.core.workflow import marked_steps
    >>> events = [{"event": "mark", "time_s": 5.0, "values": {"step": "set-up"}},
    ...           {"event": "mark", "time_s": 65.0, "values": {"step": "contouring"}},
    ...           {"event": "phase", "time_s": 95.0, "values": {"phase": "preview"}}]
    >>> [(one.step, one.lasted_s) for one in marked_steps(events, 400.0)]
    [('set-up', 60.0), ('contouring', 30.0)]
    """
    turns: list[tuple[float, str | None]] = []
    for event in events:
        if event["event"] == MARK:
            turns.append((float(event["time_s"]), str(event["values"]["step"])))
        elif event["event"] == "phase" and event["values"]["phase"] not in WAITING_PHASES:
            turns.append((float(event["time_s"]), None))
    turns.sort(key=lambda turn: turn[0])
    ends_s = [*(begin_s for begin_s, _ in turns), last_s][1:]
    return [
        Marked(step, begin_s, max(end_s - begin_s, 0.0))
        for (begin_s, step), end_s in zip(turns, ends_s, strict=True)
        if step is not None
    ]
