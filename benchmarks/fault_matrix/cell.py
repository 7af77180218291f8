"""Hold the trials of one fault at one frame rate, and judge them."""

import math
from dataclasses import dataclass

from benchmarks.fault_matrix.faults import Fault


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial of a cell.

    Attributes
    ----------
    was_on : bool
        Whether the beam was on when the target left and when the fault began; otherwise the trial shows nothing.
    exposure_s : float
        Time with the beam on while the target was out, with the latency of the linac, in s; where the target stays,
        time with the beam on after the fault.
    reasons : frozenset of str
        The reasons of all decisions; empty where the process did not live to tell them.
    stalled : bool
        Whether the machine stood still meanwhile; then the trial shows the machine.
    """

    was_on: bool
    exposure_s: float
    reasons: frozenset[str]
    stalled: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """All trials of one fault at one frame rate.

    Attributes
    ----------
    fault : Fault
        The fault.
    period_s : float
        Time from frame to frame, in s.
    trials : tuple of Trial
        The trials in which the beam was on before and the machine did not stand still.
    void : int
        Number of the others.
    """

    fault: Fault
    period_s: float
    trials: tuple[Trial, ...]
    void: int

    @property
    def limit_s(self) -> float:
        """The stated exposure, in s."""
        return self.fault.limit_s(self.period_s)

    @property
    def worst_s(self) -> float:
        """The longest exposure, in s; NaN without trials."""
        return max((trial.exposure_s for trial in self.trials), default=math.nan)

    @property
    def mean_s(self) -> float:
        """The mean exposure, in s; NaN without trials."""
        return sum(trial.exposure_s for trial in self.trials) / len(self.trials) if self.trials else math.nan

    @property
    def missed(self) -> int:
        """Number of trials without the reason that must be in the journal."""
        means = self.fault.means
        return 0 if means is None else sum(means not in trial.reasons for trial in self.trials)

    @property
    def good(self) -> bool:
        """Whether the cell is as stated."""
        return self.worst_s <= self.limit_s and self.missed == 0


def overlap_s(on: list[tuple[float, float]], begin_s: float, end_s: float) -> float:
    """Return the time with the beam on between two times, in s."""
    return sum(max(0.0, min(until_s, end_s) - max(since_s, begin_s)) for since_s, until_s in on)
