"""Provide predictors with a common interface: ours, ridge regressions, a straight line, a Kalman filter."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import PredictionConfig
from gatekeeper.gating.predictor import Prediction, Predictor
from kernels.trajectory import lagged_positions

OURS = "local ridge"


class AnyPredictor(Protocol):
    def add(self, time_s: float, position_mm: NDArray[np.float64], confidence: float) -> None: ...

    def predict(self, *aheads_s: float) -> tuple[Prediction, ...]: ...


class StraightLine:
    """Extrapolate the least-squares line through the last three samples."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, float, float]] = []

    def add(self, time_s: float, position_mm: NDArray[np.float64], confidence: float) -> None:
        if confidence >= 0.5:
            self._samples = [*self._samples[-2:], (time_s, position_mm[0], position_mm[1])]

    def predict(self, *aheads_s: float) -> tuple[Prediction, ...]:
        known = np.array(self._samples)
        if len(known) < 2:
            return tuple(_plain(np.full(2, np.nan)) for _ in aheads_s)
        line = np.polyfit(known[:, 0] - known[-1, 0], known[:, 1:], 1)
        return tuple(_plain(line[0] * ahead_s + line[1]) for ahead_s in aheads_s)


class Kalman:
    """Kalman filter of constant acceleration: white jerk of `jerk_mm_s3` per root Hz, measurement noise `noise_mm`."""

    def __init__(self, jerk_mm_s3: float = 60.0, noise_mm: float = 0.2) -> None:
        self._jerk2, self._noise2 = jerk_mm_s3**2, noise_mm**2
        self._state = np.full((3, 2), np.nan)
        self._spread = np.diag((1.0, 100.0, 1000.0))
        self._time_s = np.nan

    @staticmethod
    def _step(dt: float) -> NDArray[np.float64]:
        return np.array([[1.0, dt, 0.5 * dt**2], [0.0, 1.0, dt], [0.0, 0.0, 1.0]])

    def add(self, time_s: float, position_mm: NDArray[np.float64], confidence: float) -> None:
        if not confidence >= 0.5:
            return
        if np.isnan(self._time_s):
            self._state = np.array([position_mm, (0.0, 0.0), (0.0, 0.0)])
        else:
            dt = time_s - self._time_s
            step = self._step(dt)
            drive = np.array(
                [
                    [dt**5 / 20.0, dt**4 / 8.0, dt**3 / 6.0],
                    [dt**4 / 8.0, dt**3 / 3.0, dt**2 / 2.0],
                    [dt**3 / 6.0, dt**2 / 2.0, dt],
                ]
            )
            self._state = step @ self._state
            self._spread = step @ self._spread @ step.T + self._jerk2 * drive
            gain = self._spread[:, 0] / (self._spread[0, 0] + self._noise2)
            self._state = self._state + np.outer(gain, position_mm - self._state[0])
            self._spread = self._spread - np.outer(gain, self._spread[0])
        self._time_s = time_s

    def predict(self, *aheads_s: float) -> tuple[Prediction, ...]:
        return tuple(_plain((self._step(ahead_s) @ self._state)[0]) for ahead_s in aheads_s)


class RidgeOfPlaces:
    """Local ridge regression on places, not on the motion between them: what gatekeeper predicted by before.

    Sixteen places of the last two seconds; healthy where enough of them are alike.
    """

    LAGS, LAG_S, MAX_GAP_S, LEAST_WEIGHT, ENOUGH, BURN_IN_S = 16, 0.125, 0.75, 1e-3, 20.0, 20.0

    def __init__(self, bandwidth_mm: float, history_s: float, ridge_mm2: float = 1.0) -> None:
        self._bandwidth_mm, self._history_s, self._ridge_mm2 = bandwidth_mm, history_s, ridge_mm2
        self._times_s = np.empty(0)
        self._places_mm = np.empty((0, 2))
        self._lags_mm = np.empty((0, 2, self.LAGS))

    def add(self, time_s: float, position_mm: NDArray[np.float64], confidence: float) -> None:
        if not confidence >= 0.5:
            return
        kept = self._times_s >= time_s - self._history_s
        self._times_s = np.append(self._times_s[kept], time_s)
        self._places_mm = np.concatenate((self._places_mm[kept], [position_mm]))
        lags_mm, count = np.full((2, self.LAGS), np.nan), len(self._times_s)
        lagged_positions(self._times_s, self._places_mm, 0, count, self.LAG_S, self.MAX_GAP_S, lags_mm)
        self._lags_mm = np.concatenate((self._lags_mm[kept], [lags_mm]))

    def predict(self, *aheads_s: float) -> tuple[Prediction, ...]:
        return tuple(self._predict(ahead_s) for ahead_s in aheads_s)

    def _predict(self, ahead_s: float) -> Prediction:
        now_s, now_mm = self._times_s[-1], self._lags_mm[-1]
        away_mm = self._lags_mm - now_mm
        past = (self._times_s + ahead_s <= now_s) & np.isfinite(away_mm).all(axis=(1, 2))
        if not past.any():
            return _plain(np.full(2, np.nan))
        away_mm, distance_mm2 = away_mm[past], (away_mm[past] ** 2).sum(axis=(1, 2)) / self.LAGS
        weights = np.exp(-0.5 * distance_mm2 / self._bandwidth_mm**2)
        support = weights.sum()
        for doubled in (2.0, 4.0):
            if weights.sum() < self.ENOUGH:
                weights = np.exp(-0.5 * distance_mm2 / (self._bandwidth_mm * doubled) ** 2)
        weights[weights < self.LEAST_WEIGHT] = 0.0
        then_s = self._times_s[past] + ahead_s
        position_mm = np.full(2, np.nan)
        if weights.any():
            penalty = self._ridge_mm2 * np.diag([0.0] + [1.0] * self.LAGS)
            for axis in range(2):
                known = np.column_stack((np.ones(len(away_mm)), away_mm[:, axis]))
                normal = known.T @ (weights[:, None] * known) + penalty
                then_mm = np.interp(then_s, self._times_s, self._places_mm[:, axis])
                position_mm[axis] = np.linalg.solve(normal, known.T @ (weights * then_mm))[0]
        proven = support >= 1.0 and now_s - self._times_s[0] >= self.BURN_IN_S
        one = _plain(position_mm)
        return replace(one, healthy=one.healthy and bool(proven))


def _plain(position_mm: NDArray[np.float64]) -> Prediction:
    """Return the prediction of a method that knows neither its spread nor its health."""
    row_mm, col_mm = position_mm.tolist()
    return Prediction((row_mm, col_mm), (0.0, 0.0), bool(np.isfinite(position_mm).all()), np.nan, 0.0)


METHODS: dict[str, Callable[[], AnyPredictor]] = {
    OURS: Predictor,
    # Wide enough to weight all times of the last minute alike.
    "plain ridge": lambda: Predictor(PredictionConfig(likeness_mm=1000.0, history_s=60.0)),
    "local ridge of places": lambda: RidgeOfPlaces(0.8, 240.0),
    "Kalman filter": Kalman,
    "straight line": StraightLine,
}
