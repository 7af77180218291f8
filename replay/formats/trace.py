"""Open motion that was measured: a phantom whose target moves as the trace says, with exact truth."""

from pathlib import Path

import numpy as np

from gatekeeper.config import build
from gatekeeper.core.errors import RecordingError
from replay.formats.format import Choices, Format
from replay.motion_trace import is_trace_head, read_trace
from replay.recording import Recording

RATE_HZ = 8.0
"""Frames per second unless told."""
MATRIX = (112, 112)
RIGID = {"elastic": 0.0, "irregular_mm": 0.0, "cardiac_mm": 0.0}
"""Nothing moves but as the trace says, so that the target is where the trace is."""


def open_trace(path: Path, choices: Choices) -> Recording:
    """Open a trace as frames of a phantom that moves by it, drawn one by one when they are asked for.

    Parameters
    ----------
    path : Path
        CSV file, see `replay.motion_trace.read_trace`.
    choices : Choices
        Of these, the frame rate and the orientation are used.

    Returns
    -------
    Recording
        With the target on every frame, and its exact outline.

    Raises
    ------
    RecordingError
        When the file is no trace, or shorter than two frames.
    """
    from replay.phantom import PhantomConfig, make_phantom

    trace = read_trace(path)
    rate_hz = RATE_HZ if choices.rate_hz is None else choices.rate_hz
    frames = int(np.floor(trace.duration_s * rate_hz)) + 1
    if frames < 2:
        raise RecordingError(f"{path}: lasts {trace.duration_s:g} s, less than two frames at {rate_hz:g} a second")
    acquisition = {
        "matrix": MATRIX,
        "frame_rate_hz": rate_hz,
        "duration_s": frames / rate_hz,
        "plane": choices.orientation or "sagittal",
    }
    settings = {
        "acquisition": acquisition,
        "breathing": RIGID,
        "motion": {"kind": "trace", "file": str(path)},
    }
    made = make_phantom(build(PhantomConfig, settings, str(path)), on_access=True)
    return Recording(
        name=path.stem,
        frames=made.recording.frames,
        spacing_mm=made.recording.spacing_mm,
        times_s=made.recording.times_s,
        first_mask=made.recording.first_mask,
        labels=made.recording.labels,
        plane=made.recording.plane,
        field_strength_t=made.recording.field_strength_t,
        region=made.recording.region,
        notes=(f"{path.name}: images are of a phantom that moves as the trace says", *trace.notes),
        outlines_px=made.contours,
    )


FORMATS = (Format("motion trace", lambda path, head: not path.is_dir() and is_trace_head(head), open_trace),)
