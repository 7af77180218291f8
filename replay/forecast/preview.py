"""Take the preview of a forecast from a recording, a trace or a session."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import SessionConfig
from gatekeeper.core.axes import orientation_of
from gatekeeper.core.contour import center_mm, mask_to_contour
from gatekeeper.core.errors import InputError
from gatekeeper.core.json_values import measured
from gatekeeper.core.session_counts import counts_of
from gatekeeper.core.track import Track
from gatekeeper.forecast.breaths import Preview
from gatekeeper.recording.session_setup import SessionSetup
from gatekeeper.session.arming import arm
from replay.formats.session import open_session
from replay.motion_trace import is_trace_head, read_trace
from replay.recording import Recording
from replay.run import replay_input

Array = NDArray[np.float64]

TRACE_RATE_HZ = 8.0
RADIUS_MM = 10.0
"""Radius of the round target that a trace moves, in mm."""
AT_MM = 150.0
FEWEST = 10


@dataclass(frozen=True, slots=True, eq=False)
class ForecastInput:
    """What a forecast is made from.

    Attributes
    ----------
    name : str
        What it is of.
    preview : Preview
        The preview.
    config : SessionConfig or None
        Settings of a session; None for others.
    duty_percent : float or None
        Duty cycle of a session while it was armed, in percent.
    notes : tuple of str
        What was assumed, one line each.
    """

    name: str
    preview: Preview
    config: SessionConfig | None = None
    duty_percent: float | None = None
    notes: tuple[str, ...] = ()


def is_trace(path: Path) -> bool:
    """Return whether a file is a trace of motion."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return is_trace_head(file.read(4096))


def of_trace(path: Path, preview_s: float) -> ForecastInput:
    """Return the first seconds of a trace, of a round target.

    Raises
    ------
    RecordingError
        When the file is no trace.
    """
    trace = read_trace(path)
    times_s = np.arange(0.0, min(preview_s, trace.duration_s), 1.0 / TRACE_RATE_HZ)
    superior_mm, posterior_mm, _ = np.moveaxis(trace.at(times_s), -1, 0)
    places_mm = np.stack([AT_MM - superior_mm, AT_MM + posterior_mm], axis=1)
    angle = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)
    outline = AT_MM + RADIUS_MM * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    preview = Preview(times_s, places_mm, np.ones(len(times_s)), outline, (AT_MM, AT_MM), (1.0, 1.0))
    note = f"the target is taken to be round, {2.0 * RADIUS_MM:g} mm across, and found with certainty"
    return ForecastInput(path.stem, preview, notes=(note, *trace.notes))


def of_tracks(setup: SessionSetup, times_s: Array, tracks: Sequence[tuple[Track, ...] | None]) -> Preview:
    """Return a preview from tracks of all structures; None where they were not tracked."""
    outline_px = mask_to_contour(setup.target_mask)
    drawn_mm = center_mm(outline_px, setup.spacing_mm)
    return Preview(
        times_s,
        np.array([drawn_mm if one is None else one[0].center_mm for one in tracks]),
        np.array([0.0 if one is None else one[0].confidence for one in tracks]),
        outline_px,
        drawn_mm,
        setup.spacing_mm,
        orientation_of(setup.plane).rows.inhaling,
    )


def of_recording(recording: Recording, preview_s: float, config: SessionConfig) -> ForecastInput:
    """Return the first seconds of a recording, tracked as a session learns from its preview.

    Raises
    ------
    InputError
        When it has no target, or is no longer than the preview.
    """
    material = replay_input(recording, preview_s)
    learned = arm(material.setup, config).learned
    if learned is None:
        raise _no_preview(recording.name)
    times_s = np.asarray(recording.times_s[: len(learned.tracks)], dtype=np.float64)
    return ForecastInput(recording.name, of_tracks(material.setup, times_s, learned.tracks))


def of_session(folder: Path, preview_s: float) -> ForecastInput:
    """Return the preview of a session, or, in one without, the first seconds of what it tracked.

    Raises
    ------
    RecordingError
        When it cannot be read, or holds no reference.
    InputError
        When it holds no frame.
    """
    with closing(open_session(folder)) as session:
        if session.setup is None:
            raise _no_preview(str(folder))
        setup, config = session.setup, session.config()
        decisions = [entry for entry in session.entries if entry["kind"] != "event"]
        duty_percent = 100.0 * counts_of(session.entries).armed_duty_cycle
        found = [
            (measured(entry["acquired_s"]), entry["center_mm"], measured(entry["confidence"]))
            for entry in decisions
            if entry["kind"] == "frame" and entry.get("center_mm") is not None
        ]
    begin_s = found[0][0] if found else 0.0
    early = [one for one in found if one[0] - begin_s < preview_s]
    if len(early) < FEWEST:
        raise _no_preview(str(folder))
    outline_px = mask_to_contour(setup.target_mask)
    preview = Preview(
        np.array([time_s - begin_s for time_s, _, _ in early]),
        np.array([center for _, center, _ in early], dtype=np.float64),
        np.nan_to_num(np.array([confidence for _, _, confidence in early])),
        outline_px,
        center_mm(outline_px, setup.spacing_mm),
        setup.spacing_mm,
        orientation_of(setup.plane).rows.inhaling,
    )
    return ForecastInput(setup.name, preview, config, duty_percent)


def _no_preview(name: str) -> InputError:
    return InputError(f"{name}: shows no target in its first seconds; give --target, or a longer recording")
