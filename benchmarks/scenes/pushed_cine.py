"""Make half-real cases of the recorded liver sequences, and track them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.scenes.follow import Followed, dice, outline_errors_mm
from benchmarks.scenes.half_real import HalfReal, Structure, half_real
from benchmarks.scenes.push import Field, State
from gatekeeper.tracking.tracker import Tracker
from kernels.polygon import centroid
from replay.formats.trackrad import open_case
from replay.recording import Recording

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SERIES = "A"
"""Series with complete livers and a known pixel size."""

FRAMES = 216
"""Number of frames that are used, 36 s."""

SI_MM, AP_MM = 55.0, 30.0
"""Largest displacement from the first frame, recorded and pushed motion together."""

TURN_DEG, FLATTEN = 7.0, 0.1

BELOW_DOME_MM, BELOW_VESSELS_MM, HALF_WIDTH_MM = 8.0, 37.0, 36.0
"""The ellipse over the liver: from below the dome to below the middle of the labelled vessels, and half its width."""

DIRECTIONS = {"forward": -1.0, "backward": 1.0}
TARGETS = ("ellipse over the liver", "vessel group")


@dataclass(frozen=True, slots=True, eq=False)
class PushedCase:
    """A half-real case.

    Attributes
    ----------
    target : str
        One of `TARGETS`.
    direction : str
        Anterior or posterior with the hold.
    made : HalfReal
        Frames and truth.
    """

    target: str
    direction: str
    made: HalfReal


def half_real_cases(folder: Path, names: Sequence[str] = ()) -> Iterator[PushedCase]:
    """Yield the half-real cases of the sequences in a folder: each target, and each direction along AP.

    A sequence without reference motion is left out.

    Parameters
    ----------
    folder : Path
        Folder of recorded cases; those named A1_v, A1_d and so on are used, with their reference motion.
    names : sequence of str
        Sequences, such as A1; all of series A by default.
    """
    for vessels in sorted(folder.glob(f"{SERIES}*_v")):
        name = vessels.name.removesuffix("_v")
        if names and name not in names:
            continue
        dome_patch = vessels.with_name(f"{name}_d")
        if not all((case / "truth.json").is_file() for case in (vessels, dome_patch)):
            continue
        recording, dome = _beginning(open_case(vessels)), open_case(dome_patch)
        assert recording.first_mask is not None
        assert dome.first_mask is not None
        structures = {"vessel group": _structure(vessels, len(recording.frames))}
        patch = _structure(dome_patch, len(recording.frames))
        if patch.labelled[0]:
            structures["dome patch"] = patch
        dome_mm = float(np.argwhere(dome.first_mask)[:, 0].mean() * recording.spacing_mm[0])
        middle_mm = structures["vessel group"].outlines_px[0].mean(axis=0) * recording.spacing_mm
        ellipse, center_mm = _ellipse(recording, dome_mm, middle_mm)
        for direction, sign in DIRECTIONS.items():
            furthest = _furthest(structures["vessel group"], recording, sign)
            for target, mask in zip(TARGETS, (ellipse, recording.first_mask), strict=True):
                made = half_real(recording, structures, mask, Field(center_mm, dome_mm), furthest)
                renamed = replace(made.recording, name=f"{name}, {target}, {direction}")
                yield PushedCase(target, direction, replace(made, recording=renamed))


def follow_half_real(case: HalfReal, preview_s: float = 0.0) -> Followed:
    """Return the tracking results on the frames after the first; those with known reference motion are trackable."""
    recording = case.recording
    assert recording.first_mask is not None
    assert recording.labels is not None
    tracker = Tracker(recording.frames[0], recording.first_mask, recording.spacing_mm)
    if preview_s:
        tracker.learn(recording.frames[recording.times_s - recording.times_s[0] < preview_s])
    tracks = [tracker.track(frame) for frame in recording.frames[1:]]
    truth_mm = np.array([_center(outline) for outline in case.outlines_px[1:]]) * recording.spacing_mm
    return Followed(
        np.linalg.norm(np.array([track.center_mm for track in tracks]) - truth_mm, axis=1),
        np.array([track.confidence for track in tracks]),
        case.labelled[1:],
        np.full(len(tracks), "", dtype="<U16"),
        outline_errors_mm(tracks, case.outlines_px[1:], recording.spacing_mm),
        dice(tracks, recording.labels[1:]),
        case.depth[1:] > 0.5,
    )


def _beginning(recording: Recording) -> Recording:
    frames = np.asarray(recording.frames[:FRAMES])
    labels = None if recording.labels is None else np.asarray(recording.labels[:FRAMES])
    return replace(recording, frames=frames, times_s=recording.times_s[:FRAMES], labels=labels)


def _structure(folder: Path, frames: int) -> Structure:
    """Return a labelled structure with the outlines of its reference motion, on the trusted frames."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    trusted = set(truth.get("trusted_frames", ()))
    found = {
        frame: np.array(contour)
        for frame, contour in zip(truth.get("computed_frames", ()), truth.get("contours_rc", ()), strict=True)
        if frame in trusted and frame < frames
    }
    points = len(next(iter(found.values()))) if found else 1
    outlines_px = np.full((frames, points, 2), np.nan)
    for frame, contour in found.items():
        outlines_px[frame] = contour
    return Structure(outlines_px)


def _ellipse(recording: Recording, dome_mm: float, vessels_mm: Array) -> tuple[Mask, tuple[float, float]]:
    """Return an ellipse over the liver as mask (H, W), and its middle as (row, col) in mm."""
    top_mm, bottom_mm = dome_mm + BELOW_DOME_MM, float(vessels_mm[0]) + BELOW_VESSELS_MM
    center_mm = (0.5 * (top_mm + bottom_mm), float(vessels_mm[1]))
    row, col = np.indices(np.shape(recording.frames)[1:])
    down = (row * recording.spacing_mm[0] - center_mm[0]) / (0.5 * (bottom_mm - top_mm))
    back = (col * recording.spacing_mm[1] - center_mm[1]) / HALF_WIDTH_MM
    return np.asarray(np.hypot(down, back) <= 1.0), center_mm


def _furthest(structure: Structure, recording: Recording, sign: float) -> State:
    """Return the push that, with the recorded motion of a structure, reaches the largest displacement."""
    moved_mm = (structure.outlines_px - structure.outlines_px[0]).mean(axis=1) * recording.spacing_mm
    si_mm, ap_mm = np.nanmax(moved_mm[:, 0]), np.nanmax(sign * moved_mm[:, 1])
    return State(float(SI_MM - max(si_mm, 0.0)), float(sign * (AP_MM - max(ap_mm, 0.0))), sign * TURN_DEG, FLATTEN)


def _center(outline: Array) -> Array:
    center = np.empty(2)
    centroid(np.ascontiguousarray(outline), center)
    return center
