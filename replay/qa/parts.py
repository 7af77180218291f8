"""Separate the latency of a session into imaging, computing, link and beam, by its own record."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import Orientation, orientation_of
from gatekeeper.core.contour import mask_to_contour
from gatekeeper.core.decision import Reason
from gatekeeper.core.errors import RecordingError
from gatekeeper.gating.envelope import Envelope
from gatekeeper.session.controller import INTERLOCK
from gatekeeper.session.primary_limits import PrimaryLimits
from kernels.polygon import centroid
from replay.formats.session import Entry, open_session
from replay.qa.beam import BeamRecord
from replay.qa.window import Window, window_of

Array = NDArray[np.float64]

MOTION = frozenset({Reason.OUTSIDE.value, Reason.RESUMING.value})
"""Reasons of a hold that the motion of the target explains."""
SURE = 0.5
"""Least confidence of a position that is compared with the truth."""
EARLY_S, LINK_S, BEAM_S = 0.005, 0.25, 1.5
"""The interlock follows a decision, and the beam the interlock, not earlier than the first and not later, in s."""
SPREADS = 5.0
"""Standard deviations of a change's time by which it may seem early."""


@dataclass(frozen=True, slots=True, eq=False)
class SessionFrames:
    """The frames of a session on the clock of the interlock.

    Attributes
    ----------
    arrived_s, decided_s : ndarray of float64, shape (N,)
        Arrival of each frame, and its decision, in s.
    on : ndarray of bool, shape (N,)
        The decisions.
    armed : ndarray of bool, shape (N,)
        Whether motion alone decided: no other reason held the beam.
    measured_mm : ndarray of float64, shape (N, 2)
        Position of the target from its reference along rows and columns, in mm; NaN where it was not sure.
    """

    arrived_s: Array
    decided_s: Array
    on: NDArray[np.bool_]
    armed: NDArray[np.bool_]
    measured_mm: Array


