"""Exports of the MRIdian MR-linac with a file for each frame (.dat).

Written from public descriptions and tested only on files that were made from them, not on a vendor's own. Any deviation
from the description raises an error.

A file consists of the length of the header (int32), the length of the pixels (int32), the header (ASCII, lines
`DICOM.<keyword> = <value>`), and the pixels (int16, row after row); all little-endian. Positions are used as DICOM LPS.
Of the header only geometry, number and time are read. The first five frames, acquired while the sequence approaches
its steady state, are brighter than the rest and are left out.
"""

import hashlib
import math
import re
import struct
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.format import Choices, Format
from replay.formats.planes import ImagePlane, choose_plane
from replay.formats.sidecar import read_sidecar
from replay.formats.stack import Stack, make_recording
from replay.recording import LazyFrames, Recording

APPROACH = 5
"""Number of frames that are acquired while the sequence approaches its steady state."""
APPROACH_NOTE = f"the first {APPROACH} frames are the approach to the steady state and are left out"
FIRST_LOOK = 16
"""Number of files of a folder that are examined to find out whether they are frames."""
MOST_FRAMES = 200_000
_LENGTHS = struct.Struct("<ii")
_LARGEST_HEADER_BYTES = 2**20
_LARGEST_FRAME_BYTES = 2**27
_TAG = re.compile(r"DICOM\.(\w+)\s*[=:\t ]\s*(.*)")
_TIMES = ("AcquisitionTime", "ContentTime")


@dataclass(frozen=True, slots=True)
class _Frame:
    """A file of one frame: its header, and the offset of its pixels in bytes."""

    path: Path
    offset: int
    slice: ImagePlane
    number: int | None
    time_s: float | None


