"""Step: everything that came out of one pass of the loop, on its way to the linac and into the record."""

from dataclasses import dataclass

from gatekeeper.core.decision import Decision
from gatekeeper.core.frame import Frame
from gatekeeper.core.track import Track


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One pass of the loop.

    Attributes
    ----------
    decision : Decision
        What the linac is told.
    frame : Frame or None
        The frame that was judged; None when the source was silent.
    track : Track or None
        Where the target is; None when the frame was missing or not fit to be tracked.
    others : tuple of Track
        Where the other structures are, in the order of their zones.
    ahead_mm : tuple of float or None
        Where the target's centre is predicted to be when the decision takes effect, as (row, col) in mm; None without
        prediction.
    track_ms, decide_ms : float
        How long tracking and deciding took, in milliseconds of real time; 0 for a stage that was not run. They
        are for the record only: no decision depends on them.
    """

    decision: Decision
    frame: Frame | None = None
    track: Track | None = None
    track_ms: float = 0.0
    decide_ms: float = 0.0
    others: tuple[Track, ...] = ()
    ahead_mm: tuple[float, float] | None = None
