"""Make the scene: a target that rests in its envelope and leaves it soon after the fault, with exact truth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig, build
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.frame import Plane
from gatekeeper.gating.envelope import Envelope
from replay.phantom import PhantomConfig, make_phantom
from replay.recording import Recording

FAULT_S, LEAVES_AFTER_S, AWAY_S, DURATION_S = 2.0, 0.4, 1.2, 4.5
"""Begin of the fault, delay until the target leaves, duration of its absence, and end of the session, in s."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A recording and its truth.

    Attributes
    ----------
    recording : Recording
        The frames.
    out : ndarray of bool, shape (T,)
        Whether the target is out, on each frame.
    period_s : float
        Time from frame to frame, in s.
    fault_frame : int
        Index of the frame at which the fault begins.
    """

    recording: Recording
    out: NDArray[np.bool_]
    period_s: float
    fault_frame: int


def make_scene(rate_hz: float, longer_s: float = 0.0) -> Scene:
    """Return the scene at a frame rate; in a longer one the target stays inside, for slow faults."""
    still = {"amplitude_mm": 0.0, "drift_mm_per_min": 0.0, "irregular_mm": 0.0, "cardiac_mm": 0.0}
    leaves = {"start_s": FAULT_S + LEAVES_AFTER_S, "depth_mm": 30.0, "duration_s": AWAY_S, "ramp_s": 0.25}
    duration_s = DURATION_S + longer_s
    acquisition = {"matrix": (128, 128), "frame_rate_hz": rate_hz, "duration_s": duration_s}
    breathing = {**still, "deep_breaths": () if longer_s else (leaves,)}
    recording = make_phantom(
        build(PhantomConfig, {"acquisition": acquisition, "breathing": breathing}, "fault matrix")
    ).recording
    assert recording.labels is not None
    assert recording.first_mask is not None
    config = SessionConfig()
    shape = (recording.frames.shape[1], recording.frames.shape[2])
    envelope = Envelope.around(
        mask_to_contour(recording.first_mask), config.envelope.margin_mm, recording.spacing_mm, shape
    )
    outside = [envelope.outside_percent(mask_to_contour(label)) for label in recording.labels]
    out = np.array([not percent <= config.gate.outside_percent for percent in outside])
    return Scene(recording, out, 1.0 / rate_hz, round(FAULT_S * rate_hz))


def save(recording: Recording, path: Path) -> None:
    """Write a recording to a file for the engine's process."""
    plane = recording.plane
    np.savez(
        path,
        frames=recording.frames,
        times_s=recording.times_s,
        mask=recording.first_mask,
        spacing_mm=recording.spacing_mm,
        plane=np.array([plane.origin_mm, plane.row_step, plane.col_step]),
    )


def load(path: Path) -> Recording:
    """Read the recording in the engine's process."""
    with np.load(path) as kept:
        origin_mm, row_step, col_step = (tuple(map(float, row)) for row in kept["plane"])
        row_mm, col_mm = map(float, kept["spacing_mm"])
        return Recording(
            name="fault-matrix",
            frames=kept["frames"],
            spacing_mm=(row_mm, col_mm),
            times_s=kept["times_s"],
            first_mask=kept["mask"],
            plane=Plane(origin_mm, row_step, col_step),
        )
