"""Looking ahead: for which instants a decision is made, and whether the measured or the predicted target counts."""

import math
from collections.abc import Sequence

from gatekeeper.config import PredictionConfig


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