@dataclass(frozen=True, slots=True, eq=False)
class SessionRecord:
    """What the record of a session tells.

    Attributes
    ----------
    name : str
        Name of the session.
    frames : SessionFrames
        Its frames.
    window : Window
        Window of its first target.
    orientation : Orientation
        Of its plane.
    period_s : float
        Median time from frame to frame, in s.
    frames_to_resume : int
        Good frames in a row before the beam comes on.
    assumed_s : float or None
        Latency that the prediction allows for, in s; None without a prediction.
    versions : dict
        Versions of the programs.
    """

    name: str
    frames: SessionFrames
    window: Window
    orientation: Orientation
    period_s: float
    frames_to_resume: int
    assumed_s: float | None
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Times of each change of the beam, in s, one array per part.

    Attributes
    ----------
    compute_s, link_s, beam_s : ndarray of float64
        From the arrival of the frame to its decision, from there to the interlock, and from there to the beam; without
        a log of the interlock the link is part of the beam's, and `link_s` is empty.
    total_s : ndarray of float64
        From the arrival of the frame to the beam.
    """

    compute_s: Array
    link_s: Array
    beam_s: Array
    total_s: Array


def read_session(folder: Path) -> SessionRecord:
    """Read the record of a session.

    Parameters
    ----------
    folder : Path
        Its folder.

    Returns
    -------
    SessionRecord

    Raises
    ------
    RecordingError
        When it is no session, holds no target, or its journal does not tell the interlock's clock.
    """
    session = open_session(folder)
    try:
        entries, setup, config = session.entries, session.setup, session.config()
        versions = cast(dict[str, str], session.chain.entries[0].get("versions", {}))
    finally:
        session.close()
    if setup is None:
        raise RecordingError(f"{folder}: was recorded without its target; record a new session")
    contour_px = mask_to_contour(setup.target_mask)
    limits = PrimaryLimits.of(setup, config)
    zone = setup.target_zone_px
    shape = setup.target_mask.shape
    envelope = (
        Envelope.around(contour_px, limits.margin_mm, setup.spacing_mm, shape, setup.plane)
        if zone is None
        else Envelope(zone, setup.spacing_mm, shape, setup.plane)
    )
    orientation = orientation_of(setup.plane)
    resume_percent = max(limits.outside_percent - config.gate.outside_hysteresis_percent, 0.0)
    window = window_of(contour_px, envelope, limits.outside_percent, resume_percent, orientation)
    middle = np.empty(2)
    centroid(np.ascontiguousarray(contour_px), middle)
    frames = _frames(folder, entries, middle * np.array(setup.spacing_mm))
    return SessionRecord(
        name=setup.name,
        frames=frames,
        window=window,
        orientation=orientation,
        period_s=float(np.median(np.diff(frames.arrived_s))),
        frames_to_resume=config.gate.frames_to_resume,
        assumed_s=None if config.prediction.mode == "off" else config.prediction.latency_s,
        versions=versions,
    )


def parts_of(frames: SessionFrames, beam: BeamRecord, state: BeamRecord | None, to_on: bool) -> Parts:
    """Return the parts of the latency of each change of the beam in one direction.

    A change begins with the first frame whose decision differs from that of the frame before, with no other reason than
    motion; the interlock's next change and the beam's next one belong to it when they follow in time.

    Parameters
    ----------
    frames : SessionFrames
        Frames and decisions.
    beam : BeamRecord
        The beam.
    state : BeamRecord or None
        The interlock's state.
    to_on : bool
        Whether the beam comes on.

    Returns
    -------
    Parts
    """
    before = np.append(frames.on[:1], frames.on[:-1])
    changed = np.flatnonzero((frames.on != before) & (frames.on == to_on) & frames.armed)
    # To leave out changes that seem too early by their recording would make the mean late.
    earliest_s = -SPREADS * beam.resolution_s - EARLY_S
    rows = []
    for number in changed.tolist():
        arrived_s, decided_s = float(frames.arrived_s[number]), float(frames.decided_s[number])
        from_s, link_s = decided_s, 0.0
        if state is not None:
            at_s = _next(state.on_s if to_on else state.off_s, decided_s, (-EARLY_S, LINK_S))
            if at_s is None:
                continue
            from_s, link_s = at_s, at_s - decided_s
        beam_s = _next(beam.on_s if to_on else beam.off_s, from_s, (earliest_s, BEAM_S))
        if beam_s is not None:
            rows.append((decided_s - arrived_s, link_s, beam_s - from_s, beam_s - arrived_s))
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return Parts(columns[0], columns[1] if state is not None else np.empty(0), columns[2], columns[3])


def _next(times_s: Array, from_s: float, within_s: tuple[float, float]) -> float | None:
    """Return the first time within a span after another, or None."""
    at = int(np.searchsorted(times_s, from_s + within_s[0], side="left"))
    return float(times_s[at]) if at < times_s.size and times_s[at] <= from_s + within_s[1] else None


def _frames(folder: Path, entries: Sequence[Entry], reference_mm: Array) -> SessionFrames:
    """Return the frames with decisions, on the interlock's clock."""
    notes = [entry for entry in entries if entry["kind"] == "event" and entry["event"] == INTERLOCK]
    if not notes:
        raise RecordingError(f"{folder}: names no session at an interlock, so that its clock is not known")
    note_s = np.array([float(note["time_s"]) for note in notes])
    ahead_s = np.array([float(note["values"]["clock_s"]) for note in notes])
    frames = [entry for entry in entries if entry["kind"] == "frame" and entry["received_s"] is not None]
    if len(frames) < 10:
        raise RecordingError(f"{folder}: has {len(frames)} frames; record a longer session")
    arrived_s, decided_s = (
        np.array([float(entry[key]) for entry in frames], dtype=np.float64) for key in ("received_s", "decided_s")
    )
    center_mm = np.array([_center_mm(entry) for entry in frames], dtype=np.float64)
    return SessionFrames(
        arrived_s + np.interp(arrived_s, note_s, ahead_s),
        decided_s + np.interp(decided_s, note_s, ahead_s),
        np.array([entry["state"] == "ON" for entry in frames]),
        np.array([set(entry["reasons"]) <= MOTION for entry in frames]),
        center_mm - reference_mm,
    )


def _center_mm(entry: Entry) -> tuple[float, float]:
    """Return the position of the target on a frame in mm; NaN where it was not sure."""
    center_mm, confidence = entry["center_mm"], entry["confidence"]
    if center_mm is None or None in center_mm or confidence is None or not confidence >= SURE:
        return np.nan, np.nan
    return float(center_mm[0]), float(center_mm[1])
