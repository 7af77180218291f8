"""Exports of the MRIdian MR-linac with a file for each frame, or with all frames one after the other in a file (.dat).

Written from public descriptions and public scripts, and tested only on files that were made from them, not on a
vendor's own. Any deviation from the description raises an error.

A frame consists of the length of the header (int32), the length of the pixels (int32), the header (ASCII: a title, and
lines `DICOM.<keyword> = <value>` and `CONTROL.<keyword> = <value>`), and the pixels (int16, row after row); all
little-endian. A file of a whole cine may end with lengths of zero. Two families of keywords are known: those of DICOM,
and `NoOfRows`, `NoOfCols`, `PixelSpacing.0/.1`, `RowVec.n`, `ColVec.n` and `PosVec.n`, the position half a width and
half a height of the image beyond the centre of the first pixel, with `CONTROL.ChronSliceNo`. Positions are used as
DICOM LPS. Of the header only geometry, number and time are read. The first five frames, acquired while the sequence
approaches its steady state, are brighter than the rest and are left out.
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
from replay.formats.dicom_order import mended_times
from replay.formats.format import HEAD_BYTES, Choices, Format
from replay.formats.planes import NOTED_MM, ImagePlane, choose_plane
from replay.formats.readable import named, read_each
from replay.formats.sidecar import read_sidecar
from replay.formats.stack import Stack, make_recording
from replay.formats.vendor.mridian_log import read_decisions
from replay.recording import LazyFrames, Recording
from replay.vendor_trace import VendorTrace

APPROACH = 5
"""Number of frames that are acquired while the sequence approaches its steady state."""
APPROACH_NOTE = f"the first {APPROACH} frames are the approach to the steady state and are left out"
FIRST_LOOK = 16
"""Number of files of a folder that are examined to find out whether they are frames."""
MOST_FRAMES = 200_000
_LENGTHS = struct.Struct("<ii")
_LARGEST_HEADER_BYTES = 2**20
_LARGEST_FRAME_BYTES = 2**27
_TAG = re.compile(r"(DICOM|CONTROL)\.([\w.]+)\s*[=:\t ]\s*(.*)")
_MARKS = b"DICOM.", b"CONTROL."
_TIMES = ("AcquisitionTime", "ContentTime")
_NUMBERS = ("InstanceNumber", "ChronSliceNo")
_CENTRE_NOTE = (
    "positions are made of PosVec, RowVec and ColVec as public scripts use them; confirm the position, and that the "
    "images are not mirrored"
)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame: its file and header, the offset of its pixels in bytes, and whether its position is of a centre.

    Where both families of keywords tell the position, `apart_mm` is how far they are apart.

    Numbers and times of day, in s, are those of `_NUMBERS` and `_TIMES`; None where there is none that can be read.
    """

    path: Path
    offset: int
    slice: ImagePlane
    numbers: tuple[int | None, ...]
    times_s: tuple[float | None, ...]
    by_centre: bool
    apart_mm: float


def is_frames(path: Path, head: bytes) -> bool:
    """Return whether a file is a frame, or one of the first files of a folder is."""
    if not path.is_dir():
        return _is_frame(head)
    files = list(islice(_files(path), FIRST_LOOK))
    return bool(files) and any(_is_frame(_head(file)) for file in files)


def open_frames(path: Path, choices: Choices) -> Recording:
    """Open a folder of frames, or a file of one frame or a whole cine.

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
        When the directions of the images span no plane.
    """
    files = [path] if not path.is_dir() else sorted(_files(path), key=_natural)
    if len(files) > MOST_FRAMES:
        _refuse(path, f"holds {len(files)} files, the limit is {MOST_FRAMES}; split the recording")
    own = [file for file in files if not path.is_dir() or _is_frame(_head(file))]
    held, damaged = read_each(own, _read_headers, path)
    if len(held) > 1 and any(len(one) > 1 for one in held):
        _refuse(path, f"holds {len(held)} files, some of a whole cine; name one of them")
    frames = [frame for one in held for frame in one]
    others = len(files) - len(own)
    clock_s = [next((time_s for time_s in one.times_s if time_s is not None), 0.0) for one in frames]
    chosen, of_planes = choose_plane([one.slice for one in frames], choices, path, clock_s)
    frames = [frames[index] for index in chosen]
    frames, notes = _in_order(frames, path)
    count = len(frames)
    check_frame_count(path, count)
    times_s, about = _times_s(frames)
    frames, notes = frames[APPROACH:], [*damaged, *notes, *about]
    first = frames[0].slice
    beam_on, about = read_decisions(path, count, APPROACH)
    stack = Stack(
        frames=LazyFrames(lambda index: _read_pixels(frames[index]), len(frames), first.shape, np.dtype(np.int16)),
        spacing_mm=first.spacing_mm,
        plane=first.plane,
        times_s=None if times_s is None else times_s[APPROACH:],
        name=f"mridian-{_digest(frames[0])}",
        notes=(
            APPROACH_NOTE,
            *of_planes,
            *notes,
            *((_CENTRE_NOTE,) if frames[0].by_centre else ()),
            *_apart_note(frames),
            *((f"{others} files that are not frames are left out",) if others else ()),
            *about,
        ),
        vendor=None if beam_on is None else VendorTrace("MRIdian gating log", beam_on=beam_on),
    )
    return make_recording(stack, read_sidecar(path, choices), path)