def is_frames(path: Path, head: bytes) -> bool:
    """Return whether a file is a frame, or one of the first files of a folder is."""
    if not path.is_dir():
        return _is_frame(head)
    files = list(islice(_files(path), FIRST_LOOK))
    return bool(files) and any(_is_frame(_head(file)) for file in files)


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
        Without the first frames; frames are read when they are asked for.

    Raises
    ------
    RecordingError
        When a frame is cut short or not as described, there are several planes and none is chosen, or the frame rate is
        missing.
    GeometryError
        When the images are not sagittal.
    """
    files = [path] if not path.is_dir() else sorted(_files(path), key=_natural)
    if len(files) > MOST_FRAMES:
        _refuse(path, f"holds {len(files)} files, the limit is {MOST_FRAMES}; split the recording")
    frames = [_read_header(file) for file in files if not path.is_dir() or _is_frame(_head(file))]
    others = len(files) - len(frames)
    frames = [frames[index] for index in choose_plane([one.slice for one in frames], choices.scan, path)]
    if all(one.number is not None for one in frames):
        frames.sort(key=lambda one: one.number or 0)
    check_frame_count(path, len(frames))
    frames = frames[APPROACH:]
    first = frames[0].slice
    times = [one.time_s for one in frames]
    known = np.array([time for time in times if time is not None])
    stack = Stack(
        frames=LazyFrames(lambda index: _read_pixels(frames[index]), len(frames), first.shape, np.dtype(np.int16)),
        spacing_mm=first.spacing_mm,
        plane=first.plane,
        times_s=_past_midnight(known) if len(known) == len(frames) and np.ptp(known) > 0.0 else None,
        name=f"mridian-{_digest(frames[0])}",
        notes=(APPROACH_NOTE, *((f"{others} files that are not frames are left out",) if others else ())),
    )
    return make_recording(stack, read_sidecar(path, choices), path)


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def check_frame_count(path: Path, count: int) -> None:
    """Check that a cine has frames in its steady state.

    Parameters
    ----------
    path : Path
        Named in the message.
    count : int
        Number of frames.

    Raises
    ------
    RecordingError
        When there are no more than `APPROACH` frames.
    """
    if count <= APPROACH:
        _refuse(
            path, f"holds {count} frames, and the first {APPROACH} are the approach to the steady state; export all"
        )


def _files(path: Path) -> list[Path]:
    return [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]


def _natural(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts names by the numbers in them."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]{1,18})", path.name)]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(256)


def _is_frame(head: bytes) -> bool:
    if len(head) < _LENGTHS.size:
        return False
    header_bytes, pixel_bytes = _LENGTHS.unpack_from(head)
    if not (0 < header_bytes <= _LARGEST_HEADER_BYTES and 0 < pixel_bytes <= _LARGEST_FRAME_BYTES):
        return False
    return b"DICOM." in head[_LENGTHS.size : _LENGTHS.size + 64]


def _read_header(path: Path) -> _Frame:
    """Read the header of a frame, and check the size of the file."""
    with path.open("rb") as file:
        header_bytes, pixel_bytes = _LENGTHS.unpack(file.read(_LENGTHS.size).ljust(_LENGTHS.size, b"\0"))
        if not 0 < header_bytes <= _LARGEST_HEADER_BYTES:
            _refuse(path, f"announces a header of {header_bytes} bytes; it is not a frame of an MRIdian cine")
        text = file.read(header_bytes).decode("ascii", "replace")
    offset = _LENGTHS.size + header_bytes
    held = path.stat().st_size
    if held != offset + pixel_bytes:
        _refuse(path, f"holds {held} bytes and announces {offset + pixel_bytes}; copy the file again")
    tags = {
        match[1]: match[2].strip(" \0\r") for match in map(_TAG.match, text.replace("\0", "\n").splitlines()) if match
    }
    rows, cols = (_integer(path, tags, name) for name in ("Rows", "Columns"))
    if pixel_bytes != 2 * rows * cols:
        _refuse(path, f"has {rows} x {cols} pixels of 16 bits and {pixel_bytes} bytes of them; export it again")
    row_mm, col_mm = _numbers(path, tags, "PixelSpacing", 2)
    along = _numbers(path, tags, "ImageOrientationPatient", 6)
    x, y, z = _numbers(path, tags, "ImagePositionPatient", 3)
    plane = Plane((x, y, z), (along[3], along[4], along[5]), (along[0], along[1], along[2]))
    number = _integer(path, tags, "InstanceNumber") if "InstanceNumber" in tags else None
    return _Frame(path, offset, ImagePlane((rows, cols), (row_mm, col_mm), plane), number, _time_s(path, tags))


def _numbers(path: Path, tags: dict[str, str], name: str, count: int) -> tuple[float, ...]:
    words = re.split(r"[\\,; ]+", tags.get(name, "").strip("[]() "))
    try:
        values = tuple(float(word) for word in words)
    except ValueError:
        values = ()
    if len(values) != count or not all(map(math.isfinite, values)):
        _refuse(path, f"has DICOM.{name} {tags.get(name, '')!r:.60}; it must be {count} numbers")
    return values


def _integer(path: Path, tags: dict[str, str], name: str) -> int:
    word = tags.get(name, "")
    if not (word.isascii() and word.isdecimal() and len(word) < 10):
        _refuse(path, f"has DICOM.{name} {word!r:.40}; it must be a whole number")
    return int(word)


def _time_s(path: Path, tags: dict[str, str]) -> float | None:
    """Return the time of day at which a frame was acquired, in seconds."""
    text = next((tags[name] for name in _TIMES if tags.get(name)), None)
    if text is None:
        return None
    match = re.fullmatch(r"([01]\d|2[0-3]):?([0-5]\d):?([0-5]\d)(\.\d{1,9})?", text)
    if match is None:
        _refuse(path, f"has the time {text!r:.30}; it must be HHMMSS.FFFFFF")
    return 3600.0 * int(match[1]) + 60.0 * int(match[2]) + int(match[3]) + float(match[4] or 0.0)


def _past_midnight(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add a day to times that are more than half a day before the first."""
    return np.where(times_s < times_s[0] - 43200.0, times_s + 86400.0, times_s)


def _read_pixels(frame: _Frame) -> NDArray[np.int16]:
    rows, cols = frame.slice.shape
    try:
        pixels = np.fromfile(frame.path, "<i2", rows * cols, offset=frame.offset)
    except OSError as error:
        _refuse(frame.path, f"cannot be read any more ({error.strerror or error}); put it back")
    if pixels.size != rows * cols:
        _refuse(frame.path, "was cut short while it was read; copy the file again")
    return pixels.reshape(rows, cols).astype(np.int16, copy=False)


def _digest(frame: _Frame) -> str:
    """Return a hash for the name of the recording, since folders of exports are often called after the patient."""
    return hashlib.sha256(_read_pixels(frame).tobytes()).hexdigest()[:8]


FORMAT = Format("MRIdian frames (dat)", is_frames, open_frames)
