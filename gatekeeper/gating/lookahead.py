"""Predict the share of the target outside its envelope at the time when a decision takes effect."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from gatekeeper.config import PredictionConfig
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.predictor import Prediction, Predictor
from gatekeeper.gating.risk import LEVELS, RiskLimit

USUAL_ERROR_MM = 1.0
"""Usual error of a measured position in mm: 95 % of the tracker's errors on labelled recordings are smaller (make
bench-peers). A target measured further outside than this is outside, whatever is predicted."""
WITH_RISK_LIMIT = 2.0
"""Number of usual errors by which a target may be measured outside with a risk limit, which counts what the prediction
costs and makes it good."""

SPARE = 0.3
"""Part of the spread of a prediction by which the target must be inside. With 0.3 it is inside with a probability of
62 %: a beam that is on while the target is outside counts 1.6 times as much as one held while it is inside."""

LONGEST_LATENCY_S = 3.0
"""Longest latency that the settings allow, in s."""
CROSSING_STEPS = 3
"""Halvings by which the moment is found at which a target crossed the edge, between two frames."""


def instants_s(config: PredictionConfig, frame_period_s: float, latency_s: float | None = None) -> tuple[float, ...]:
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
    latency_s : float, optional
        Latency in seconds, instead of that of the settings.

    Returns
    -------
    tuple of float
        One or three times, ascending.
    """
    latency_s = config.latency_s if latency_s is None else latency_s
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


