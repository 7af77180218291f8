"""Simulate beam states, and compare them with the true position of the target.

A decision on a frame takes effect one latency after its acquisition, and remains until the next one does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.prediction.methods import AnyPredictor
from benchmarks.prediction.scenes import MIN_CONFIDENCE, WINDOW_MM, Scene
from gatekeeper.config import PredictionConfig
from gatekeeper.core.clock import stopwatch_ns
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.lookahead import SPARE, USUAL_ERROR_MM, Lookahead, instants_s, used_percent

Array = NDArray[np.float64]
SIDE_MM = 8.0
"""Half the side of a square target, in mm."""


@dataclass(frozen=True, slots=True)
class Score:
    """Scores over the scored time.

    Attributes
    ----------
    on_while_out, accuracy, duty_cycle, inside : float
        Shares of the time: beam on with the target outside; beam on exactly when the target is inside; beam on;
        target inside. In percent.
    crossing_error_ms : float
        Time with the beam in the wrong state, per crossing of the window's edge.
    time_s : float
        Scored time.
    """

    on_while_out: float
    accuracy: float
    duty_cycle: float
    inside: float
    crossing_error_ms: float
    time_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predictions on each frame of a scene.

    Attributes
    ----------
    instants_s : tuple of float
        Times after each frame that are predicted for.
    si_mm : ndarray of float64, shape (T, instants)
        Predicted position; NaN where there is no prediction.
    spread_mm : ndarray of float64, shape (T, instants)
        Spread of the predictions; NaN where there is none.
    healthy : ndarray of bool, shape (T,)
        Whether all predictions of a frame were healthy.
    """

    instants_s: tuple[float, ...]
    si_mm: Array
    spread_mm: Array
    healthy: NDArray[np.bool_]


def settings(mode: str, latency_s: float, look_ahead: str = "middle") -> PredictionConfig:
    """Return the config of a mode at a latency; how the latency is composed does not matter here."""
    return PredictionConfig.model_validate(
        {"mode": mode, "look_ahead": look_ahead, "imaging_s": 0.0, "compute_s": 0.0, "linac_s": latency_s}
    )


def predict(scene: Scene, predictor: AnyPredictor, instants: tuple[float, ...]) -> Predictions:
    """Run the predictor on the scene, frame by frame, and return its predictions."""
    si_mm = np.full((len(scene.times_s), len(instants)), np.nan)
    spread_mm = np.full_like(si_mm, np.nan)
    healthy = np.zeros(len(scene.times_s), dtype=np.bool_)
    for frame, time_s in enumerate(scene.times_s.tolist()):
        predictor.add(time_s, scene.measured_mm[frame], float(scene.confidence[frame]))
        said = predictor.predict(*instants)
        si_mm[frame] = [prediction.position_mm[0] for prediction in said]
        spread_mm[frame] = [prediction.spread_mm[0] for prediction in said]
        healthy[frame] = all(prediction.healthy for prediction in said)
    return Predictions(instants, si_mm, spread_mm, healthy)


def time_us(scene: Scene, predictor: AnyPredictor, ahead_s: float) -> Array:
    """Return the time to add each sample and predict once, in microseconds, shape (T,)."""
    times_us = np.empty(len(scene.times_s))
    for frame, time_s in enumerate(scene.times_s.tolist()):
        began_ns = stopwatch_ns()
        predictor.add(time_s, scene.measured_mm[frame], float(scene.confidence[frame]))
        predictor.predict(ahead_s)
        times_us[frame] = 1e-3 * (stopwatch_ns() - began_ns)
    return times_us


def instants_of(scene: Scene, config: PredictionConfig) -> tuple[float, ...]:
    """Return the times to predict for, at the scene's frame rate."""
    return instants_s(config, float(np.median(np.diff(scene.times_s))))


