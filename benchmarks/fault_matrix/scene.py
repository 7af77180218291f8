"""Make the scene: a target that rests in its envelope and is out from one frame to the next, with exact truth."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gatekeeper.config import SessionConfig, build
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.frame import Plane
from gatekeeper.gating.envelope import Envelope
from replay.phantom import PhantomConfig, make_phantom
from replay.recording import Recording

FAULT_FRAME = 6
"""Index of the first faulty frame, which is also the first that shows the target outside."""
LONGER_S = 3.2
"""Time after that frame in a scene for slow faults, in s."""
FRAMES_AFTER = 6
DEPTH_MM = 15.0
MADE_AT_HZ = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A recording and its truth.

    Attributes
    ----------
    recording : Recording
        The frames. The target is inside on those before `FAULT_FRAME`, and out on all others if it leaves.
    period_s : float
        Time from frame to frame, in s.
    leaves : bool
        Whether the target leaves.
    """

    recording: Recording
    period_s: float
    leaves: bool


def make_scene(rate_hz: float, leaves: bool = True) -> Scene:
    """Return the scene at a frame rate; one in which the target stays is longer.

    Raises
    ------
    ValueError
        When the phantom's truth is not as stated.
    """
    still = {"amplitude_mm": 0.0, "drift_mm_per_min": 0.0, "irregular_mm": 0.0, "cardiac_mm": 0.0}
    jump = {"start_s": (FAULT_FRAME - 0.5) / MADE_AT_HZ, "depth_mm": DEPTH_MM, "duration_s": 60.0, "ramp_s": 0.0}
    count = FAULT_FRAME + (FRAMES_AFTER if leaves else round(LONGER_S * rate_hz))
    config = {
        "acquisition": {"matrix": (128, 128), "frame_rate_hz": MADE_AT_HZ, "duration_s": count / MADE_AT_HZ},
        "breathing": {**still, "deep_breaths": (jump,) if leaves else ()},
    }
    made = make_phantom(build(PhantomConfig, config, "fault matrix")).recording
    if _is_out(made) != [leaves and index >= FAULT_FRAME for index in range(count)]:
        raise ValueError("fault matrix: the phantom's target is not inside and out when it should be")
    times_s = np.arange(count) / rate_hz
    return Scene(replace(made, times_s=times_s), 1.0 / rate_hz, leaves)


def _is_out(recording: Recording) -> list[bool]:
    """Return whether the target is out on each frame, by the truth."""
    assert recording.labels is not None
    assert recording.first_mask is not None
    config = SessionConfig()
    shape = (recording.frames.shape[1], recording.frames.shape[2])
    contour = mask_to_contour(recording.first_mask)
    envelope = Envelope.around(contour, config.envelope.margin_mm, recording.spacing_mm, shape)
    outside = [envelope.outside_percent(mask_to_contour(label)) for label in recording.labels]
    return [not percent <= config.gate.outside_percent for percent in outside]


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
