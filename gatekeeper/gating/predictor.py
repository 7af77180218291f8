"""Predict the target's position from its trace, and check earlier predictions."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatekeeper.config import PredictionConfig
from kernels.local_regression import local_ridge, score_predictions
from kernels.trajectory import lagged_positions

LAGS, LAG_S = 10, 0.2
"""Length of a lag vector and its least step in seconds: the present position and 9 before it, about half a breath.
Frames that come less often are not read between: their period is the step, up to `MOST_LAG_S`."""
MOST_LAG_S = 0.25
PLACE = 0.3
"""Weight of the distance between two places beside that between the motions to them: a baseline that wandered by 1 mm
makes two moments as unlike as motions that differ by 0.5 mm."""
LEAST_SPREAD_MM = 0.1
"""Least spread of a prediction, in mm: the noise of a measured position."""
MOST_AHEADS = 3
"""Largest number of times that are predicted for at once."""
ENOUGH = 20.0
"""Effective number of similar samples below which the bandwidth is increased."""
MIN_SUPPORT = 0.1
"""Effective number of similar samples below which a prediction is not healthy: no past moment is nearer to the present
one than twice the bandwidth."""
MIN_CHECKED = 10
"""Number of checked predictions from which on the recent error is known."""
NO_WORSE_MM = 0.5
"""Upper limit of the recent error above that of predicting no motion, in mm."""
MAX_AHEAD_S = 3.0
"""Longest time ahead that is predicted, in seconds."""
MAX_SAMPLES = 4096
"""Upper limit of the number of samples in the trace."""
PENDING = 256
"""Number of predictions that are kept to be compared with later positions."""
PERIOD_GAIN = 0.1
"""Weight of the newest frame period in its running mean."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted position of the target.

    Attributes
    ----------
    position_mm : tuple of float
        (row, col) in mm, as the samples; NaN when it could not be predicted.
    spread_mm : tuple of float
        (row, col) in mm, by which what followed similar moments differs from its prediction (root mean square); NaN
        when the position could not be predicted.
    healthy : bool
        True when it may replace the measured position.
    recent_error_mm : float
        Weighted root mean square error of recent predictions, in mm; NaN before any could be checked.
    support : float
        Effective number of samples in the trace that are similar to the present one.
    """

    position_mm: tuple[float, float]
    spread_mm: tuple[float, float]
    healthy: bool
    recent_error_mm: float
    support: float


class Predictor:
    """Predict a target's motion from its trace, and keep track of the prediction error.

    The method is local regression on the recent trace [1]_, with a ridge penalty: what followed past moments whose
    motion was similar to the present one, as displacement, is fitted as a linear function of their difference from it.
    The results are deterministic, and buffers are allocated once. See docs/explanation/prediction.md.

    Parameters
    ----------
    config : PredictionConfig, optional
        `mode`, `look_ahead` and the latencies are not used here; see `gatekeeper.gating.lookahead`.

    References
    ----------
    .. [1] D. Ruan, J. A. Fessler, J. M. Balter, "Real-time prediction of respiratory motion based on local
       regression methods", Phys. Med. Biol. 52, 7137 (2007).
    """

    def __init__(self, config: PredictionConfig | None = None) -> None:
        self.config = PredictionConfig() if config is None else config
        self._times_s = np.zeros(2 * MAX_SAMPLES)
        self._positions_mm = np.zeros((2 * MAX_SAMPLES, 2))
        self._lag_vectors_mm = np.zeros((2 * MAX_SAMPLES, 2, LAGS))
        self._weights = np.zeros(2 * MAX_SAMPLES)
        self._normal = np.zeros((LAGS + MOST_AHEADS, LAGS))
        self._aheads_s = np.zeros(MOST_AHEADS)
        self._predicted_mm = np.zeros((MOST_AHEADS, 2))
        self._spread_mm = np.zeros((MOST_AHEADS, 2))
        self._due_s = np.zeros(PENDING)
        self._kept_mm = np.zeros((PENDING, 2))
        self._origin_mm = np.zeros((PENDING, 2))
        self._squared_errors_mm2 = np.zeros((PENDING, 2))
        self._errors_mm = np.zeros(2)
        self.reset()

    def reset(self) -> None:
        """Discard the trace and all predictions, which do not apply to another breathing pattern or plane."""
        self._begin = self._end = self._next = self._checked = 0
        self._current = False
        self._learned_s = 0.0
        self._lag_s = self._period_s = math.nan
        self._due_s.fill(math.nan)
        self._squared_errors_mm2.fill(math.nan)
        self._errors_mm.fill(math.nan)

    @property
    def frame_period_s(self) -> float:
        """Mean time between recent samples, in seconds; NaN before the second."""
        return self._period_s

    @property
    def recent_error_mm(self) -> float:
        """Weighted root mean square error of recent predictions, in mm; NaN before any could be checked."""
        return float(self._errors_mm[0])

    def add(self, time_s: float, position_mm: ArrayLike, confidence: float = 1.0) -> None:
        """Add a measured position to the trace.

        Samples that are not finite, of low confidence, or not later than the one before are left out, and there is no
        prediction until the next good one. Adding the last sample again has no effect.

        Parameters
        ----------
        time_s : float
            Time of the acquisition, in seconds.
        position_mm : array_like, shape (2,)
            (row, col) in mm.
        confidence : float
            Tracking confidence, 0-1.
        """
        row_mm, col_mm = (float(value) for value in np.asarray(position_mm, dtype=np.float64))
        times_s, positions_mm, newest = self._times_s, self._positions_mm, self._end - 1
        usable = (
            math.isfinite(time_s)
            and math.isfinite(row_mm)
            and math.isfinite(col_mm)
            and self.config.min_confidence <= confidence <= 1.0
        )
        if usable and self._end > self._begin and time_s <= times_s[newest]:
            same = time_s == times_s[newest] and (row_mm, col_mm) == tuple(positions_mm[newest])
            self._current = self._current and same
            return
        self._current = usable
        if not usable:
            return
        self._make_room(time_s)
        end = self._end
        times_s[end] = time_s
        positions_mm[end] = row_mm, col_mm
        self._end = end + 1
        gap_s, lags_mm = self.config.max_gap_s, self._lag_vectors_mm[end]
        if end > self._begin:
            self._compare(time_s - float(times_s[end - 1]))
        # The same step for all, from the first two seconds on.
        lag_s = self._lag_s
        if math.isnan(lag_s):
            lag_s = min(max(LAG_S, self._period_s), MOST_LAG_S) if self._period_s > 0.0 else LAG_S
        if lagged_positions(times_s, positions_mm, self._begin, self._end, lag_s, gap_s, lags_mm) < LAGS:
            lags_mm[:] = math.nan
        else:
            self._lag_s = lag_s

    def predict(self, *aheads_s: float) -> tuple[Prediction, ...]:
        """Predict the target's positions, and keep the predictions for comparison with later positions.

        Parameters
        ----------
        *aheads_s : float
            Times after the newest sample, in seconds, ascending, 0 to `MAX_AHEAD_S`; one to `MOST_AHEADS` of them.

        Returns
        -------
        tuple of Prediction
            One for each time; not healthy, with a position of NaN, when the trace does not allow a prediction.
        """
        count, unknown = len(aheads_s), (math.nan, math.nan)
        if not (self._current and aheads_s[0] >= 0.0 and aheads_s[-1] <= MAX_AHEAD_S):
            return (Prediction(unknown, unknown, False, self.recent_error_mm, 0.0),) * count
        config, predicted_mm, spread_mm = self.config, self._predicted_mm[:count], self._spread_mm[:count]
        self._aheads_s[:count] = aheads_s
        support = local_ridge(
            self._times_s,
            self._positions_mm,
            self._lag_vectors_mm,
            self._begin,
            self._end,
            self._aheads_s[:count],
            config.max_gap_s,
            config.likeness_mm,
            PLACE,
            ENOUGH,
            config.ridge_mm2,
            self._weights,
            self._normal[: LAGS + count],
            predicted_mm,
            spread_mm,
        )
        known = bool(np.isfinite(predicted_mm).all())
        if known:
            for number, ahead_s in enumerate(aheads_s):
                self._remember(ahead_s, predicted_mm[number])
            np.maximum(spread_mm, LEAST_SPREAD_MM, out=spread_mm)
        healthy = known and support >= MIN_SUPPORT and self._is_proven()
        return tuple(
            [
                Prediction((row_mm, col_mm), (row_spread_mm, col_spread_mm), healthy, self.recent_error_mm, support)
                for (row_mm, col_mm), (row_spread_mm, col_spread_mm) in zip(
                    predicted_mm.tolist(), spread_mm.tolist(), strict=True
                )
            ]
        )

    def _is_proven(self) -> bool:
        """Return True when the trace is long enough and recent predictions were accurate."""
        error_mm, without_motion_mm = self._errors_mm.tolist()
        return (
            self._learned_s >= self.config.burn_in_s
            and self._checked >= MIN_CHECKED
            and error_mm <= self.config.error_limit_mm
            and error_mm <= without_motion_mm + NO_WORSE_MM
        )

    def _remember(self, ahead_s: float, position_mm: NDArray[np.float64]) -> None:
        newest, slot = self._end - 1, self._next
        self._due_s[slot] = self._times_s[newest] + ahead_s
        self._kept_mm[slot] = position_mm
        self._origin_mm[slot] = self._positions_mm[newest]
        self._squared_errors_mm2[slot] = math.nan
        self._next = (slot + 1) % PENDING

    def _compare(self, step_s: float) -> None:
        """Check the predictions that are due with the newest sample, `step_s` after the one before."""
        config = self.config
        if step_s <= config.max_gap_s:
            self._learned_s += step_s
            gain = 1.0 if math.isnan(self._period_s) else PERIOD_GAIN
            self._period_s = step_s if gain == 1.0 else self._period_s + gain * (step_s - self._period_s)
        self._checked = score_predictions(
            self._times_s,
            self._positions_mm,
            self._begin,
            self._end,
            config.max_gap_s,
            config.error_half_life_s,
            self._due_s,
            self._kept_mm,
            self._origin_mm,
            self._squared_errors_mm2,
            self._errors_mm,
        )

    def _make_room(self, time_s: float) -> None:
        """Drop samples older than the history, and move the others to the front when the buffers are full."""
        oldest_s = time_s - self.config.history_s
        while self._begin < self._end and (
            self._times_s[self._begin] < oldest_s or self._end - self._begin >= MAX_SAMPLES
        ):
            self._begin += 1
        if self._begin == self._end:
            self._learned_s, self._lag_s = 0.0, math.nan
        if self._end == len(self._times_s):
            begin, end = self._begin, self._end
            for kept in (self._times_s, self._positions_mm, self._lag_vectors_mm):
                kept[: end - begin] = kept[begin:end]
            self._begin, self._end = 0, end - begin
