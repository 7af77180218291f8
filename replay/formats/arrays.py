"""NumPy files: a stack of images as .npy with a sidecar file, or an .npz that contains all values itself.

An .npz holds `frames` (T, H, W) and, by the same names as a sidecar file: `spacing_mm`, `times_s` or `rate_hz`, `plane`
(origin, row step and column step, 3 x 3), `target`, `labels`, `name`, `region`, `field_strength_t`. Pickled objects are
never loaded. With several structures it also holds their names, `structures`, that of the target first, and for the
second and on `target_2`, `labels_2` and so on.
"""

import io
import math
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import FrameStack, Plane, Vector
from replay.formats.decompression import Opener, Stream
from replay.formats.pixel_file import PixelFile
from replay.formats.stack import Stack, transpose_frames
from replay.recording import RecordedStructure

_NPY = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"
_LOCAL_BYTES = 30
_LARGEST_FACT_BYTES = 2**24
_LARGEST_HEADER_BYTES = 2**16
_LONGEST_NAME, _MOST_STRUCTURES = 64, 255
DRAWN = ("target", "labels")
"""Arrays of a structure: on the first frame, and on all."""
_FACTS = ("spacing_mm", "times_s", "rate_hz", "plane", "name", "region", "field_strength_t")


def is_npy(_path: Path, head: bytes) -> bool:
    """Return whether a file begins as a .npy does."""
    return head.startswith(_NPY)


def is_npz(_path: Path, head: bytes) -> bool:
    """Return whether a file is a zip archive whose first member is a .npy."""
    if not head.startswith(_ZIP) or len(head) < _LOCAL_BYTES:
        return False
    return head[_LOCAL_BYTES : _LOCAL_BYTES + int.from_bytes(head[26:28], "little")].endswith(b".npy")


def read_npy(path: Path, time_axis: str | None, _as_stored: bool) -> Stack:
    """Read the images of a .npy file.

    Parameters
    ----------
    path : Path
        The file.
    time_axis : "first", "last" or None
        Axis of time; the first by default.

    Returns
    -------
    Stack
        Frames (T, H, W), read when they are asked for.

    Raises
    ------
    RecordingError
        When the file is cut short, or its array is not a stack of images.
    """
    with path.open("rb") as file:
        shape, fortran, dtype, header_bytes = _npy_header(path, file)
        stored = PixelFile(path, header_bytes, dtype, shape)
    return Stack(_frames(stored, fortran, time_axis or "first"), time_axis=time_axis or "first")