def beam_on(
    scene: Scene,
    predictions: Predictions,
    config: PredictionConfig,
    *,
    as_gate: bool = False,
    window_mm: float = WINDOW_MM,
) -> NDArray[np.bool_]:
    """Return the decision on each frame, shape (T,): by the prediction alone, or as the gate decides.

    The gate in addition holds where the measured position is outside by more than its usual error, see `Lookahead`.
    Another `window_mm` shifts the edge by which it is decided, not the one by which it is scored.
    """
    instants = [predictions.instants_s.index(instant) for instant in instants_of(scene, config)]
    measured = _percent(np.where(scene.confidence >= MIN_CONFIDENCE, scene.measured_mm[:, 0], np.nan), window_mm)
    predicted = _percent(np.abs(predictions.si_mm[:, instants]) + SPARE * predictions.spread_mm[:, instants], window_mm)
    used = [
        used_percent(config, measured[frame], predicted[frame].tolist(), bool(predictions.healthy[frame]))
        for frame in range(len(measured))
    ]
    if as_gate:
        si_mm, middle_mm = scene.measured_mm[:, 0], predictions.si_mm[:, instants[len(instants) // 2]]
        at_best = _percent(si_mm + np.clip(middle_mm - si_mm, -USUAL_ERROR_MM, USUAL_ERROR_MM), window_mm)
        used = np.where(used < measured, np.maximum(used, at_best), used)
    return np.array(used) <= 0.0


def beam_on_within(scene: Scene, config: PredictionConfig, risk_percent: float) -> NDArray[np.bool_]:
    """Return the decision on each frame, shape (T,), of the gate's own look ahead with a risk limit.

    The target is a square, so wide that only SI matters, and may not be outside at all.
    """
    corners = np.array([(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0)])
    envelope = Envelope(corners * (SIDE_MM + WINDOW_MM, 10.0 * SIDE_MM), (1.0, 1.0))
    lookahead, on = Lookahead(config, 0.0, risk_percent), np.zeros(len(scene.times_s), dtype=np.bool_)
    for frame, (time_s, (row_mm, col_mm)) in enumerate(
        zip(scene.times_s.tolist(), scene.measured_mm.tolist(), strict=True)
    ):
        track = Track(SIDE_MM * corners + (row_mm, col_mm), (row_mm, col_mm), float(scene.confidence[frame]))
        percent = lookahead.percent(track, time_s, envelope, envelope.outside_percent(track.contour_px))
        on[frame] = percent <= 0.0 and lookahead.promised
        lookahead.took_effect(bool(on[frame]))
    return on


def beam_at(scene: Scene, on: NDArray[np.bool_], latency_s: float) -> NDArray[np.bool_]:
    """Return the state of the beam on the grid of the truth."""
    standing = np.searchsorted(scene.times_s + latency_s, scene.truth_s, side="right") - 1
    return (standing >= 0) & on[np.maximum(standing, 0)]


def score(scene: Scene, on: NDArray[np.bool_], latency_s: float) -> Score:
    """Score the decisions `on`, shape (T,), against the truth."""
    scored = scene.truth_s >= scene.scored_from_s
    beam = beam_at(scene, on, latency_s)[scored]
    inside = np.abs(scene.truth_mm[scored]) <= WINDOW_MM
    step_s = float(np.median(np.diff(scene.truth_s)))
    crossings = max(int(np.count_nonzero(inside[1:] != inside[:-1])), 1)
    return Score(
        on_while_out=100.0 * float((beam & ~inside).mean()),
        accuracy=100.0 * float((beam == inside).mean()),
        duty_cycle=100.0 * float(beam.mean()),
        inside=100.0 * float(inside.mean()),
        crossing_error_ms=1e3 * step_s * float((beam != inside).sum()) / crossings,
        time_s=step_s * len(inside),
    )


def pooled(scores: Sequence[Score]) -> Score:
    """Return the score over the total time of several scores."""
    times_s = np.array([one.time_s for one in scores])
    wrong_s = np.array([(100.0 - one.accuracy) / 100.0 for one in scores]) * times_s
    crossings = sum(
        1e3 * wrong / one.crossing_error_ms for wrong, one in zip(wrong_s, scores, strict=True) if wrong > 0.0
    )
    shares = np.average(
        [(one.on_while_out, one.accuracy, one.duty_cycle, one.inside) for one in scores], axis=0, weights=times_s
    )
    on_while_out, accuracy, duty_cycle, inside = shares.tolist()
    return Score(
        on_while_out, accuracy, duty_cycle, inside, 1e3 * float(wrong_s.sum()) / max(crossings, 1.0), times_s.sum()
    )


def _percent(position_mm: Array, window_mm: float) -> Array:
    """Return the share of a small target outside: none or all, NaN where the position is unknown."""
    return np.where(np.isnan(position_mm), np.nan, np.where(np.abs(position_mm) <= window_mm, 0.0, 100.0))
