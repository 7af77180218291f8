"""Check where a frame comes from, and whether the sender's clock can be believed."""

import math
from typing import NamedTuple

from gatekeeper.core.frame import Frame
from gatekeeper.gating.arrivals import Arrivals, Least, Offsets, is_drifting

NEW_COUNT = 1_000
"""Step of the frame number with which a source says that the sender counts anew."""


class SourceHistory(NamedTuple):
    """State of the checks after the last frame.

    Attributes
    ----------
    connection : int
        Connection of the last frame; 0 when it came from none.
    number : int
        Its number.
    stamp_s : float
        What the sender's clock showed then, in s.
    clock : Offsets
        Offsets of session time from the sender's clock.
    reference : tuple of float or None
        The last least offset before the gate was armed, or the first one since.
    drifts : bool
        Whether the sender's clock was found to drift, with the last complete window.
    arrivals : Arrivals
        Arrivals against the frame rate.
    """

    connection: int = 0
    number: int = -1
    stamp_s: float = math.nan
    clock: Offsets = Offsets()
    reference: Least | None = None
    drifts: bool = False
    arrivals: Arrivals = Arrivals()

    def begun_anew(self) -> "SourceHistory":
        """Return the state after an operator's reset: clock and delay are observed from now on."""
        return self._replace(clock=Offsets(), reference=None, drifts=False, arrivals=self.arrivals.begun_anew())


class SourceChecks(NamedTuple):
    """Results of the checks of one frame.

    Attributes
    ----------
    same : bool
        True when the frame came over the connection of the frame before.
    has_clock : bool
        True when its time of acquisition is known, and the sender's clock shows another time than for the frame before.
    steady : bool
        True when the sender's clock keeps up with session time.
    late_s : float
        Delay behind the rate of the frames before, in s, up to the present moment.
    rate_right : bool
        True when frames come at the rate that is set, as far as both are known.
    """

    same: bool = True
    has_clock: bool = True
    steady: bool = True
    late_s: float = 0.0
    rate_right: bool = True


UNCONNECTED = SourceChecks()
"""Results for a frame that came over no connection, as those of a recording."""


def check_source(
    history: SourceHistory, frame: Frame, now_s: float, frames_per_s: float | None = None, *, armed: bool
) -> tuple[SourceChecks, SourceHistory]:
    """Check the connection and the times of a frame against those of the frames before it.

    Parameters
    ----------
    history : SourceHistory
        State after the frame before.
    frame : Frame
        The frame.
    now_s : float
        Session time in seconds.
    frames_per_s : float, optional
        Rate that is set, per second.
    armed : bool
        Whether the gate is armed.

    Returns
    -------
    checks : SourceChecks
        Results for this frame.
    history : SourceHistory
        State after it.
    """
    connection, number, stamp_s = frame.connection, frame.sequence, frame.stamp_s
    if connection == history.connection == 0:
        return UNCONNECTED, history
    same = connection == history.connection or history.connection == 0
    if connection != history.connection:
        history = SourceHistory(connection)
    arrivals = Arrivals() if number - history.number >= NEW_COUNT else history.arrivals
    late_s, arrivals = arrivals.added(number, frame.received_s)
    clock = history.clock.added(frame.received_s, stamp_s)
    reference, drifts = history.reference, history.drifts
    if clock.past is not history.clock.past and clock.past:
        drifts = is_drifting(clock.past, reference)
        if reference is None or not armed:
            reference = clock.past[-1]
    has_clock = not math.isnan(frame.acquired_s) and (stamp_s != history.stamp_s or number <= history.number)
    rate_right = frames_per_s is None or arrivals.is_rate(frames_per_s)
    return (
        SourceChecks(same, has_clock, not drifts, late_s + now_s - frame.received_s, rate_right),
        SourceHistory(connection, number, stamp_s, clock, reference, drifts, arrivals),
    )
