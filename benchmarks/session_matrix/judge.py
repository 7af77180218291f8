"""Compare a session's journal with the frames sent to it and the states received at the far end."""

import math
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from gatekeeper.core.session_counts import counts_of

Entry = dict[str, Any]
SAME_S = 0.1
"""Largest time between a change at the far end and the same change in the journal, in s; less than a frame period."""


class Change(NamedTuple):
    """A change of the beam: time in s of session time, and state; `since_s` is when the previous frame had arrived."""

    time_s: float
    beam_on: bool
    since_s: float


def changes(entries: Sequence[Entry], max_age_s: float) -> list[Change]:
    """Return the changes of state sent to the linac, from HOLD on, by a journal.

    A beam-on whose frame became too old while it was judged was not sent; the frame timeout in its place was.
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
    """Return the changes of state received at the far end, from HOLD on, by its own clock."""
    states = [(one.time_s, one.beam_on) for one in heard]
    first = [next(group) for _, group in groupby(states, key=lambda state: state[1])]
    return first if first and not first[0][1] else [(-math.inf, False), *first]


def offset_s(told: Sequence[Change], heard: Sequence[tuple[float, bool]]) -> float:
    """Return the offset of the far end's clock from session time, in s, taking the shortest delay as zero.

    The first HOLD dates from before the session, so the first beam-on is the first change that both have.
    """
    if len(told) < 2 or len(heard) < 2:
        return math.nan
    first_s = heard[1][0] - told[1].time_s
    delays_s = (at_s - change.time_s - first_s for at_s, _ in heard[1:] for change in told[1:])
    return first_s + min(delay_s for delay_s in delays_s if abs(delay_s) <= SAME_S)


def besides(told: Sequence[Change], heard: Sequence[tuple[float, bool]], ahead_s: float) -> tuple[int, int]:
    """Return how often the far end received HOLD, and beam-on, without such a change in the journal near that time."""
    alone = [
        beam_on
        for at_s, beam_on in heard[1:]
        if not any(beam_on is change.beam_on and abs(at_s - ahead_s - change.time_s) <= SAME_S for change in told)
    ]
    return alone.count(False), alone.count(True)


def hold_after(changes_: Sequence[Change], time_s: float) -> Change | None:
    """Return the first HOLD at or after a session time, or None."""
    return next((change for change in changes_ if change.time_s >= time_s and not change.beam_on), None)


def lost(entries: Sequence[Entry], fed: int) -> int:
    """Return the number of sent frames that the journal lists neither as decided nor as skipped."""
    counts = counts_of(entries)
    return fed - counts.frames - counts.skipped
