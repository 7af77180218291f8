"""Foresight: the share of the target outside that a decision goes by when it looks ahead."""

import math

import numpy as np

from gatekeeper.config import PredictionConfig
from gatekeeper.core.track import Track
from gatekeeper.gating.ahead import instants_s, used_percent
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.predictor import Predictor


class Foresight:
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
