"""Phases: how the time of a session was spent, as clinical time analyses ask."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.decision import Reason
from gatekeeper.core.reasons import REASONS, Category
from gatekeeper.report.session_data import SessionData

BEFORE = {
    "connect": "of that: connecting",
    "preview": "of that: preview",
    "learning": "of that: learning",
    "ready": "of that: ready, until armed",
    "drawing": "before that: drawing the target",
}
"""Phases of a live session before the delivery, in words."""
BEAM_ON = "of that: beam on"
HELD = "of that: held for where the target was"
WAITING = "of that: waiting before beam-on"
INTERRUPTED = "of that: unexpected interruptions"


@dataclass(frozen=True, slots=True)
class Part:
    """One row of the time analysis.

    Attributes
    ----------
    name : str
    lasted_s : float
        In seconds.
    share : float or None
        Of the gated delivery, 0-1; None for what is not part of it, and where there was none.
    """

    name: str
    lasted_s: float
    share: float | None


def parts_of(story: SessionData) -> list[Part]:
    """Return the time analysis.

    Delivery with gating is the time from the first decision with an armed gate to the last. Within it the beam is on,
    or held because of where the target is, or held while only more good frames or the linac's pause are waited for, or
    held because of anything else: an unexpected interruption.
    """
    times_s = story.times_s()
    stands_s = np.append(np.diff(times_s), 0.0)
    delivery = _delivery(story)
    names = np.array([_part(given) for given in story.reasons()])
    delivery_s = float(stands_s[delivery].sum())
    parts = [
        Part("before the gate was armed", float(stands_s[~delivery].sum()), None),
        *_before(story, float(np.nanmax(times_s))),
        Part("delivery with gating", delivery_s, _share(delivery_s, delivery_s)),
    ]
    for name in (BEAM_ON, HELD, WAITING, INTERRUPTED):
        part_s = float(stands_s[delivery & (names == name)].sum())
        parts.append(Part(name, part_s, _share(part_s, delivery_s)))
    return parts


def _share(part_s: float, delivery_s: float) -> float | None:
    return part_s / delivery_s if delivery_s > 0.0 else None


def _before(story: SessionData, last_s: float) -> list[Part]:
    """Return how long each phase before the delivery lasted, as the events of a live session tell."""
    began_s = float(story.decisions[0]["decided_s"] or 0.0)
    marks = [
        (str(event["values"]["phase"]), float(event["time_s"]) - began_s)
        for event in story.events
        if event["event"] == "phase"
    ]
    ends_s = [*(begin_s for _, begin_s in marks), last_s][1:]
    lasted_s: dict[str, float] = {}
    for (phase, begin_s), end_s in zip(marks, ends_s, strict=True):
        # Nothing was judged while the target was drawn; all other times count from the first decision.
        since_s = begin_s if phase == "drawing" else max(begin_s, 0.0)
        lasted_s[phase] = lasted_s.get(phase, 0.0) + max(end_s - since_s, 0.0)
    return [Part(words, lasted_s[phase], None) for phase, words in BEFORE.items() if phase in lasted_s]


def _part(reasons: tuple[Reason, ...]) -> str:
    """Return of which part of the delivery a decision with these reasons is."""
    categories = {REASONS[reason].category for reason in reasons}
    if not categories:
        return BEAM_ON
    if Category.MOTION in categories:
        return HELD
    return WAITING if categories == {Category.WAITING} else INTERRUPTED


def _delivery(story: SessionData) -> NDArray[np.bool_]:
    """Return which decisions were made since the gate was armed first, shape (N,)."""
    armed = np.array([Reason.NOT_ARMED not in given for given in story.reasons()], dtype=np.bool_)
    return np.logical_or.accumulate(armed)