def read_npz(path: Path, time_axis: str | None, _as_stored: bool) -> Stack:
    """Read the images and values of an .npz file.

    Parameters
    ----------
    path : Path
        The file.
    time_axis : "first", "last" or None
        Axis of time; the first by default.

    Returns
    -------
    Stack
        Frames (T, H, W), read when they are asked for, and the other values of the file.

    Raises
    ------
    RecordingError
        When the file is cut short or damaged, or has no frames or values of the wrong type.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if "frames" not in members:
                _refuse(path, f"holds {', '.join(sorted(members))[:80]!r}; it must hold frames (T, H, W)")
            facts = {name: _fact(path, archive, members[name]) for name in _FACTS if name in members}
            names = _names(path, _fact(path, archive, members["structures"])) if "structures" in members else ()
            drawn = [f"{what}{number_of(index)}" for index in range(max(len(names), 1)) for what in DRAWN]
            stacks = {
                name: _frames(*_member(path, archive, members[name]), time_axis or "first")
                for name in ("frames", *drawn)
                if name in members
            }
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        _refuse(path, f"is cut short or damaged ({str(error) or 'it ends too early':.80}); copy the file again")
    masks = [_drawn(stacks, index) for index in range(max(len(names), 1))]
    return Stack(
        frames=stacks["frames"],
        spacing_mm=_pair(path, facts.get("spacing_mm")),
        plane=_plane(path, facts.get("plane")),
        rate_hz=_number(path, facts, "rate_hz"),
        times_s=_times(path, facts.get("times_s")),
        time_axis=time_axis or "first",
        target=masks[0][0],
        labels=masks[0][1],
        target_name=names[0] if names else None,
        structures=tuple(RecordedStructure(name, *one) for name, one in zip(names[1:], masks[1:], strict=False)),
        name=_text(path, facts, "name"),
        region=_text(path, facts, "region"),
        field_strength_t=_number(path, facts, "field_strength_t"),
    )


def number_of(index: int) -> str:
    """Return the end of the names of the arrays of a structure."""
    return "" if index == 0 else f"_{index + 1}"


def _drawn(stacks: dict[str, FrameStack], index: int) -> tuple[NDArray[Any] | None, FrameStack | None]:
    """Return a structure on the first frame and on all."""
    mask, labels = (stacks.get(f"{what}{number_of(index)}") for what in DRAWN)
    return None if mask is None else np.asarray(mask[0]), labels


def _names(path: Path, values: NDArray[Any]) -> tuple[str, ...]:
    """Return the names of the structures."""
    names = tuple(map(str, values.tolist())) if values.dtype.kind == "U" and values.ndim == 1 else ()
    short = all(0 < len(name) <= _LONGEST_NAME and name.isprintable() for name in names)
    if not (names and short and len(set(names)) == len(names) <= _MOST_STRUCTURES):
        _refuse(path, f"has structures that are not up to {_MOST_STRUCTURES} different short names")
    return names


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _npy_header(path: Path, file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Return shape, whether the order is Fortran's, type, and the number of bytes before the pixels."""
    head = io.BytesIO(file.read(_LARGEST_HEADER_BYTES))  # A header may announce any length.
    try:
        with warnings.catch_warnings(action="ignore"):
            version = npy.read_magic(head)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, fortran, dtype = read(head)
    except (zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:  # The header is Python, and parsing it goes wrong in as many ways.
        _refuse(path, f"has a header that is cut short or damaged ({error!s:.80}); copy the file again")
    if dtype.hasobject or dtype.names is not None or dtype.kind not in "biuf":
        _refuse(path, f"holds {dtype!s:.40} and not numbers; save it with integers or floats")
    if not all(0 <= size < 2**40 for size in shape) or len(shape) > 4:
        _refuse(path, f"has the shape {shape!r:.60}; it must be (time, rows, columns)")
    return shape, fortran, dtype, head.tell()


def _frames(stored: PixelFile, fortran: bool, time_axis: str) -> FrameStack:
    """Return the images (T, H, W) of an array of the shape `stored.shape`, in C or Fortran order."""
    shape = stored.shape
    if len(shape) == 4:
        single = next((axis for axis in range(1, 4) if shape[axis] == 1), None)
        if single is None:
            _refuse(stored.path, f"has the shape {shape}; it must be (time, rows, columns)")
        shape = shape[:single] + shape[single + 1 :]
    if len(shape) == 2:
        shape = (1, *shape) if time_axis == "first" else (*shape, 1)
    if len(shape) != 3:
        _refuse(stored.path, f"has the shape {shape}; it must be (time, rows, columns)")
    time = 0 if time_axis == "first" else 2
    in_memory = PixelFile(
        stored.path, stored.offset, stored.dtype, shape[::-1] if fortran else shape, stored.decompress, stored.ends_file
    )
    return transpose_frames(in_memory.frames(2 - time)) if fortran else in_memory.frames(time)


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[PixelFile, bool]:
    """Return the pixels of a member, and whether they are in Fortran order."""
    with archive.open(info) as file:
        shape, fortran, dtype, header_bytes = _npy_header(path, file)
    announced = math.prod(shape) * dtype.itemsize
    if announced != info.file_size - header_bytes:
        _refuse(path, f"announces {announced} bytes of {info.filename:.40}, not {info.file_size - header_bytes}")
    if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
        with path.open("rb") as raw:
            raw.seek(info.header_offset)
            local = raw.read(_LOCAL_BYTES)
        lengths = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        offset = info.header_offset + _LOCAL_BYTES + lengths + header_bytes
        return PixelFile(path, offset, dtype, shape, ends_file=False), fortran
    return PixelFile(path, 0, dtype, shape, _unzipped(path, info.filename, header_bytes)), fortran


def _unzipped(path: Path, member: str, header_bytes: int) -> Opener:
    @contextmanager
    def opened() -> Iterator[Stream]:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(member) as file:
                file.read(header_bytes)
                yield file
        except zipfile.BadZipFile as error:
            raise ValueError(str(error)) from None

    return opened


def _fact(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    if info.file_size > _LARGEST_FACT_BYTES:
        _refuse(path, f"holds {info.file_size} bytes of {info.filename:.40}; {_LARGEST_FACT_BYTES} is the limit")
    with archive.open(info) as file:
        values: BinaryIO = file  # type: ignore[assignment]
        return npy.read_array(values, allow_pickle=False)


def _numbers(path: Path, values: NDArray[Any], shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    if values.dtype.kind not in "iuf" or (values.shape != shape and shape != (-1,)) or values.ndim != len(shape):
        where = "docs/reference/recording-formats.md"
        _refuse(path, f"has {what} of {values.dtype} and shape {values.shape}; see {where}")
    return values.astype(np.float64)


def _pair(path: Path, values: NDArray[Any] | None) -> tuple[float, float] | None:
    if values is None:
        return None
    row, col = _numbers(path, values, (2,), "spacing_mm")
    return float(row), float(col)


def _plane(path: Path, values: NDArray[Any] | None) -> Plane | None:
    if values is None:
        return None
    vectors: list[Vector] = []
    for first, second, third in _numbers(path, values, (3, 3), "a plane"):
        vectors.append((float(first), float(second), float(third)))
    return Plane(*vectors)


def _times(path: Path, values: NDArray[Any] | None) -> NDArray[np.float64] | None:
    return None if values is None else _numbers(path, values, (-1,), "times_s")


def _number(path: Path, facts: dict[str, NDArray[Any]], name: str) -> float | None:
    return None if name not in facts else float(_numbers(path, facts[name], (), name))


def _text(path: Path, facts: dict[str, NDArray[Any]], name: str) -> str | None:
    if name not in facts:
        return None
    value = facts[name]
    if value.dtype.kind != "U" or value.shape != () or not 0 < len(text := str(value)) <= 64 or not text.isprintable():
        _refuse(path, f"has a {name} that is not a short text; see docs/reference/recording-formats.md")
    return text
