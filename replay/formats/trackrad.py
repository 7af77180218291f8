"""Read and write cases in the layout of the TrackRAD2025 challenge.

A case is a folder with `images/<case>_frames.mha`, `targets/<case>_first_label.mha`, `targets/<case>_labels.mha`,
`frame-rate.json`, `b-field-strength.json` or `field-strength.json`, and `scanned-region.json`. Images and frame
rate are required; the rest may be missing. The pixel arrays have the axes (rows, columns, time), with time the
fastest in memory. A patient without labels may have more scans, `<case>_frames2.mha` with `frame-rate2.json` and
`scanned-region2.json`, and one with labels may have more observers, `<case>_labels2.mha`. The layout is described at
https://trackrad2025.grand-challenge.org/data/.
"""

import json
import math
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import orientation_of
from gatekeeper.core.errors import OutputError, RecordingError
from gatekeeper.core.frame import FrameStack, Plane
from replay.formats.format import Choices, Format
from replay.formats.metaimage import read_plain
from replay.formats.metaimage_writer import Place, is_large_stack, write_metaimage, write_stack
from replay.formats.sidecar import Sidecar, told_values
from replay.formats.stack import Stack, make_recording, to_tracked_type
from replay.formats.trackrad_files import (
    FIELD_LIMITS_T,
    RATE_LIMITS_HZ,
    read_number,
    read_region,
)
from replay.formats.trackrad_labels import (
    FIRST,
    MOST_STRUCTURES,
    NAMES,
    NO_TARGET,
    all_labels,
    first_labels,
    names_of,
    one_of,
    read_target,
    structures_in,
)
from replay.formats.trackrad_predictions import OUTPUT
from replay.formats.volume import Volume
from replay.progress import OnProgress, no_progress
from replay.recording import Recording, structures_of
from replay.write import folder_written_atomically

_IMAGES = re.compile(r"(?P<stem>.+)_frames(?P<scan>[0-9]*)\.mha")
_FIELD_STRENGTH_FILES = ("b-field-strength.json", "field-strength.json")
_SAME_DIRECTION = math.cos(math.radians(45.0))
"""Least cosine of the angle between rows or columns in the header and those of the layout."""
_EXACT_S = 1e-6
_MAX_TIME_ERROR_S = 0.01
"""Largest distance of a frame from an even rate: cines of a scanner in steps of 2.5 ms are some milliseconds off."""


def is_case(path: Path, _head: bytes = b"") -> bool:
    """Return whether a folder holds the images of a case, complete or not."""
    images = path / "images"
    return images.is_dir() and any(_IMAGES.fullmatch(file.name) for file in images.iterdir())


def open_case(path: Path, choices: Choices | None = None) -> Recording:
    """Open the case in a folder; the recording has the name of the folder.

    Parameters
    ----------
    path : Path
        Folder of the case.
    choices : Choices, optional
        Scan and observer, "1" by default; `roi` is the value of a structure in labels of several.

    Returns
    -------
    Recording
        Frames in the type they are stored in, except that float64 becomes float32. Without a first label, the
        first mask is the label of frame 0 unless that is empty.

    Raises
    ------
    RecordingError
        When the folder is not a case, or one of its files is cut short, damaged or contradicts the others.
    """
    try:
        return _read_case(path.resolve(), Choices() if choices is None else choices)
    except OSError as error:
        raise RecordingError(
            f"{path}: cannot be read ({error.strerror or error}); check the path and its permissions"
        ) from None


