"""Phases of a live session, and what an operator may ask for in each of them."""

from enum import StrEnum

from gatekeeper.core.command import Action
from gatekeeper.operator.request import END


class Phase(StrEnum):
    """Where a session is; the beam may be on in DELIVERY only."""

    CONNECT = "connect"
    """The source listens, and the linac is being connected."""
    DRAWING = "drawing"
    """An operator draws or adjusts the target; the beam is held, and nothing is judged yet."""
    PREVIEW = "preview"
    """Frames are gathered to learn from."""
    LEARNING = "learning"
    """The tracker learns from them, while frames go on being judged."""
    READY = "ready"
    """Everything is there; an operator may arm."""
    DELIVERY = "delivery"
    """Armed: the gate decides."""
    PAUSED = "paused"
    """Armed, and held by an operator."""
    ENDED = "ended"
    """Over; the beam is held."""


ALWAYS = frozenset({Action.HOLD, Action.RELEASE, Action.DISARM, Action.RESET, END})
"""What is never refused while a session goes on; of these only a release can lead to beam-on, and only once armed."""
ALLOWED: dict[Phase, frozenset[str]] = {
    Phase.CONNECT: frozenset(ALWAYS),
    Phase.DRAWING: frozenset(ALWAYS),
    Phase.PREVIEW: frozenset(ALWAYS),
    Phase.LEARNING: frozenset(ALWAYS),
    Phase.READY: ALWAYS.union({Action.ARM, Action.REBASE}),
    Phase.DELIVERY: ALWAYS.union({Action.REBASE}),
    Phase.PAUSED: ALWAYS.union({Action.REBASE}),
    Phase.ENDED: frozenset(),
}
"""What is done in each phase, in the words of `gatekeeper.operator.request`; everything else is refused."""


def refusal(phase: Phase, word: str) -> str | None:
    """Return why something cannot be done in a phase, in one line; None when it can."""
    if word in ALLOWED[phase]:
        return None
    return f"{word} is not possible in phase {phase}; possible: {', '.join(sorted(ALLOWED[phase])) or 'nothing'}"


def armed_phase(armed: bool, operator_hold: bool) -> Phase:
    """Return the phase that a gate is in once everything is ready."""
    if not armed:
        return Phase.READY
    return Phase.PAUSED if operator_hold else Phase.DELIVERY
