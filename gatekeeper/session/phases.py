"""Phases of a live session and the requests that are allowed in each."""

from enum import StrEnum

from gatekeeper.core.command import Action
from gatekeeper.core.phrases import MESSAGE
from gatekeeper.core.workflow import MARK
from gatekeeper.operator.request import END


class Phase(StrEnum):
    """Phase of a session; the beam can be on in DELIVERY only."""

    CONNECT = "connect"
    """The source listens, and the linac is being connected."""
    DRAWING = "drawing"
    """An operator draws or adjusts the target; the beam is held and no frame is tracked yet."""
    PREVIEW = "preview"
    """Frames are collected for learning."""
    LEARNING = "learning"
    """The tracker learns from the preview while the loop continues."""
    READY = "ready"
    """Everything is in place; an operator may arm."""
    DELIVERY = "delivery"
    """Armed: the gate decides on the beam."""
    PAUSED = "paused"
    """Armed, with the beam held by an operator."""
    ENDED = "ended"
    """The session has ended; the beam is held."""


GATE_PHASES = frozenset({Phase.READY, Phase.DELIVERY, Phase.PAUSED})
"""Phases that follow from the state of the gate."""
ALWAYS = frozenset({Action.HOLD, Action.RELEASE, Action.DISARM, Action.RESET, MARK, MESSAGE, END})
"""Requests that are accepted in every phase but ENDED. Only a release can lead to beam-on, and only once armed."""
ALLOWED: dict[Phase, frozenset[str]] = {
    Phase.CONNECT: frozenset(ALWAYS),
    Phase.DRAWING: frozenset(ALWAYS),
    Phase.PREVIEW: frozenset(ALWAYS),
    Phase.LEARNING: frozenset(ALWAYS),
    Phase.READY: ALWAYS.union({Action.ARM, Action.REBASE, Action.REFERENCE}),
    Phase.DELIVERY: ALWAYS.union({Action.REBASE, Action.REFERENCE}),
    Phase.PAUSED: ALWAYS.union({Action.REBASE, Action.REFERENCE}),
    Phase.ENDED: frozenset(),
}
"""Requests that are accepted in each phase, by their words in `gatekeeper.operator.request`."""


def refusal(phase: Phase, word: str) -> str | None:
    """Return why a request is refused in a phase, in one line; None when it is accepted."""
    if word in ALLOWED[phase]:
        return None
    return f"{word} is not possible in phase {phase}; possible: {', '.join(sorted(ALLOWED[phase])) or 'nothing'}"


def armed_phase(armed: bool, operator_hold: bool) -> Phase:
    """Return the phase that follows from the state of the gate once the session is ready."""
    if not armed:
        return Phase.READY
    return Phase.PAUSED if operator_hold else Phase.DELIVERY