def write_case(
    recording: Recording,
    out_dir: Path,
    extra_files: Mapping[str, str] | None = None,
    on_progress: OnProgress = no_progress,
    masks: Mapping[str, NDArray[np.bool_]] | None = None,
    predicted: FrameStack | None = None,
) -> Path:
    """Write a recording as a case that `open_case` reads back exactly.

    The folder appears when it is complete.

    Parameters
    ----------
    recording : Recording
        With times of a constant rate, since a case stores only the rate.
    out_dir : Path
        The folder of the case, new or empty; the case is read back with its name.
    extra_files : mapping of str to str
        Content of further text files in the folder, by name.
    on_progress : callable
        Called with the number of rows of images and masks that were written.
    masks : mapping of str to ndarray of bool, optional
        Masks (H, W) of further structures on the first frame, written as `masks/NAME.mha`.
    predicted : FrameStack of uint8, shape (T, H, W), optional
        Where the structures were found, with their values, written as an algorithm's output.

    Returns
    -------
    Path
        The folder of the case.

    Raises
    ------
    OutputError
        When the folder exists and is not empty, cannot be written, or a case cannot hold the recording.
    """
    name = recording.name
    if not name or Path(name).name != name:
        raise OutputError(f"recording '{name}': its name cannot be part of a file name; rename it")
    structures = structures_of(recording)
    if len(structures) > MOST_STRUCTURES:
        raise OutputError(
            f"recording '{name}': has {len(structures)} structures; labels of a case hold {MOST_STRUCTURES}"
        )
    scalars: dict[str, object] = {
        "frame-rate.json": _rate_hz(recording),
        "b-field-strength.json": recording.field_strength_t,
        "scanned-region.json": recording.region,
    }
    frames, spacing_mm = recording.frames, recording.spacing_mm
    stacks: list[tuple[str, FrameStack | None, np.dtype[Any], Place | None]] = [
        (f"images/{name}_frames.mha", frames, frames.dtype, _place(recording.plane)),
        (f"targets/{name}_first_label.mha", first_labels(structures), np.dtype(np.uint8), None),
        (f"targets/{name}_labels.mha", all_labels(structures), np.dtype(np.uint8), None),
    ]
    stacks.append((OUTPUT.as_posix(), predicted, np.dtype(np.uint8), _place(recording.plane)))
    stacks += [(f"masks/{file}.mha", _alone(mask), np.dtype(np.uint8), None) for file, mask in (masks or {}).items()]
    written = [(file, stack, dtype, place) for file, stack, dtype, place in stacks if stack is not None]
    rows = frames.shape[1]
    with folder_written_atomically(out_dir) as folder:
        (folder / "images").mkdir()
        (folder / "targets").mkdir()
        for number, (file, stack, dtype, place) in enumerate(written):
            report = partial(_tell, on_progress, number * rows, len(written) * rows)
            report(0)
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            if is_large_stack(stack, dtype):
                write_stack(folder / file, stack, dtype, spacing_mm, place, report)
            else:
                pixels = np.moveaxis(np.asarray(stack, dtype), 0, -1)
                write_metaimage(folder / file, pixels, (*spacing_mm, 1.0), place=place)
            report(rows)
        for file_name, value in scalars.items():
            if value is not None:
                (folder / file_name).write_text(json.dumps(value), encoding="utf-8")
        if names := names_of(structures):
            (folder / NAMES).write_text(json.dumps(names), encoding="utf-8")
        for file_name, text in (extra_files or {}).items():
            (folder / file_name).write_text(text, encoding="utf-8")
    return out_dir


def labelled_structures(path: Path) -> dict[int, str]:
    """Return the names of the structures on the first labelled frame of a case by their values.

    Parameters
    ----------
    path : Path
        Folder of the case.

    Raises
    ------
    RecordingError
        When the folder is not a case, or its labels cannot be read.
    """
    stem, _, _ = _chosen_scan(path.resolve(), None)
    return structures_in(path / "targets", stem)


def _tell(on_progress: OnProgress, before: int, total: int, rows: int) -> None:
    on_progress("writing", before + rows, total)


