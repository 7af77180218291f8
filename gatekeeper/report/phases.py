"""Divide the time of a session into phases, as clinical time analyses do."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.decision import Reason
from gatekeeper.core.reason_row import Category
from gatekeeper.core.reasons import REASONS
from gatekeeper.core.workflow import marked_steps
from gatekeeper.report.session_data import Entry, SessionData

BEFORE = {
    "connect": "of that: connecting",
    "preview": "of that: preview",
    "learning": "of that: learning",
    "ready": "of that: ready, until armed",
    "drawing": "before that: drawing the target",
}
"""Rows for the phases of a live session before the delivery."""
MARKED = "marked: "
"""Begin of the names of rows for steps that operators marked."""
BEAM_ON = "of that: beam on"
HELD = "of that: held for target position"
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


def parts_of(session: SessionData) -> list[Part]:
    """Return the time analysis.

    Delivery with gating lasts from the first decision with an armed gate to the last one. Within it the beam is on,
    held for the position of the target, held while only further good frames or the minimum off-time of the linac are
    pending, or held for any other reason, which counts as an unexpected interruption.
    """
    times_s = session.times_s()
    stands_s = np.append(np.diff(times_s), 0.0)
    delivery = _delivery(session)
    names = np.array([_part(given) for given in session.reasons()])
    delivery_s = float(stands_s[delivery].sum())
    parts = [
        Part("before the gate was armed", float(stands_s[~delivery].sum()), None),
        *_before(session, float(np.nanmax(times_s))),
        Part("delivery with gating", delivery_s, _share(delivery_s, delivery_s)),
    ]
    for name in (BEAM_ON, HELD, WAITING, INTERRUPTED):
        part_s = float(stands_s[delivery & (names == name)].sum())
        parts.append(Part(name, part_s, _share(part_s, delivery_s)))
    return parts


def _share(part_s: float, delivery_s: float) -> float | None:
    return part_s / delivery_s if delivery_s > 0.0 else None


def _before(session: SessionData, last_s: float) -> list[Part]:
    """Return the duration of each phase before the delivery, from the events of a live session."""
    began_s = float(session.decisions[0]["decided_s"] or 0.0)
    marks = [
        (str(event["values"]["phase"]), float(event["time_s"]) - began_s)
        for event in session.events
        if event["event"] == "phase"
    ]
    ends_s = [*(begin_s for _, begin_s in marks), last_s][1:]
    lasted_s: dict[str, float] = {}
    for (phase, begin_s), end_s in zip(marks, ends_s, strict=True):
        # No frame is judged while the target is drawn; all other times count from the first decision.
        since_s = begin_s if phase == "drawing" else max(begin_s, 0.0)
        lasted_s[phase] = lasted_s.get(phase, 0.0) + max(end_s - since_s, 0.0)
    found = [Part(words, lasted_s[phase], None) for phase, words in BEFORE.items() if phase in lasted_s]
    marked_s: dict[str, float] = {}
    for one in marked_steps(session.events, began_s + last_s):
        marked_s[one.step] = marked_s.get(one.step, 0.0) + one.lasted_s
    return [*found, *(Part(f"{MARKED}{step}", step_s, None) for step, step_s in marked_s.items())]


def _part(reasons: tuple[Reason, ...]) -> str:
    """Return the part of the delivery to which a decision with these reasons belongs."""
    categories = {REASONS[reason].category for reason in reasons}
    if not categories:
        return BEAM_ON
    if Category.MOTION in categories:
        return HELD
    return WAITING if categories == {Category.WAITING} else INTERRUPTED


def delivery(decisions: Sequence[Entry]) -> slice:
    """Return which decisions are of the delivery: from the first with an armed gate on."""
    armed = (place for place, one in enumerate(decisions) if Reason.NOT_ARMED not in one["reasons"])
    return slice(next(armed, len(decisions)), None)


def _delivery(session: SessionData) -> NDArray[np.bool_]:
    """Return whether each decision is of the delivery, shape (N,)."""
    delivered = np.zeros(len(session.decisions), dtype=np.bool_)
    delivered[delivery(session.decisions)] = True
    return delivered
