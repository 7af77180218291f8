"""Exports of the Elekta Unity MR-linac: one .bin for each frame, a .NET object with the image and a monitoring result.

Written from public descriptions and tested only on files that were made from them, not on a vendor's own. Any deviation
from the description raises an error.

`TwoDSlicedata` holds `Dimension` (Columns, Rows, Slices), `VoxelSize` in mm (XInmm along a row, YInmm along a column),
`Orientation` (RowDirectionCosines along a row, ColumnDirectionCosines along a column; X, Y, Z), `Origin` (X, Y, Z of
the first pixel in mm; DICOM LPS), `Elapsed100NanosecondInterval` (time in 100 ns) and `Data` (16 bits a pixel, row
after row). `MMEMonitoringResult` holds masks of the monitored structures, of the size of the image, in
`ResultStructures`, and the position of the target. The mask on the first frame becomes the target; results on other
frames are not the truth and only appear in a note. Nothing else in the file is used.
"""

import hashlib
import math
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane, Vector
from replay.formats.format import Choices, Format
from replay.formats.planes import ImagePlane, choose_plane
from replay.formats.sidecar import read_sidecar
from replay.formats.stack import Stack, make_recording
from replay.formats.vendor.nrbf import DEEPEST, Document, NrbfError, Numbers, Reference, read_nrbf
from replay.recording import LazyFrames, Recording

FIRST_LOOK = 16
MOST_FRAMES = 200_000
_MARK = b"TwoDSlicedata"
_BEGIN = b"\x00\x01\x00\x00\x00"
_LARGEST_FILE_BYTES = 2**27
_MOST_SIDE_PX = 8192
_TICK_S = 1e-7
_MASK = ("MMEMonitoringResult", "ResultStructures", "items", 0, "m_Item2", "Data")


