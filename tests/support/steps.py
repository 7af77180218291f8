"""Make frames, tracks, decisions and steps for tests."""

import math

import numpy as np

from gatekeeper.core.decision import BeamState, Decision, Reason
from gatekeeper.core.frame import Frame
from gatekeeper.core.step import Step
from gatekeeper.core.track import Track

ON, HOLD = BeamState.ON, BeamState.HOLD


def frame(sequence=0, acquired_s=0.0, received_s=None, image=None, spacing_mm=(2.0, 2.0)):
    return Frame(
        # No two frames have the same pixels.
        image=sequence + np.arange(64 * 48, dtype=np.float32).reshape(64, 48) if image is None else image,
        spacing_mm=spacing_mm,
        sequence=sequence,
        acquired_s=acquired_s,
        received_s=acquired_s if received_s is None else received_s,
    )


def track(row=30.0, col=24.0, confidence=0.9, radius=6.0, spacing_mm=(2.0, 2.0)):
    angle = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    contour_px = np.stack([row + radius * np.sin(angle), col + radius * np.cos(angle)], axis=1)
    return Track(contour_px, (row * spacing_mm[0], col * spacing_mm[1]), confidence)


def decision(state=ON, *reasons, sequence=0, time_s=0.0, outside_percent=0.0):
    return Decision(sequence, time_s, state, tuple(reasons), outside_percent)


def step(state=ON, *reasons, sequence=0, time_s=0.0, outside_percent=0.0, lost=False):
    return Step(
        decision(state, *reasons, sequence=sequence, time_s=time_s, outside_percent=outside_percent),
        frame(sequence, time_s),
        None if lost else track(),
        track_ms=0.5,
        decide_ms=0.25,
    )


def silent_step(time_s=0.0):
    return Step(decision(HOLD, Reason.NO_FRAME, sequence=-1, time_s=time_s, outside_percent=math.nan))
