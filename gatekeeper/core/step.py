"""Define the result of one pass of the loop."""

from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper.core.decision import Decision
from gatekeeper.core.frame import Frame
from gatekeeper.core.track import Track


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Result of one pass of the loop.

    Attributes
    ----------
    decision : Decision
        The decision that is sent to the linac.
    frame : Frame or None
        The frame; None after a frame timeout.
    track : Track or None
        The target; None when there was no frame or it was not fit for tracking.
    others : tuple of Track
        The other structures, in the order of their zones.
    ahead_mm : tuple of float or None
        Predicted position of the target's centre when the decision takes effect, as (row, col) in mm; None without
        prediction.
    track_ms, decide_ms : float
        Duration of tracking and deciding, in milliseconds of real time; 0 for a stage that was not run. Decisions do
        not depend on them.
    failure : str or None
        Failure of the tracker on this frame, in one line, when it latched a fault.
    allowed_s : float or None
        Time for which the linac's port allowed the beam since the decision before, in s; None where the port does
        not tell.
    breath_holds : tuple of mapping
        The journal's values of each breath-hold that has ended since the pass before.
    """

    decision: Decision
    frame: Frame | None = None
    track: Track | None = None
    track_ms: float = 0.0
    decide_ms: float = 0.0
    others: tuple[Track, ...] = ()
    ahead_mm: tuple[float, float] | None = None
    failure: str | None = None
    allowed_s: float | None = None
    breath_holds: tuple[Mapping[str, object], ...] = ()
