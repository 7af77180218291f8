"""Measure the drift of a patient who holds the breath: that of the held positions, not of the breaths between them.

The rule for free breathing compares the end-exhale of the breaths with that of the first ones. A patient who holds the
breath is not treated in these breaths. What counts there is whether the target stays within a hold, and whether each
hold comes where the ones before came; where they lead together is seen against the envelope, in every hold.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from gatekeeper.config import BreathHoldConfig
from gatekeeper.core.breath_holds import BreathHold, HoldRecogniser
from gatekeeper.core.usual_breath import RECENT_S

FEWEST_HOLDS = 3
"""Number of holds, each soon after the one before, from which on a patient counts as one who holds the breath."""
FEWEST_COMPARED = 3
"""Fewest holds that are compared with as many before, since a single one may come elsewhere by chance."""


class HeldMotion(NamedTuple):
    """What is usual of a patient who holds the breath.

    Attributes
    ----------
    drift_mm : float
        Displacement along rows within the present hold, or of the median of the last holds from that of as many
        before, whichever is larger, in mm.
    rows_mm, cols_mm : tuple of float
        Usual range along rows and columns: the median position of the last holds, along rows also the usual turns of
        the breaths between, in mm.
    """

    drift_mm: float
    rows_mm: tuple[float, float]
    cols_mm: tuple[float, float]


class HeldPositions:
    """The breath-holds of one target.

    Parameters
    ----------
    config : BreathHoldConfig
        The wanted hold. A session that names one expects holds from the first one on.
    compared : int
        Number of the last holds that are compared with as many before.

    Attributes
    ----------
    recogniser : HoldRecogniser
        Recognises the holds.
    """

    def __init__(self, config: BreathHoldConfig, compared: int) -> None:
        self.recogniser = HoldRecogniser(config.is_expected)
        self._compared = compared
        self._fewest = 1 if config.is_expected else FEWEST_HOLDS
        self._known: tuple[int, HeldMotion | None] | None = None

    @property
    def newest(self) -> BreathHold | None:
        """The hold that the patient is in, or the last one; None before the first."""
        latest = self.recogniser.latest
        if latest is None and self.recogniser.holds:
            return self.recogniser.holds[-1]
        return latest

    def drift(self) -> HeldMotion | None:
        """Return what the holds tell; None for a patient who does not hold the breath, at least not lately."""
        found, newest = self.recogniser, self.newest
        if newest is None or newest.number < self._fewest or found.newest_s - newest.end_s > RECENT_S:
            return None
        if self._known is None or self._known[0] != newest.number:
            self._known = newest.number, self._compare(newest)
        compared = self._known[1]
        if compared is None or not found.holding:
            return compared
        return compared._replace(drift_mm=max(compared.drift_mm, newest.drift_mm[0], key=abs))

    def _compare(self, newest: BreathHold) -> HeldMotion | None:
        """Return what the holds tell before the drift within the present one; None where they are too far apart."""
        before = [hold for hold in self.recogniser.holds if hold.number < newest.number][-2 * self._compared :]
        lately = [*before, newest][-self._fewest :]
        if len(lately) < self._fewest or any(two.begin_s - one.end_s > RECENT_S for one, two in pairwise(lately)):
            return None
        each = min(self._compared, len(before) // 2)
        row_mm, col_mm = _median_mm(before[-self._compared :] or [newest])
        breath = self.recogniser.breath
        turns_mm = (row_mm,) if breath is None else (row_mm, breath.low_mm, breath.high_mm)
        drift_mm = 0.0
        if each >= FEWEST_COMPARED:
            drift_mm = _median_mm(before[-each:])[0] - _median_mm(before[-2 * each : -each])[0]
        return HeldMotion(drift_mm, (min(turns_mm), max(turns_mm)), (col_mm, col_mm))


def _median_mm(holds: Sequence[BreathHold]) -> tuple[float, float]:
    """Return the median position of holds along rows and columns, in mm."""
    return median([hold.mean_mm[0] for hold in holds]), median([hold.mean_mm[1] for hold in holds])