def _in_order(frames: list[_Frame], path: Path) -> tuple[list[_Frame], list[str]]:
    """Return the frames in the order of their numbers, else of files and in these as they are stored, and notes."""
    for kind in range(len(_NUMBERS)):
        numbers = [one.numbers[kind] for one in frames]
        known = [number for number in numbers if number is not None]
        if len(set(known)) < len(known) or len(known) <= len(frames) // 2:
            continue
        left = [one.path for one in frames if one.numbers[kind] is None]
        what = f"{len(left)} of {len(frames)} frames tell no number and are left out: {named(left)}"
        ranked = sorted((number, index) for index, number in enumerate(numbers) if number is not None)
        return [frames[index] for _, index in ranked], [what] if left else []
    if path.is_dir():
        return frames, ["frames tell no numbers that differ; they are in the order of the numbers in their names"]
    return frames, []


def _times_s(frames: list[_Frame]) -> tuple[NDArray[np.float64] | None, list[str]]:
    """Return the time of each frame in order, None where they are not told, and notes."""
    notes: list[str] = []
    for kind, name in enumerate(_TIMES):
        times_s = np.array([np.nan if (told := one.times_s[kind]) is None else told for one in frames])
        known_s = times_s[np.isfinite(times_s)]
        if not known_s.size or np.ptp(known_s) == 0.0:
            continue
        # Those after midnight are more than half a day before the first.
        times_s = np.where(times_s < known_s[0] - 43200.0, times_s + 86400.0, times_s)
        if (np.diff(times_s[APPROACH:]) > 0.0).all():
            return times_s, []
        if (mended := mended_times(times_s, "the order of frames")) is not None:
            return mended[0], [f"{name}: {mended[1]}"]
        notes.append(f"{name} does not rise with the order of frames and is not used")
    return None, notes


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
        return file.read(HEAD_BYTES)


def _is_frame(head: bytes) -> bool:
    if len(head) < _LENGTHS.size:
        return False
    header_bytes, pixel_bytes = _LENGTHS.unpack_from(head)
    if not (0 < header_bytes <= _LARGEST_HEADER_BYTES and 0 < pixel_bytes <= _LARGEST_FRAME_BYTES):
        return False
    header = head[_LENGTHS.size : _LENGTHS.size + header_bytes]
    return any(mark in header for mark in _MARKS)


def _read_headers(path: Path) -> list[_Frame]:
    """Read the headers of all frames of a file, and check its size."""
    held, at = path.stat().st_size, 0
    frames: list[_Frame] = []
    with path.open("rb") as file:
        while at < held:
            file.seek(at)
            header_bytes, pixel_bytes = _LENGTHS.unpack(file.read(_LENGTHS.size).ljust(_LENGTHS.size, b"\0"))
            if frames and header_bytes == 0 and pixel_bytes == 0 and held - at <= _LENGTHS.size:
                break
            if not 0 < header_bytes <= _LARGEST_HEADER_BYTES:
                _refuse(path, f"announces a header of {header_bytes} bytes; it is not a frame of an MRIdian cine")
            text = file.read(header_bytes).decode("ascii", "replace")
            offset = at + _LENGTHS.size + header_bytes
            at = offset + pixel_bytes
            if not 0 < pixel_bytes <= held - offset:
                _refuse(path, f"holds {held} bytes and announces {at}; copy the file again")
            frames.append(_frame(path, text, offset, pixel_bytes))
            if len(frames) > MOST_FRAMES:
                _refuse(path, f"holds more than {MOST_FRAMES} frames; split the recording")
    if not frames:
        _refuse(path, "is empty; copy the file again")
    return frames


