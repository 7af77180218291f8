"""The limits of a linac: least beam-off time, number of starts, latencies; and how long the beam was on."""

from typing import NamedTuple

from gatekeeper.config import LinacProfile
from gatekeeper.core.decision import BeamState, Reason

MINUTE_S = 60.0


class BeamLog(NamedTuple):
    """Recent beam changes, by the times of the decisions.

    Attributes
    ----------
    beam : BeamState
        Last decision.
    since_s : float
        Session time of the last change, in s; minus infinity when the beam was never on.
    begun_s : tuple of float
        Times of the last beam starts, in s, at most `cycles_per_minute` of them, oldest first.
    cut_short : int
        Number of beams shorter than `minimum_on_s`.
    on_s : float
        Time with the beam on up to the last change, in s.
    """

    beam: BeamState = BeamState.HOLD
    since_s: float = float("-inf")
    begun_s: tuple[float, ...] = ()
    cut_short: int = 0
    on_s: float = 0.0

    def delivered_s(self, now_s: float) -> float:
        """Return the time with the beam on up to session time `now_s`, in s.

        Examples
        --------
        >>> log = BeamLog(BeamState.ON, since_s=10.0, on_s=4.0)
        >>> log.delivered_s(11.5)
        5.5
        """
        return self.on_s + (now_s - self.since_s if self.beam is BeamState.ON else 0.0)


def after(log: BeamLog, beam: BeamState, time_s: float, profile: LinacProfile) -> BeamLog:
    """Return the log after a decision at session time `time_s`, in s."""
    if beam is log.beam:
        return log
    if beam is BeamState.ON:
        begun_s = (*log.begun_s, time_s)[-profile.cycles_per_minute :]
        return log._replace(beam=beam, since_s=time_s, begun_s=begun_s)
    # The beam follows both decisions, each with its own latency.
    lasted_s = time_s + profile.off_latency_s - log.since_s - profile.on_latency_s
    cut_short = log.cut_short + (lasted_s < profile.minimum_on_s)
    return log._replace(beam=beam, since_s=time_s, cut_short=cut_short, on_s=log.delivered_s(time_s))


def refusals(log: BeamLog, now_s: float, profile: LinacProfile) -> tuple[Reason, ...]:
    """Return the reasons why the beam may not start at session time `now_s`, in s; empty when it may.

    A time of NaN is refused.
    """
    if log.beam is BeamState.ON:
        return ()
    refused: tuple[Reason, ...] = ()
    off_s = now_s + profile.on_latency_s - log.since_s - profile.off_latency_s
    if not off_s >= profile.minimum_off_s:
        refused += (Reason.MINIMUM_OFF,)
    full = len(log.begun_s) >= profile.cycles_per_minute
    if full and not now_s - log.begun_s[-profile.cycles_per_minute] >= MINUTE_S:
        refused += (Reason.TOO_MANY_CYCLES,)
    return refused
