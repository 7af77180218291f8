"""Compare the forecast of a sequence with the gate's decisions on its rest, for all margins and limits."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.forecast.sequences import Sequence
from gatekeeper.config import GateConfig
from gatekeeper.config.forecast import ForecastConfig
from gatekeeper.core.decision import BeamState
from gatekeeper.core.frame import Frame
from gatekeeper.forecast.free_breathing import end_exhale_mm, forecast_free_breathing, learned_range
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.frame_checks import FrameChecks
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.motion import LearnedRange

Array = NDArray[np.float64]

MARGINS_MM = tuple(float(margin) for margin in range(3, 9))
PERCENTS = tuple(float(percent) for percent in range(1, 21))
LATENCY_S = 0.3
SHARES = 0.1, 0.5, 0.9
"""Quantiles of the futures: the ends of the 80 % interval, and the forecast."""
ARRIVES_S = 0.1
NO_IMAGE = np.zeros((1, 1), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Duty cycles of one sequence in percent, each of shape (margins, percents).

    Attributes
    ----------
    name : str
        Name of the sequence.
    frames : int
        Frames after the preview.
    true, goes_on : ndarray of float64
        Of the gate after the preview, and on it.
    low, middle, high : ndarray of float64
        Ends of the forecast's 80 % interval, and its median.
    """

    name: str
    frames: int
    true: Array
    goes_on: Array
    low: Array
    middle: Array
    high: Array

    @property
    def held(self) -> NDArray[np.bool_]:
        """Whether the interval holds the truth, to one frame of the sequence."""
        frame_percent = 100.0 / self.frames
        return (self.low - frame_percent <= self.true) & (self.true <= self.high + frame_percent)


def duty_percent(
    sequence: Sequence, frames: range, envelope: Envelope, percent: float, config: GateConfig, learned: LearnedRange
) -> float:
    """Return the duty cycle of a gate on some frames of a sequence, in percent."""
    gate = Gate(envelope, config.model_copy(update={"outside_percent": percent}), learned=learned)
    on = 0
    for number, index in enumerate(frames):
        acquired_s = float(sequence.times_s[index])
        frame = Frame(NO_IMAGE, sequence.spacing_mm, number, acquired_s, acquired_s + ARRIVES_S)
        on += gate.decide(sequence.tracks[index], frame, checks=FrameChecks()).state is BeamState.ON
    return 100.0 * on / len(frames)


def compare(sequence: Sequence, futures: int) -> Compared:
    """Return forecast and truth of a sequence; the envelope lies at end-exhale of the preview."""
    config = GateConfig()
    preview, first = sequence.preview(config.min_confidence), sequence.first
    place_mm, learned = end_exhale_mm(preview, config.min_confidence), learned_range(preview, config)
    shift_px = np.subtract(place_mm, preview.outline_mm) / sequence.spacing_mm
    preview = replace(preview, outline_px=preview.outline_px + shift_px, outline_mm=place_mm)
    measured = np.empty((2, len(MARGINS_MM), len(PERCENTS)))
    for row, margin_mm in enumerate(MARGINS_MM):
        envelope = Envelope.around(preview.outline_px, margin_mm, sequence.spacing_mm)
        for col, percent in enumerate(PERCENTS):
            for part, frames in enumerate((range(first), range(first, len(sequence.tracks)))):
                measured[part, row, col] = duty_percent(sequence, frames, envelope, percent, config, learned)
    judged = forecast_free_breathing(
        preview,
        place_mm,
        MARGINS_MM,
        PERCENTS,
        config,
        ForecastConfig(futures=futures),
        LATENCY_S,
        float(sequence.times_s[-1] - sequence.preview_s),
    )
    low, middle, high = np.quantile(judged.duty_percent, SHARES, axis=0)
    return Compared(sequence.name, len(sequence.tracks) - first, measured[1], measured[0], low, middle, high)
