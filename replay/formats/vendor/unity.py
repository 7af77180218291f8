"""Exports of the Elekta Unity MR-linac: one .bin for each frame, a .NET object with the image and a monitoring result.

Written from public descriptions, and tried on four real frames of two planes: pixels, position, directions and spacing
are those of the vendor's own DICOM export. Any deviation from the description raises an error.

`TwoDSlicedata` holds `Dimension` (Columns, Rows, Slices), `VoxelSize` in mm (XInmm along a row, YInmm along a column),
`Orientation` (RowDirectionCosines along a row, ColumnDirectionCosines along a column; X, Y, Z), `Origin` (X, Y, Z of
the first pixel in mm; DICOM LPS), `Elapsed100NanosecondInterval` (time of acquisition in 100 ns), `ReceivedTime` (when
the frame arrived, a .NET DateTime), `Unsigned`, and `Data` (16 bits a pixel, row after row). `MMEMonitoringResult`
holds the monitored structures in `ResultStructures`, each with its name and a mask, drawn as an outline one pixel wide
of any value but 0; the position of the target and a status. The filled mask on the first frame becomes the target;
results on other frames are not the truth and are kept as a second trace. Nothing else in the file is used.
"""

import hashlib
from collections.abc import Hashable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from replay.formats.format import Choices, Format
from replay.formats.planes import choose_plane
from replay.formats.readable import named, read_each
from replay.formats.sidecar import read_sidecar
from replay.formats.stack import Stack, choose_structure, make_recording
from replay.formats.vendor.unity_frame import TICK_S, UnityFrame, read_frame, refuse
from replay.recording import LazyFrames, RecordedStructure, Recording
from replay.vendor_trace import VendorTrace

FIRST_LOOK = 16
MOST_FRAMES = 200_000
NOT_CLOSED = "has an outline that is not closed"
NOT_DRAWN = "is not drawn on the first frame"
ELSEWHERE = "is not on the plane of the image"
"""Why a monitored structure cannot be used."""
_MARK = b"TwoDSlicedata"
_BEGIN = b"\x00\x01\x00\x00\x00"


def is_frames(path: Path, head: bytes) -> bool:
    """Return whether a file is a frame, or one of the first files of a folder is."""
    if not path.is_dir():
        return _is_frame(head)
    return any(_is_frame(_head(file)) for file in islice(_files(path), FIRST_LOOK))


def open_frames(path: Path, choices: Choices) -> Recording:
    """Open a folder of frames, or one frame.

    Parameters
    ----------
    path : Path
        A folder or a file.
    choices : Choices
        `scan` is the number of the plane in the list that the error gives, `roi` the monitored structure that becomes
        the target where there are several.

    Returns
    -------
    Recording
        In the order of time; frames are read when they are asked for.

    Raises
    ------
    RecordingError
        When all frames are cut short or not as described, there are several planes and none is chosen, or there is no
        structure of the name.
    GeometryError
        When the directions of the images span no plane.
    """
    found = [path] if not path.is_dir() else _files(path)
    files = [file for file in found if not path.is_dir() or _is_frame(_head(file))]
    notes = [f"{len(found) - len(files)} files that are not frames are left out"] if len(found) > len(files) else []
    if len(files) > MOST_FRAMES:
        refuse(path, f"holds {len(files)} files, the limit is {MOST_FRAMES}; split the recording")
    read, damaged = read_each(files, read_frame, path)
    frames, untimed = _in_order(read, path)
    clock_s = [(one.ticks or 0) * TICK_S for one in frames]
    chosen, of_planes = choose_plane([one.slice for one in frames], choices, path, clock_s)
    frames, notes = [frames[index] for index in chosen], [*notes, *damaged, *untimed, *of_planes]
    first = frames[0]
    types = {one.is_signed is True for one in frames}
    if len(types) > 1:
        refuse(path, "holds frames of signed and of unsigned pixels; export it again")
    structures, about = _structures(first, choices.roi)
    stack = Stack(
        frames=LazyFrames(
            lambda index: frames[index].pixels(),
            len(frames),
            first.slice.shape,
            np.dtype(np.int16 if types.pop() else np.uint16),
        ),
        spacing_mm=first.slice.spacing_mm,
        plane=first.slice.plane,
        times_s=_times_s(frames),
        structures=structures,
        name=f"unity-{hashlib.sha256(first.pixels().tobytes()).hexdigest()[:8]}",
        notes=(*notes, *about, *_monitoring_note(frames)),
        latency_s=np.array([one.latency_s for one in frames]),
        vendor=_trace(frames),
    )
    usable = [one.name for one in structures if not one.why]
    if choices.roi is not None or len(usable) == 1:
        stack = choose_structure(stack, choices.roi or usable[0], first.path)
    return make_recording(stack, read_sidecar(path, choices), path)


