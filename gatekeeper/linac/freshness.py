"""Tell how old a decision is when a port gets it, and for how long its beam-on is still good.

Every port asks here before it lets the beam on: a decision that was held up on its way counts from when it was made,
not from when it was sent.
"""

from collections.abc import Callable

from gatekeeper.core.clock import Clock
from gatekeeper.core.decision import Decision

OLDEST_S = 1e6
"""Any age above this counts as too old, in s; it keeps an infinite age out of integers."""

AgeOf = Callable[[Decision], float]
"""Return the age of a decision in real seconds; NaN when it is not known, which is too old."""


def age_by(clock: Clock, speed: float = 1.0) -> AgeOf:
    """Return a function that tells the age of a decision by a session's clock.

    Parameters
    ----------
    clock : Clock
        The clock by which the decisions are stamped.
    speed : float
        Session seconds per real second, above 0.

    Returns
    -------
    callable
        Returns the age of a decision in real seconds.
    """

    def age_s(decision: Decision) -> float:
        return (clock.now_s() - decision.time_s) / speed

    return age_s


def no_age(_: Decision) -> float:
    """Return 0: for a port that is used without a session's clock, a decision counts from when it is sent."""
    return 0.0


def left_ns(fresh_ns: int, age_s: float) -> int:
    """Return for how long a beam-on is still good.

    Parameters
    ----------
    fresh_ns : int
        Time after a decision for which it is good, in ns.
    age_s : float
        Age of the decision in s.

    Returns
    -------
    int
        Time left in ns; 0 when the decision is too old, comes from the future, or has no age that can be told.

    Examples
    --------
    >>> from gatekeeper.linac.freshness import left_ns
    >>> left_ns(375_000_000, 0.075), left_ns(375_000_000, 2.0), left_ns(375_000_000, float("nan"))
    (300000000, 0, 0)
    """
    return max(0, fresh_ns - round(age_s * 1e9)) if 0.0 <= age_s < OLDEST_S else 0
