"""Compose and judge futures slowly: straight lines between samples, and the real gate for each cell alone."""

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import GateConfig
from gatekeeper.core.decision import BeamState
from gatekeeper.core.frame import Frame
from gatekeeper.core.track import Track
from gatekeeper.gating.envelope import Envelope
from gatekeeper.gating.frame_checks import FrameChecks
from gatekeeper.gating.gate import Gate
from gatekeeper.gating.motion import LearnedRange

Array = NDArray[np.float64]


def composed(
    begins_s: Array, bases_mm: Array, pieces: Array, scales: Array, source: Array, starts: Array, times_s: Array
) -> Array:
    """Return positions and confidence (T, 3) of a course at some times."""
    out = np.empty((len(times_s), 3))
    for frame, time_s in enumerate(times_s):
        piece = int(np.searchsorted(begins_s, time_s, side="right")) - 1
        phase = (time_s - begins_s[piece]) / (begins_s[piece + 1] - begins_s[piece])
        samples = source[starts[pieces[piece]] : starts[pieces[piece] + 1]]
        at = phase * (len(samples) - 1)
        for axis in range(2):
            base = np.interp(phase, (0.0, 1.0), bases_mm[piece : piece + 2, axis])
            out[frame, axis] = base + scales[piece] * np.interp(at, np.arange(len(samples)), samples[:, axis])
        left = min(int(at), len(samples) - 2)
        out[frame, 2] = samples[left if at - left < 0.5 else left + 1, 2]
    return out


def decided(
    path: Array, period_s: float, outline_px: Array, margin_mm: float, config: GateConfig, learned: LearnedRange
) -> NDArray[np.bool_]:
    """Return whether the gate has the beam on, on each frame of a course (T, 3) of a target that moves as a whole.

    `outline_px` lies around (0, 0), on a grid of 1 mm.
    """
    gate = Gate(Envelope.around(outline_px, margin_mm, (1.0, 1.0)), config, learned=learned)
    image, on = np.zeros((1, 1), np.float32), np.zeros(len(path), np.bool_)
    for frame, (row, col, confidence) in enumerate(path.tolist()):
        track = Track(outline_px + np.array([row, col]), (row, col), confidence)
        now_s = frame * period_s
        decision = gate.decide(track, Frame(image, (1.0, 1.0), frame, now_s, now_s), checks=FrameChecks())
        on[frame] = decision.state is BeamState.ON
    return on