def _frame(path: Path, text: str, offset: int, pixel_bytes: int) -> _Frame:
    found = [match for match in map(_TAG.match, text.replace("\0", "\n").splitlines()) if match]
    tags = {match[2]: match[3].strip(" \0\r") for match in found}
    rows = _integer(path, tags, "NoOfRows" if "Rows" not in tags and "NoOfRows" in tags else "Rows")
    cols = _integer(path, tags, "NoOfCols" if "Columns" not in tags and "NoOfCols" in tags else "Columns")
    if pixel_bytes != 2 * rows * cols:
        _refuse(path, f"has {rows} x {cols} pixels of 16 bits and {pixel_bytes} bytes of them; export it again")
    row_mm, col_mm = _vector(path, tags, "PixelSpacing", "PixelSpacing", 2)
    if "ImageOrientationPatient" in tags or "RowVec.0" not in tags:
        along = _numbers(path, tags, "ImageOrientationPatient", 6)
        along_row, along_col = along[:3], along[3:]
    else:
        along_row, along_col = (_vector(path, tags, name, name, 3) for name in ("RowVec", "ColVec"))
    half_mm = 0.5 * (rows * row_mm * np.array(along_col) + cols * col_mm * np.array(along_row))
    by_centre, apart_mm = "ImagePositionPatient" not in tags and "PosVec.0" in tags, 0.0
    origin = np.array(_vector(path, tags, "ImagePositionPatient", "PosVec", 3)) - by_centre * half_mm
    if not by_centre and "PosVec.0" in tags:
        other = np.array([_numbers(path, tags, f"PosVec.{index}", 1)[0] for index in range(3)]) - half_mm
        apart_mm = float(np.linalg.norm(origin - other))
    origin_mm, row_step, col_step = ((float(x), float(y), float(z)) for x, y, z in (origin, along_col, along_row))
    plane = Plane(origin_mm, row_step, col_step)
    numbers = (tags.get(name, "") for name in _NUMBERS)
    return _Frame(
        path,
        offset,
        ImagePlane((rows, cols), (row_mm, col_mm), plane),
        tuple(int(word) if _is_count(word) else None for word in numbers),
        tuple(_time_of_day_s(tags.get(name, "")) for name in _TIMES),
        by_centre,
        apart_mm,
    )


def _apart_note(frames: list[_Frame]) -> tuple[str, ...]:
    """Return a note where the two families of keywords place images differently."""
    apart_mm = max(one.apart_mm for one in frames)
    if not apart_mm > NOTED_MM:
        return ()
    return (f"ImagePositionPatient and PosVec place images up to {apart_mm:.3g} mm apart; the former counts",)


def _vector(path: Path, tags: dict[str, str], name: str, dotted: str, count: int) -> tuple[float, ...]:
    """Return numbers in one value, or each in a keyword of its own with a dot and its index."""
    if name not in tags and f"{dotted}.0" in tags:
        return tuple(_numbers(path, tags, f"{dotted}.{index}", 1)[0] for index in range(count))
    return _numbers(path, tags, name, count)


def _numbers(path: Path, tags: dict[str, str], name: str, count: int) -> tuple[float, ...]:
    words = re.split(r"[\\,; ]+", tags.get(name, "").strip("[]() "))
    try:
        values = tuple(float(word) for word in words)
    except ValueError:
        values = ()
    if len(values) != count or not all(map(math.isfinite, values)):
        must = "a number" if count == 1 else f"{count} numbers"
        _refuse(path, f"has DICOM.{name} {tags.get(name, '')!r:.60}; it must be {must}")
    return values


def _integer(path: Path, tags: dict[str, str], name: str) -> int:
    word = tags.get(name, "")
    if not _is_count(word):
        _refuse(path, f"has DICOM.{name} {word!r:.40}; it must be a whole number")
    return int(word)


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 10


def _time_of_day_s(text: str) -> float | None:
    """Return a time in seconds since midnight; None for a text that is none."""
    match = re.fullmatch(r"([01]\d|2[0-3]):?([0-5]\d):?([0-5]\d)(\.\d{1,9})?", text)
    if match is None:
        return None
    return 3600.0 * int(match[1]) + 60.0 * int(match[2]) + int(match[3]) + float(match[4] or 0.0)


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
FORMATS = (FORMAT,)
