"""Profile: what a linac can follow, how long a beam must be off and how often it may begin, and its latencies."""

from typing import NamedTuple

from gatekeeper.config import LinacProfile
from gatekeeper.core.decision import BeamState, Reason

MINUTE_S = 60.0


class BeamLog(NamedTuple):
    """What is remembered of the beam, by the times of the decisions.

    Attributes
    ----------
    beam : BeamState
        What was decided last.
    since_s : float
        Session time since which that has been so, in seconds; minus infinity when the beam was never on.
    begun_s : tuple of float
        When the last beams began, at most `cycles_per_minute` of them, oldest first.
    cut_short : int
        How many beams were shorter than `minimum_on_s`.
    """

    beam: BeamState = BeamState.HOLD
    since_s: float = float("-inf")
    begun_s: tuple[float, ...] = ()
    cut_short: int = 0


def after(log: BeamLog, beam: BeamState, time_s: float, profile: LinacProfile) -> BeamLog:
    """Return what is remembered after a decision at session time `time_s`, in seconds."""
    if beam is log.beam:
        return log
    if beam is BeamState.ON:
        begun_s = (*log.begun_s, time_s)[-profile.cycles_per_minute :]
        return log._replace(beam=beam, since_s=time_s, begun_s=begun_s)
    # The beam follows both decisions, each with its own latency.
    lasted_s = time_s + profile.off_latency_s - log.since_s - profile.on_latency_s
    return log._replace(beam=beam, since_s=time_s, cut_short=log.cut_short + (lasted_s < profile.minimum_on_s))


def refusals(log: BeamLog, now_s: float, profile: LinacProfile) -> tuple[Reason, ...]:
    """Return why a beam that is off may not begin at session time `now_s`, in seconds; nothing when it may.

    A time that is not a number is refused.
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
