"""Predict the share of the target outside its envelope at the time when a decision takes effect."""

import math
from collections.abc import Sequence

import numpy as np

from gatekeeper.config import PredictionConfig
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.predictor import Prediction, Predictor

USUAL_ERROR_MM = 1.0
"""Usual error of a measured position in mm: 95 % of the tracker's errors on labelled recordings are smaller (make
bench-peers). A target measured further outside than this is outside, whatever is predicted."""


SPARE = 0.3
"""Part of the spread of a prediction by which the target must be inside. With 0.3 it is inside with a probability of
62 %: a beam that is on while the target is outside counts 1.6 times as much as one held while it is inside."""
DIRECTIONS = np.array([(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])
"""In which the target is moved by it."""


def instants_s(config: PredictionConfig, frame_period_s: float) -> tuple[float, ...]:
    """Return the times after a frame's acquisition for which to predict, in seconds.

    A decision takes effect one latency after the acquisition and lasts until the next one takes effect. Predicting for
    the middle of that time balances early and late errors; predicting for start, middle and end trades beam-on time for
    less time with the beam on outside limits.

    Parameters
    ----------
    config : PredictionConfig
        Its `latency_s` and `look_ahead` are used.
    frame_period_s : float
        Time between frames; NaN when not known yet, which counts as 0.

    Returns
    -------
    tuple of float
        One or three times, ascending.
    """
    latency_s = config.latency_s
    period_s = frame_period_s if frame_period_s >= 0.0 else 0.0
    middle_s = latency_s + 0.5 * period_s
    return (middle_s,) if config.look_ahead == "middle" else (latency_s, middle_s, latency_s + period_s)


def used_percent(
    config: PredictionConfig, measured_percent: float, predicted_percent: Sequence[float], healthy: bool
) -> float:
    """Return the share outside on which a decision is based.

    Parameters
    ----------
    config : PredictionConfig
        Its `mode` is used.
    measured_percent : float
        Share outside at the measured position, 0-100; NaN when it could not be measured.
    predicted_percent : sequence of float
        Share outside at the predicted positions, one per time; NaN where it could not be predicted.
    healthy : bool
        True when all predictions are healthy.

    Returns
    -------
    float
        off: the measured share. conservative: the largest of measured and predicted shares. full: the largest predicted
        share when the predictions are healthy, else as in conservative; `Lookahead` raises it where the measured
        position is outside by more than its usual error. NaN, which holds the beam, when the measured
        share is NaN, or a healthy predicted share is NaN; predictions that are not healthy are ignored when NaN.
    """
    if config.mode == "off" or math.isnan(measured_percent):
        return measured_percent
    usable = healthy and len(predicted_percent) > 0
    if config.mode == "full" and usable:
        return _largest(predicted_percent)
    if usable:
        return _largest((measured_percent, *predicted_percent))
    return _largest((measured_percent, *(percent for percent in predicted_percent if not math.isnan(percent))))


def _largest(percents: Sequence[float]) -> float:
    """Return the largest value; NaN when any is."""
    return math.nan if any(math.isnan(percent) for percent in percents) else max(percents)


class Lookahead:
    """Predict the share of a target outside its envelope.

    Parameters
    ----------
    config : PredictionConfig
        The settings; their mode is not "off".

    Attributes
    ----------
    ahead_mm : tuple of float or None
        Last predicted position of the target's centre, for the middle of the time for which the decision lasts, as
        (row, col) in mm; None when it could not be predicted.
    """

    def __init__(self, config: PredictionConfig) -> None:
        self._config = config
        self._predictor = Predictor(config)
        self.ahead_mm: tuple[float, float] | None = None

    def reset(self) -> None:
        """Discard the trace, for example after the envelope was moved or frames of another plane came."""
        self._predictor.reset()
        self.ahead_mm = None

    def percent(self, track: Track, acquired_s: float, envelope: Envelope, measured_percent: float) -> float:
        """Return the share outside on which the decision is based, see `used_percent`.

        The measured outline is translated by the predicted displacement of its centre, and by `SPARE` spreads of the
        prediction to each side; the largest share counts.

        Parameters
        ----------
        track : Track
            The measured target.
        acquired_s : float
            Session time of the acquisition, in seconds.
        envelope : Envelope
            The target's envelope.
        measured_percent : float
            Share outside at the measured position.

        Returns
        -------
        float
            Share in percent, 0-100; NaN when it is not known.
        """
        predictor = self._predictor
        predictor.add(acquired_s, track.center_mm, track.confidence)
        predictions = predictor.predict(*instants_s(self._config, predictor.frame_period_s))
        predicted_percent = [self._predicted_percent(track, prediction, envelope) for prediction in predictions]
        middle_mm = predictions[len(predictions) // 2].position_mm
        self.ahead_mm = middle_mm if math.isfinite(middle_mm[0]) and math.isfinite(middle_mm[1]) else None
        healthy = all(prediction.healthy for prediction in predictions)
        percent = used_percent(self._config, measured_percent, predicted_percent, healthy)
        if not percent < measured_percent:
            return percent
        # Only the full mode takes less than was measured.
        return _largest((percent, self._least_percent(track, middle_mm, envelope)))

    def _least_percent(self, track: Track, towards_mm: tuple[float, float], envelope: Envelope) -> float:
        """Return the share outside of the target where it may be at best, its usual error nearer to the prediction."""
        row_mm, col_mm = track.center_mm
        away_mm = math.hypot(towards_mm[0] - row_mm, towards_mm[1] - col_mm)
        share = 1.0 if away_mm <= USUAL_ERROR_MM else USUAL_ERROR_MM / away_mm
        at_best_mm = (row_mm + share * (towards_mm[0] - row_mm), col_mm + share * (towards_mm[1] - col_mm))
        return self._outside_percent(track, at_best_mm, envelope)

    @staticmethod
    def _predicted_percent(track: Track, predicted: Prediction, envelope: Envelope) -> float:
        """Return the largest share outside around a predicted position."""
        shifts_mm = np.subtract(predicted.position_mm, track.center_mm) + SPARE * DIRECTIONS * predicted.spread_mm
        return envelope.largest_outside_percent(track.contour_px, shifts_mm)

    @staticmethod
    def _outside_percent(track: Track, position_mm: tuple[float, float], envelope: Envelope) -> float:
        shift_mm = np.subtract([position_mm], track.center_mm)
        return envelope.largest_outside_percent(track.contour_px, shift_mm)