def _alone(mask: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Return one mask as a stack."""
    return None if mask is None else mask[None]


def _read_case(path: Path, choices: Choices) -> Recording:
    stem, scan, notes = _chosen_scan(path, choices.scan)
    of_scan = "" if scan == FIRST else scan
    images = path / "images" / f"{stem}_frames{of_scan}.mha"
    rate_file = path / f"frame-rate{of_scan}.json"
    rate_hz = None
    if choices.rate_hz is None or rate_file.exists():
        rate_hz = read_number(rate_file, *RATE_LIMITS_HZ, "frames per second")
    volume = read_plain(images)
    if len(volume.sizes) != 3:
        raise RecordingError(f"{images}: has {len(volume.sizes)} axes; it must have rows, columns and time")
    frames = to_tracked_type(volume.pixels.frames(2), images)
    # Labels belong to the first scan; cases with more scans have none.
    target = NO_TARGET if scan != FIRST else read_target(path / "targets", stem, frames.shape, choices)
    stack = Stack(
        frames=frames,
        spacing_mm=(volume.spacing[2], volume.spacing[1]),
        plane=_plane(volume),
        rate_hz=rate_hz,
        target=target.first_mask,
        labels=target.labels,
        target_name=target.name,
        structures=target.others,
        name=path.name if scan == FIRST else f"{path.name}-scan{scan}",
        field_strength_t=_field_strength_t(path),
        region=read_region(path / f"scanned-region{of_scan}.json"),
        notes=(*notes, *target.notes),
    )
    return make_recording(stack, told_values(choices, Sidecar()), path)


def _place(plane: Plane) -> Place | None:
    """Return origin and directions for a header; None for the default plane, which is not known."""
    if plane == Plane():
        return None
    x, y, z = np.cross(plane.col_step, plane.row_step)
    return Place(plane.origin_mm, (plane.row_step, plane.col_step, (float(x), float(y), float(z))))


def _plane(volume: Volume) -> Plane:
    """Return the plane in the header where it agrees with the layout, otherwise the default plane."""
    if volume.directions is not None:
        col_step, row_step = volume.directions[1:3]
        if row_step is not None and col_step is not None:
            plane = Plane(volume.origin_mm, row_step, col_step)
            steps = zip((row_step, col_step), orientation_of(plane).axes, strict=True)
            if all(np.dot(step, axis.step) > _SAME_DIRECTION for step, axis in steps):
                return plane
    return Plane()


def _chosen_scan(path: Path, wanted: str | None) -> tuple[str, str, tuple[str, ...]]:
    """Return the first part of the names of the files, the number of the scan, and a note on other scans."""
    if not path.is_dir():
        raise RecordingError(f"{path}: no such folder; name the folder of a case")
    images = path / "images"
    files = images.iterdir() if images.is_dir() else ()
    found = [match for file in files if (match := _IMAGES.fullmatch(file.name))]
    stems = {match["stem"] for match in found}
    stem = path.name if path.name in stems else min(stems, default="")
    if len(stems) != 1 and stem != path.name:
        raise RecordingError(
            f"{path}: holds images/*_frames.mha of {len(stems)} cases, not one; name the folder of a TrackRAD case"
        )
    scans = sorted({match["scan"] or FIRST for match in found if match["stem"] == stem}, key=int)
    return stem, *one_of(path, "scan", scans, wanted)


def _field_strength_t(path: Path) -> float | None:
    found = next((path / name for name in _FIELD_STRENGTH_FILES if (path / name).exists()), None)
    return None if found is None else read_number(found, *FIELD_LIMITS_T, "tesla")


def _rate_hz(recording: Recording) -> float:
    """Return the frame rate that reproduces the times of a recording best, as a number with few digits."""
    times_s = recording.times_s
    if len(times_s) < 2:
        return 1.0

    def error_s(rate_hz: float) -> float:
        return float(np.abs(np.arange(len(times_s)) / rate_hz - times_s).max())

    exact_hz = float((len(times_s) - 1) / times_s[-1]) if times_s[-1] > 0.0 else 0.0
    if exact_hz and error_s(exact_hz) > _EXACT_S:
        # The rate of all frames, and not of the first and the last alone.
        exact_hz = float(1.0 / np.polyfit(np.arange(len(times_s)), times_s, 1)[0])
    low_hz, high_hz = RATE_LIMITS_HZ
    if not low_hz <= exact_hz <= high_hz:
        raise OutputError(
            f"recording '{recording.name}': has {exact_hz:g} frames per second; "
            f"a case has {low_hz:g} to {high_hz:g}; correct the times"
        )
    neighbours_hz: list[float] = np.nextafter(exact_hz, (0.0, np.inf)).tolist()
    rate_hz = min(float(f"{exact_hz:.12g}"), exact_hz, *neighbours_hz, key=error_s)
    if not error_s(rate_hz) <= _MAX_TIME_ERROR_S:
        raise OutputError(
            f"recording '{recording.name}': frames are up to {error_s(rate_hz):.2g} s off an even rate, "
            f"the limit of a case is {_MAX_TIME_ERROR_S:g} s; give --resample with an even rate"
        )
    return rate_hz


def uneven_note(recording: Recording) -> str | None:
    """Return a note on times that a case with one rate does not keep; None when it keeps them.

    Raises
    ------
    OutputError
        When they are further from an even rate than a case may be.
    """
    rate_hz = _rate_hz(recording)
    off_s = float(np.abs(np.arange(len(recording.times_s)) / rate_hz - recording.times_s).max())
    if len(recording.times_s) < 2 or off_s <= _EXACT_S:
        return None
    return f"frames are up to {1e3 * off_s:.3g} ms off {rate_hz:.6g} per second, all that a case keeps of their times"


FORMAT = Format("TrackRAD case (folder)", is_case, open_case, has_regions=True)
FORMATS = (FORMAT,)