def passed_levels(inside: Callable[[float], bool], near: int) -> int:
    """Return at how many levels, from the lowest, the target is inside.

    Parameters
    ----------
    inside : callable
        Whether it is inside at a level of `LEVELS`.
    near : int
        Where to look first; any number from 0 to that of all levels.

    Returns
    -------
    int
        0 to the number of all levels.

    Examples
    --------
    >>> passed_levels(lambda level: level < 0.5, near=6)
    4
    """
    low, high = 0, len(LEVELS)
    middle, step = min(near, high - 1), 1
    while low < high:
        if inside(LEVELS[middle]):
            low, beside = middle + 1, middle + 1
        else:
            high, beside = middle, middle - 1
        # Usually it is as on the frame before, so that the one beside decides.
        middle, step = (beside, 0) if step and low <= beside < high else ((low + high) // 2, 0)
    return low


def _reach(predictions: Sequence[Prediction], axis: int, spreads: float, measured_mm: float) -> tuple[float, float]:
    """Return the least and the largest coordinate within so many spreads of the predicted positions, in mm."""
    spreads_mm = [math.hypot(spreads * one.spread_mm[axis], measured_mm) for one in predictions]
    places_mm = [one.position_mm[axis] for one in predictions]
    return (
        -_largest([spread_mm - at_mm for at_mm, spread_mm in zip(places_mm, spreads_mm, strict=True)]),
        _largest([spread_mm + at_mm for at_mm, spread_mm in zip(places_mm, spreads_mm, strict=True)]),
    )


class Ahead(NamedTuple):
    """Where a target is expected.

    Attributes
    ----------
    time_s : float
        Session time, in s.
    center_mm : tuple of float
        Predicted position of its centre, as (row, col) in mm.
    spread_mm : tuple of float
        Distance to each side, along (rows, columns) in mm, within which it must be inside for the beam to be on.
    """

    time_s: float
    center_mm: tuple[float, float]
    spread_mm: tuple[float, float]


class Lookahead:
    """Predict the share of a target outside its envelope.

    Parameters
    ----------
    config : PredictionConfig
        The settings; their mode is not "off".
    limit_percent : float, optional
        Largest share outside with the beam on, in percent; needed with a risk limit.
    risk_percent : float, optional
        Largest share of the time with the beam on while the target is outside, in percent; by default it is not
        limited.

    Attributes
    ----------
    ahead_mm : tuple of float or None
        Last predicted position of the target's centre, for the middle of the time for which the decision lasts, as
        (row, col) in mm; None when it could not be predicted.
    promised : bool
        False when the risk limit cannot be promised on the last frame.
    latency_s : float
        Latency in use, in seconds.
    """

    def __init__(self, config: PredictionConfig, limit_percent: float = 0.0, risk_percent: float | None = None) -> None:
        self._config = config if risk_percent is None else config.model_copy(update={"look_ahead": "whole"})
        self._predictor = Predictor(config)
        self.latency_s = config.latency_s
        self._limit_percent = limit_percent
        self.risk = None if risk_percent is None else RiskLimit(risk_percent)
        self.promised = self.risk is None
        self.ahead_mm: tuple[float, float] | None = None
        self._expected: tuple[float, tuple[float, ...], tuple[Prediction, ...], float, float] | None = None
        self._last: tuple[bool | None, tuple[float, float]] = None, (0.0, 0.0)
        self._passed = 0

    def reset(self) -> None:
        """Discard the trace, for example after the envelope was moved or frames of another plane came."""
        self._predictor.reset()
        self.ahead_mm, self._expected, self._last, self._passed = None, None, (None, (0.0, 0.0)), 0
        if self.risk is not None:
            self.risk.forget()

    def interval(self) -> tuple[Ahead, ...]:
        """Return where the target is expected while the decision on the last frame stands; nothing if unknown."""
        if self._expected is None or self.ahead_mm is None:
            return ()
        acquired_s, times_s, predictions, spreads, measured_mm = self._expected
        return tuple(
            Ahead(
                acquired_s + time_s,
                one.position_mm,
                (
                    math.hypot(spreads * one.spread_mm[0], measured_mm),
                    math.hypot(spreads * one.spread_mm[1], measured_mm),
                ),
            )
            for time_s, one in zip(times_s, predictions, strict=True)
        )

    def use_latency(self, latency_s: float) -> None:
        """Use a measured latency from the next frame on, where the settings say so.

        Raises
        ------
        ValueError
            When it is not a number of seconds from 0 to 3.
        """
        if not 0.0 <= latency_s <= LONGEST_LATENCY_S:
            raise ValueError(f"the latency is {latency_s} s; it must be from 0 to {LONGEST_LATENCY_S:g}")
        if self._config.latency == "measured":
            self.latency_s = latency_s

    def took_effect(self, on: bool) -> None:
        """Say whether the beam is on by the decision on the last frame, as the risk limit needs to know."""
        if self.risk is not None:
            self.risk.took_effect(on)

    def percent(self, track: Track, acquired_s: float, envelope: Envelope, measured_percent: float) -> float:
        """Return the share outside on which the decision is based, see `used_percent`.

        The measured outline is translated by the predicted displacement of its centre, and by spreads of the prediction
        to each side: `SPARE` of them or, with a risk limit, as many as it asks for together with the spread of what was
        measured. The largest share counts.

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
        times_s = instants_s(self._config, predictor.frame_period_s, self.latency_s)
        predictions = predictor.predict(*times_s)
        measured_mm = 0.0 if self.risk is None else track.spread_mm
        middle_mm = predictions[len(predictions) // 2].position_mm
        self.ahead_mm = middle_mm if math.isfinite(middle_mm[0]) and math.isfinite(middle_mm[1]) else None
        least_percent = measured_percent
        if self.ahead_mm is not None and measured_percent > 0.0:
            least_percent = self._least_percent(track, self.ahead_mm, envelope)
        self._expected = acquired_s, times_s, predictions, SPARE, measured_mm
        if self.risk is None:
            predicted_percent = [self._around(track, [one], SPARE, envelope) for one in predictions]
            healthy = all(one.healthy for one in predictions)
            return self._used(measured_percent, predicted_percent, healthy, least_percent)
        outside = None
        if track.confidence >= self._config.min_confidence and not math.isnan(measured_percent):
            outside = measured_percent > self._limit_percent
        self.risk.measured(acquired_s, outside, self._crossed(track, outside, envelope), self._config.max_gap_s)
        level = self.risk.level()
        self.promised = level is not None
        self._expected = acquired_s, times_s, predictions, LEVELS[0] if level is None else level, measured_mm

        def used_at(spreads: float) -> float:
            around = self._around(track, predictions, spreads, envelope, measured_mm)
            return self._used(measured_percent, [around], self.ahead_mm is not None, least_percent)

        if self.ahead_mm is not None:
            self._passed = passed_levels(lambda spreads: used_at(spreads) <= self._limit_percent, self._passed)
            self.risk.decided(acquired_s + times_s[0], acquired_s + times_s[-1], self._passed)
        return used_at(LEVELS[0] if level is None else level)

    def _crossed(self, track: Track, outside: bool | None, envelope: Envelope) -> float:
        """Return the part of the step from the last centre to this one at which the target crossed the edge, 0-1."""
        before, from_mm = self._last
        self._last = outside, track.center_mm
        if outside is None or before is None or outside == before:
            return 0.0
        step_mm = np.subtract(from_mm, track.center_mm)
        low, high = 0.0, 1.0
        for _ in range(CROSSING_STEPS):
            middle = 0.5 * (low + high)
            percent = envelope.largest_outside_percent(track.contour_px, step_mm[None, :] * (1.0 - middle))
            low, high = (low, middle) if (percent > self._limit_percent) == outside else (middle, high)
        return 0.5 * (low + high)

    def _used(
        self, measured_percent: float, predicted_percent: Sequence[float], healthy: bool, least_percent: float
    ) -> float:
        """Return the share on which the decision is based, from what is predicted."""
        percent = used_percent(self._config, measured_percent, predicted_percent, healthy)
        # Only the full mode takes less than was measured.
        return _largest((percent, least_percent)) if percent < measured_percent else percent

    @staticmethod
    def _around(
        track: Track, predictions: Sequence[Prediction], spreads: float, envelope: Envelope, measured_mm: float = 0.0
    ) -> float:
        """Return the largest share outside within so many spreads of the predicted positions, in percent.

        `measured_mm` is the spread of the measured position, which is independent of that of the prediction.
        """
        (top, bottom), (left, right) = (_reach(predictions, axis, spreads, measured_mm) for axis in (0, 1))
        row, col = predictions[len(predictions) // 2].position_mm
        center_row, center_col = track.center_mm
        shifts_mm = np.array(
            [
                (top - center_row, col - center_col),
                (bottom - center_row, col - center_col),
                (row - center_row, left - center_col),
                (row - center_row, right - center_col),
            ]
        )
        return envelope.largest_outside_percent(track.contour_px, shifts_mm)

    def _least_percent(self, track: Track, towards_mm: tuple[float, float], envelope: Envelope) -> float:
        """Return the share outside of the target where it may be at best, its usual error nearer to the prediction."""
        step_mm = np.subtract([towards_mm], track.center_mm)
        away_mm, error_mm = math.hypot(*step_mm[0]), USUAL_ERROR_MM
        if self.risk is not None:
            error_mm *= WITH_RISK_LIMIT
        share = 1.0 if away_mm <= error_mm else error_mm / away_mm
        return envelope.largest_outside_percent(track.contour_px, share * step_mm)
