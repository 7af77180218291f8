"""Keep the share of time with the beam on while the target is outside at or below a limit.

See docs/explanation/risk.md.
"""

import math
from collections import deque
from dataclasses import dataclass

LEVELS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.1, 1.3, 1.5, 1.8, 2.2, 2.7, 3.4, 4.5)
"""Spreads of the prediction by which the target must be inside, from which the level in force is chosen."""
OVER_S = 60.0
"""Time over which the share is kept besides the whole delivery, and in which an excess is made good, in seconds. The
delivery may be ahead of its share by as much as this time allows."""
MOST_OF_MINUTE = 1.5
"""Share of the risk limit in the last minute from which on only a level is in force at which nothing was lost so far;
between 1 and this, what may be lost falls in proportion."""
MAX_PENDING = 64
"""Number of decisions that can wait for the positions by which they are judged; the oldest is dropped."""


@dataclass(slots=True)
class _Standing:
    """A decision, the time for which it stands, and the time of it for which the target was outside so far."""

    from_s: float
    to_s: float
    passed: int
    on: bool = False
    outside_s: float = 0.0
    known: bool = True


class RiskLimit:
    """Choose by how many spreads of its prediction the target must be inside.

    Conformal risk control [1]_: for each past decision it is known at which levels the beam would have been on, and for
    which share of the time the target was outside then. The level in force is the lowest at which the mean of these
    shares, and one more of the largest size, is at most the risk. What the beam really did outside is counted as well,
    and lowers the risk while it is too much [2]_. Nothing depends on a clock, and equal calls give equal levels.

    Parameters
    ----------
    risk_percent : float
        Largest share of the time with the beam on while the target is outside, in percent.

    References
    ----------
    .. [1] A. N. Angelopoulos, S. Bates, A. Fisch, L. Lei, T. Schuster, "Conformal risk control", ICLR 2024.
    .. [2] I. Gibbs, E. Candes, "Adaptive conformal inference under distribution shift", NeurIPS 2021.

    Examples
    --------
    >>> from gatekeeper.gating.risk import RiskLimit
    >>> risk = RiskLimit(1.0)
    >>> risk.level() is None
    True
    """

    def __init__(self, risk_percent: float) -> None:
        self._risk = 0.01 * risk_percent
        self._exposed_s = self._elapsed_s = 0.0
        self._recent: deque[tuple[float, float]] = deque()
        self._recent_s = 0.0
        self.forget()

    def forget(self) -> None:
        """Discard all decisions, for example after the envelope was moved; what the beam did is kept."""
        self._pending: deque[_Standing] = deque(maxlen=MAX_PENDING)
        self._newest: _Standing | None = None
        self._lost = [0.0] * len(LEVELS)
        self._count = 0
        self._last_s = math.nan
        self._last_outside: bool | None = None

    @property
    def realised_percent(self) -> float:
        """Share of the time so far with the beam on while the target was outside, in percent; NaN before any."""
        return 100.0 * self._exposed_s / self._elapsed_s if self._elapsed_s > 0.0 else math.nan

    @property
    def minute_percent(self) -> float:
        """The same of the last minute, in percent; a minute that is not over yet counts as a whole one."""
        return 100.0 * self._recent_s / OVER_S

    def level(self) -> float | None:
        """Return the level in force; None when no level keeps the risk, or too little is known yet."""
        excess_s = self._exposed_s - self._risk * (self._elapsed_s + OVER_S)
        risk = self._risk - max(excess_s, 0.0) / OVER_S
        may_lose = risk * (self._count + 1) - 1.0
        if may_lose > 0.0:
            used = self._recent_s / (self._risk * OVER_S)
            may_lose *= min(max((MOST_OF_MINUTE - used) / (MOST_OF_MINUTE - 1.0), 0.0), 1.0)
        for level, lost in zip(LEVELS, self._lost, strict=True):
            if lost <= may_lose:
                return level
        return None

    def measured(self, time_s: float, outside: bool | None, crossed: float, max_gap_s: float) -> None:
        """Judge the decisions that stood since the last position.

        Parameters
        ----------
        time_s : float
            Time of the acquisition, in seconds.
        outside : bool or None
            Whether the target was outside then; None when it was not measured.
        crossed : float
            Part of the step from the last position at which the target crossed the edge, 0-1, where it did.
        max_gap_s : float
            Between positions further apart than this the target is not known, in seconds.
        """
        begin_s, before = self._last_s, self._last_outside
        self._last_s, self._last_outside = time_s, outside
        if not begin_s < time_s:
            return
        known = time_s - begin_s <= max_gap_s and before is not None and outside is not None
        # A target that is not known counts as outside.
        out_from_s, out_to_s = begin_s, time_s
        if known and before != outside:
            crossing_s = begin_s + crossed * (time_s - begin_s)
            out_from_s, out_to_s = (begin_s, crossing_s) if before else (crossing_s, time_s)
        elif known and not outside:
            out_to_s = begin_s
        for one in self._pending:
            from_s, to_s = max(one.from_s, begin_s), min(one.to_s, time_s)
            if from_s < to_s:
                one.known = one.known and known
                outside_s = max(min(to_s, out_to_s) - max(from_s, out_from_s), 0.0)
                one.outside_s += outside_s
                self._expose(time_s, to_s - from_s, outside_s if one.on else 0.0)
        while self._pending and self._pending[0].to_s <= time_s:
            self._learn(self._pending.popleft())
        while self._recent and self._recent[0][0] <= time_s - OVER_S:
            self._recent_s -= self._recent.popleft()[1]

    def decided(self, from_s: float, to_s: float, passed: int) -> None:
        """Add a decision, not with the beam on until `took_effect` says so.

        Parameters
        ----------
        from_s, to_s : float
            Time for which it stands, in seconds.
        passed : int
            Number of levels, from the lowest, at which the target is inside.
        """
        if from_s < to_s:
            self._newest = _Standing(from_s, to_s, passed)
            self._pending.append(self._newest)

    def took_effect(self, on: bool) -> None:
        """Say whether the decision added last, if there was one for this frame, is for the beam to be on."""
        if self._newest is not None:
            self._newest.on = on
            self._newest = None

    def _expose(self, time_s: float, passed_s: float, exposed_s: float) -> None:
        self._elapsed_s += passed_s
        if exposed_s > 0.0:
            self._exposed_s += exposed_s
            self._recent_s += exposed_s
            self._recent.append((time_s, exposed_s))

    def _learn(self, one: _Standing) -> None:
        if not one.known:
            return
        self._count += 1
        share = one.outside_s / (one.to_s - one.from_s)
        for level in range(one.passed):
            self._lost[level] += share