@dataclass(frozen=True, slots=True)
class _Frame:
    """A file of one frame: its plane, offsets of pixels and mask in bytes, time, and result of the monitoring."""

    path: Path
    slice: ImagePlane
    offset: int
    ticks: int
    mask_offset: int | None
    centroid_mm: Vector | None
    quality: float | None


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
        `scan` is the number of the plane in the list that the error gives.

    Returns
    -------
    Recording
        In the order of time; frames are read when they are asked for.

    Raises
    ------
    RecordingError
        When a frame is cut short or not as described, or there are several planes and none is chosen.
    GeometryError
        When the images are not sagittal.
    """
    found = [path] if not path.is_dir() else _files(path)
    files = [file for file in found if not path.is_dir() or _is_frame(_head(file))]
    others = (f"{len(found) - len(files)} files that are not frames are left out",) if len(found) > len(files) else ()
    if len(files) > MOST_FRAMES:
        _refuse(path, f"holds {len(files)} files, the limit is {MOST_FRAMES}; split the recording")
    frames = sorted(map(_read_header, files), key=lambda one: one.ticks)
    frames = [frames[index] for index in choose_plane([one.slice for one in frames], choices.scan, path)]
    first = frames[0]
    times_s = np.array([one.ticks - first.ticks for one in frames], np.float64) * _TICK_S
    stack = Stack(
        frames=LazyFrames(
            lambda index: _pixels(frames[index], frames[index].offset),
            len(frames),
            first.slice.shape,
            np.dtype(np.uint16),
        ),
        spacing_mm=first.slice.spacing_mm,
        plane=first.slice.plane,
        times_s=times_s if len(frames) > 1 else None,
        target=_target(first),
        name=f"unity-{hashlib.sha256(_pixels(first, first.offset).tobytes()).hexdigest()[:8]}",
        notes=(*others, *_monitoring_note(frames)),
    )
    return make_recording(stack, read_sidecar(path, choices), path)


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


def _is_frame(head: bytes) -> bool:
    return head.startswith(_BEGIN) and _MARK in head


def _read_header(path: Path) -> _Frame:
    """Read a frame without its pixels."""
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE_BYTES:
            _refuse(path, f"has {size} bytes; {_LARGEST_FILE_BYTES} is the limit for a frame")
        with path.open("rb") as file:
            document = read_nrbf(file, size)
        return _frame(path, document)
    except (NrbfError, RecursionError) as error:
        _refuse(path, f"is not a frame of a Unity cine as it is described: {error!s:.150}; copy the file again")


def _frame(path: Path, document: Document) -> _Frame:
    def numbers(*names: str, at: str) -> tuple[float, ...]:
        values = [document.get("TwoDSlicedata", *at.split("."), name) for name in names]
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            raise NrbfError(f"TwoDSlicedata.{at} holds no {', '.join(names)}")
        found = tuple(float(value) for value in values)
        if not all(map(math.isfinite, found)):
            raise NrbfError(f"TwoDSlicedata.{at} is {found}")
        return found

    cols, rows, slices = (int(value) for value in numbers("Columns", "Rows", "Slices", at="Dimension"))
    if slices != 1 or not (0 < rows <= _MOST_SIDE_PX and 0 < cols <= _MOST_SIDE_PX):
        raise NrbfError(f"an image of {rows} x {cols} pixels in {slices} slices")
    across_mm, down_mm = numbers("XInmm", "YInmm", at="VoxelSize")
    along_row, along_col, origin = (
        (values[0], values[1], values[2])
        for values in (
            numbers("X", "Y", "Z", at="Orientation.RowDirectionCosines"),
            numbers("X", "Y", "Z", at="Orientation.ColumnDirectionCosines"),
            numbers("X", "Y", "Z", at="Origin"),
        )
    )
    ticks = document.get("TwoDSlicedata", "Elapsed100NanosecondInterval")
    if not isinstance(ticks, int) or isinstance(ticks, bool):
        raise NrbfError("TwoDSlicedata holds no Elapsed100NanosecondInterval")
    pixels = _offset(document.get("TwoDSlicedata", "Data"), rows * cols)
    if pixels is None:
        raise NrbfError(f"TwoDSlicedata.Data holds no {2 * rows * cols} bytes of pixels")
    centroid_mm, quality = _monitoring_result(document)
    return _Frame(
        path,
        ImagePlane((rows, cols), (down_mm, across_mm), Plane(origin, row_step=along_col, col_step=along_row)),
        pixels,
        ticks,
        _offset(document.get(*_MASK), rows * cols),
        centroid_mm,
        quality,
    )


def _offset(value: Any, pixels: int) -> int | None:
    """Return the offset of an array of 16-bit pixels; None when the value is not an array of that size."""
    if not isinstance(value, Numbers):
        return None
    wide = {"<B": 1, "<b": 1, "<h": 2, "<H": 2}.get(value.code, 0)
    return value.offset if value.length * wide == 2 * pixels else None


def _monitoring_result(document: Document) -> tuple[Vector | None, float | None]:
    """Return the centroid of the target in mm and the quality that the monitoring reports."""
    centroid: Vector | None = None
    quality: float | None = None
    for name, value in _members(document, document.get("MMEMonitoringResult"), 0):
        if centroid is None and "centroid" in name.lower() and isinstance(value, dict):
            parts = [part for axis in "XYZ" if isinstance(part := value.get(axis), float) and math.isfinite(part)]
            if len(parts) == 3:
                centroid = (parts[0], parts[1], parts[2])
        elif quality is None and "quality" in name.lower() and isinstance(value, float) and math.isfinite(value):
            quality = value
    return centroid, quality


def _members(document: Document, value: Any, depth: int) -> list[tuple[str, Any]]:
    """Return names and values of all members of an object and of the objects within it."""
    if isinstance(value, Reference):
        value = document.objects.get(value.number)
    if depth > DEEPEST or not isinstance(value, dict | list):
        return []
    found: list[tuple[str, Any]] = []
    named = value.items() if isinstance(value, dict) else (("", one) for one in value[:8])
    for name, one in named:
        kept = document.objects.get(one.number) if isinstance(one, Reference) else one
        found.append((name, kept))
        if depth < 6 and len(found) < 1000:
            found += _members(document, kept, depth + 1)
    return found


def _pixels(frame: _Frame, offset: int) -> NDArray[np.uint16]:
    rows, cols = frame.slice.shape
    try:
        pixels = np.fromfile(frame.path, "<u2", rows * cols, offset=offset)
    except OSError as error:
        _refuse(frame.path, f"cannot be read any more ({error.strerror or error}); put it back")
    if pixels.size != rows * cols:
        _refuse(frame.path, "was cut short while it was read; copy the file again")
    if pixels.max() >= 2**15:
        _refuse(frame.path, "has pixels beyond 32767, which may be negative: the description leaves that open")
    return pixels.reshape(rows, cols).astype(np.uint16, copy=False)


def _target(frame: _Frame) -> NDArray[np.uint16] | None:
    """Return the mask of the monitored structure on a frame; None when it is missing or empty."""
    if frame.mask_offset is None:
        return None
    mask = _pixels(frame, frame.mask_offset)
    return mask if mask.any() else None


def _monitoring_note(frames: list[_Frame]) -> tuple[str, ...]:
    """Return a note on the results of the monitoring."""
    centroids = [one.centroid_mm for one in frames if one.centroid_mm is not None]
    if not centroids:
        return ()
    low, high = np.min(centroids, axis=0), np.max(centroids, axis=0)
    ranges = ", ".join(f"{axis} {least:.1f} to {most:.1f}" for axis, least, most in zip("xyz", low, high, strict=True))
    qualities = [one.quality for one in frames if one.quality is not None]
    quality = f", quality {min(qualities):.2f} to {max(qualities):.2f}" if qualities else ""
    found = f"the vendor's monitoring found the target on {len(centroids)} of {len(frames)} frames"
    return (f"{found}, {ranges} mm{quality}",)


FORMAT = Format("Elekta Unity frames (bin)", is_frames, open_frames)
