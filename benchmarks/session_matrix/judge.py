"""Whether a session's journal, what was fed, and what the far end has heard tell the same."""

import math
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from gatekeeper.core.session_counts import counts_of

Entry = dict[str, Any]
SAME_S = 0.1
"""A change at the far end and one in the journal that are so near are the same, in s; two frames are further apart."""


class Change(NamedTuple):
    """The beam changes: when, in s of session time, and to what; `since_s` is when the frame before it had arrived."""

    time_s: float
    beam_on: bool
    since_s: float


def changes(entries: Sequence[Entry], max_age_s: float) -> list[Change]:
    """Return when the linac was told another state than before, HOLD first, by a journal.

    A beam-on whose frame became too old while it was judged was not sent; the silence that took its place was.
    """
    told = [Change(-math.inf, False, -math.inf)]
    decisions = [entry for entry in entries if entry["kind"] in ("frame", "silence")]
    arrived_s = -math.inf
    for entry, following in pairwise([*decisions, {"kind": "end"}]):
        arrived_s = arrived_s if entry["received_s"] is None else entry["received_s"]
        too_late = (
            following["kind"] == "silence"
            and entry["kind"] == "frame"
            and following["decided_s"] - entry["acquired_s"] > max_age_s
            and following["decided_s"] - entry["decided_s"] < 0.5 * max_age_s
        )
        beam_on = entry["state"] == "ON" and not too_late
        if beam_on != told[-1].beam_on:
            told.append(Change(entry["decided_s"], beam_on, arrived_s))
    return told


def heard_changes(heard: Sequence[Any]) -> list[tuple[float, bool]]:
    """Return when the far end was told another state than before, by its own clock, HOLD first."""
    states = [(one.time_s, one.beam_on) for one in heard]
    first = [next(group) for _, group in groupby(states, key=lambda state: state[1])]
    return first if first and not first[0][1] else [(-math.inf, False), *first]


def offset_s(told: Sequence[Change], heard: Sequence[tuple[float, bool]]) -> float:
    """Return by how much the far end's clock is ahead of session time, in s: the least delay stands for none.

    The first HOLD stands from before the session, so that the first beam-on is what both have for certain.
    """
    if len(told) < 2 or len(heard) < 2:
        return math.nan
    first_s = heard[1][0] - told[1].time_s
    delays_s = (at_s - change.time_s - first_s for at_s, _ in heard[1:] for change in told[1:])
    return first_s + min(delay_s for delay_s in delays_s if abs(delay_s) <= SAME_S)


def besides(told: Sequence[Change], heard: Sequence[tuple[float, bool]], ahead_s: float) -> tuple[int, int]:
    """Return how often the far end has heard HOLD, and beam-on, when the journal has no such change near that time."""
    alone = [
        beam_on
        for at_s, beam_on in heard[1:]
        if not any(beam_on is change.beam_on and abs(at_s - ahead_s - change.time_s) <= SAME_S for change in told)
    ]
    return alone.count(False), alone.count(True)


def hold_after(changes_: Sequence[Change], time_s: float) -> Change | None:
    """Return the first HOLD at a session time or later; None when there is none."""
    return next((change for change in changes_ if change.time_s >= time_s and not change.beam_on), None)


def lost(entries: Sequence[Entry], fed: int) -> int:
    """Return of how many frames that were fed nothing is in the journal, neither a decision nor that it was skipped."""
    counts = counts_of(entries)
    return fed - counts.frames - counts.skipped