def _in_order(frames: list[UnityFrame], path: Path) -> tuple[list[UnityFrame], list[str]]:
    """Return the frames in the order of time, without those that tell none, and notes."""
    if len(frames) > 1 and not any(one.ticks for one in frames) and any(one.received for one in frames):
        notes = ["no frame tells the time of its acquisition; times are those of arrival"]
        found, about = _in_order([replace(one, ticks=one.received) for one in frames], path)
        return found, [*notes, *about]
    timed = sorted((one for one in frames if one.ticks is not None), key=lambda one: one.ticks or 0)
    untimed = [one for one in frames if one.ticks is None]
    if not timed:
        if len(frames) == 1:
            return frames, []
        refuse(path, f"none of its {len(frames)} frames tells its time (Elapsed100NanosecondInterval); export it again")
    notes = []
    if untimed:
        which = named([one.path for one in untimed])
        notes.append(f"{len(untimed)} of {len(frames)} frames tell no time and are left out: {which}")
    kept: dict[tuple[int | None, Hashable], UnityFrame] = {}
    again = [one for one in timed if kept.setdefault((one.ticks, one.slice.key()), one) is not one]
    if again:
        which = named([one.path for one in again])
        notes.append(f"{len(again)} frames have the time of another one and are left out: {which}")
    return list(kept.values()), notes


def _times_s(frames: list[UnityFrame]) -> NDArray[np.float64] | None:
    if len(frames) < 2:
        return None
    first = frames[0].ticks or 0
    return np.array([(one.ticks or 0) - first for one in frames], np.float64) * TICK_S


def _structures(frame: UnityFrame, roi: str | None) -> tuple[tuple[RecordedStructure, ...], list[str]]:
    """Return the monitored structures on a frame, those that cannot be used with the reason, and notes."""
    found = []
    for one in frame.structures:
        mask = frame.mask(one) if frame.is_drawn(one) else None
        why = "" if mask is not None else NOT_CLOSED if frame.is_drawn(one) else NOT_DRAWN
        found.append(RecordedStructure(one.name, mask, why=why))
    found += [RecordedStructure(name, why=ELSEWHERE) for name in frame.elsewhere]
    notes = [f"'{one.name}' {one.why} and is left out" for one in found if one.why == NOT_CLOSED]
    if frame.elsewhere:
        listed = ", ".join(f"'{name}'" for name in frame.elsewhere)
        notes.append(
            f"{len(frame.elsewhere)} structures are not on the plane of the image and are left out: {listed:.200}"
        )
    usable = [one.name for one in found if not one.why]
    if roi is None and len(usable) > 1:
        listed = ", ".join(f"'{name}'" for name in usable)
        notes.append(f"{len(usable)} structures are outlined: {listed:.200}; choose the target with --roi")
    return tuple(found), notes


def _trace(frames: list[UnityFrame]) -> VendorTrace | None:
    """Return the results of the monitoring on all frames."""
    if all(one.centroid_mm is None for one in frames):
        return None
    nowhere = (np.nan, np.nan, np.nan)
    centers_mm = np.array([one.centroid_mm or nowhere for one in frames])
    return VendorTrace("Elekta Unity", centers_mm=centers_mm, status=np.array([one.status for one in frames]))


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


def _is_frame(head: bytes) -> bool:
    return head.startswith(_BEGIN) and _MARK in head


def _monitoring_note(frames: list[UnityFrame]) -> list[str]:
    """Return a note on the results of the monitoring."""
    centroids = [one.centroid_mm for one in frames if one.centroid_mm is not None]
    if not centroids:
        return []
    low, high = np.min(centroids, axis=0), np.max(centroids, axis=0)
    ranges = ", ".join(f"{axis} {least:.1f} to {most:.1f}" for axis, least, most in zip("xyz", low, high, strict=True))
    qualities = [one.quality for one in frames if one.quality is not None]
    quality = f", quality {min(qualities):.2f} to {max(qualities):.2f}" if qualities else ""
    found = f"the vendor's monitoring found the target on {len(centroids)} of {len(frames)} frames"
    return [f"{found}, {ranges} mm{quality}"]


FORMAT = Format("Elekta Unity frames (bin)", is_frames, open_frames, has_regions=True)
FORMATS = (FORMAT,)
