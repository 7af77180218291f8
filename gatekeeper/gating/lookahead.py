"""Predict how much of the target will be outside when a decision takes effect."""

import math
from collections.abc import Sequence

import numpy as np

from gatekeeper.config import PredictionConfig
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.predictor import Predictor


def instants_s(config: PredictionConfig, frame_period_s: float) -> tuple[float, ...]:
    """Return for which times after a frame's acquisition a decision on it is to be right, in seconds.

    The decision takes effect one latency after the acquisition and stands until the next one does. Aiming at the
    middle makes too early and too late equally likely; aiming at the whole of it trades beam-on time for fewer
    moments with the beam on while the target is out.

    Parameters
    ----------
    config : PredictionConfig
        `latency_s` and `look_ahead` are used.
    frame_period_s : float
        Time from frame to frame; NaN, not known yet, counts as none.
    """
    latency_s = config.latency_s
    period_s = frame_period_s if frame_period_s >= 0.0 else 0.0
    middle_s = latency_s + 0.5 * period_s
    return (middle_s,) if config.look_ahead == "middle" else (latency_s, middle_s, latency_s + period_s)


def used_percent(
    config: PredictionConfig, measured_percent: float, predicted_percent: Sequence[float], healthy: bool
) -> float:
    """Return the share of the target outside that a decision goes by.

    Parameters
    ----------
    config : PredictionConfig
        `mode` is used.
    measured_percent : float
        Share outside where the target was measured, 0-100; NaN when it could not be measured.
    predicted_percent : sequence of float
        The same where it is predicted, one value per instant; NaN where it could not be predicted.
    healthy : bool
        Whether all of these predictions are healthy.

    Returns
    -------
    float
        off: the measured share. conservative: the largest of measured and predicted. full: the largest predicted
        while the predictor is healthy, else as in conservative. A share that is not known counts as not known, NaN,
        which holds; only predictions of an unhealthy predictor are passed over when they are NaN. Nothing makes up
        for a measured share that is not known.
    """
    if config.mode == "off" or math.isnan(measured_percent):
        return measured_percent
    believed = healthy and len(predicted_percent) > 0
    if config.mode == "full" and believed:
        return _largest(predicted_percent)
    if believed:
        return _largest((measured_percent, *predicted_percent))
    return _largest((measured_percent, *(percent for percent in predicted_percent if not math.isnan(percent))))


def _largest(percents: Sequence[float]) -> float:
    """Return the largest value; NaN when any is."""
    return math.nan if any(math.isnan(percent) for percent in percents) else max(percents)


class Lookahead:
    """Follows the primary target, and says how much of it will be outside when a decision takes effect.

    Parameters
    ----------
    config : PredictionConfig
        All of it; a mode of "off" needs no foresight.

    Attributes
    ----------
    ahead_mm : tuple of float or None
        Where the target's centre was last predicted to be, in the middle of the time for which the decision stands, as
        (row, col) in mm; None when it could not be predicted.
    """

    def __init__(self, config: PredictionConfig) -> None:
        self._config = config
        self._predictor = Predictor(config)
        self.ahead_mm: tuple[float, float] | None = None

    def reset(self) -> None:
        """Forget the trace, as after the envelope was moved or frames of another plane came."""
        self._predictor.reset()
        self.ahead_mm = None

    def percent(self, track: Track, acquired_s: float, envelope: Envelope, measured_percent: float) -> float:
        """Return the share outside that counts, 0-100; NaN when that is not known.

        The target is moved as it was measured, by as much as its centre is predicted to move.

        Parameters
        ----------
        track : Track
            Where the target was measured.
        acquired_s : float
            When, in seconds of session time.
        envelope : Envelope
            Where it must be.
        measured_percent : float
            Share outside where it was measured.
        """
        predictor = self._predictor
        predictor.add(acquired_s, track.center_mm, track.confidence)
        predictions = [predictor.predict(ahead_s) for ahead_s in instants_s(self._config, predictor.frame_period_s)]
        predicted_percent = [
            self._outside_percent(track, prediction.position_mm, envelope) for prediction in predictions
        ]
        middle_mm = predictions[len(predictions) // 2].position_mm
        self.ahead_mm = middle_mm if math.isfinite(middle_mm[0]) and math.isfinite(middle_mm[1]) else None
        healthy = all(prediction.healthy for prediction in predictions)
        return used_percent(self._config, measured_percent, predicted_percent, healthy)

    @staticmethod
    def _outside_percent(track: Track, position_mm: tuple[float, float], envelope: Envelope) -> float:
        shift_px = np.subtract(position_mm, track.center_mm) / envelope.spacing_mm
        return envelope.outside_percent(track.contour_px + shift_px) if np.isfinite(shift_px).all() else math.nan
