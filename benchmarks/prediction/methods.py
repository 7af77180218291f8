"""Provide predictors with a common interface: gatekeeper's, ridge regression, a straight line, a Kalman filter."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import PredictionConfig
from gatekeeper.gating.predictor import Prediction, Predictor

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


def _plain(position_mm: NDArray[np.float64]) -> Prediction:
    """Return the prediction of a method that knows neither its spread nor its health."""
    row_mm, col_mm = position_mm.tolist()
    return Prediction((row_mm, col_mm), (0.0, 0.0), bool(np.isfinite(position_mm).all()), np.nan, 0.0)


METHODS: dict[str, Callable[[], AnyPredictor]] = {
    OURS: Predictor,
    # Wide enough to weight all times of the last minute alike.
    "plain ridge": lambda: Predictor(PredictionConfig(likeness_mm=1000.0, history_s=60.0)),
    "Kalman filter": Kalman,
    "straight line": StraightLine,
}
