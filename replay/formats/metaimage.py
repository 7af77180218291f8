"""MetaImage files (.mha, .mhd): header and pixels are read and checked here.

SimpleITK returns wrong pixels from a damaged deflate stream, drops the sign of a negative spacing, allocates what a
header announces before it looks at the file, crashes on a long word in the header, prints to standard error, and reads
all pixels at once. Here the header is compared with the file, the checksum of a stream is checked, and frames are read
one by one where they lie one after the other. Format: the MetaIO documentation of ITK, and its source.
"""

import math
import re
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Vector
from replay.formats.decompression import zlib_opener
from replay.formats.format import HEAD_BYTES
from replay.formats.pixel_file import MAX_COMPRESSED_BYTES, PixelFile
from replay.formats.pixel_parts import listed_names, numbered_names, several_files
from replay.formats.plus_sequence import NUMBER, frame_times
from replay.formats.volume import Volume, beside, unit_directions

MAX_BYTES = MAX_COMPRESSED_BYTES
_MAX_HEADER_BYTES = 2**26
"""Limit of a header; those of PLUS have some lines for each frame."""
_MAX_LINE_BYTES = 2**16
_MAX_WORD_CHARS = 254
_TRUE = ("T", "t", "1")
_HEADER_LINE = re.compile(rb" *([!-9;<>-~][ -9;<>-~]*)=([\t -\xff]*)\r?\n")
_NAMES = (b"DimSize", b"ElementType", b"ElementSpacing", b"NDims", b"ObjectType")
"""Keys of which the beginning of a file has two, whatever its first key is."""
_USED = (
    *("NDims", "DimSize", "ElementType", "ElementSpacing", "ElementSize", "ElementNumberOfChannels"),
    *("ElementDataFile", "HeaderSize"),
    *("BinaryData", "BinaryDataByteOrderMSB", "ElementByteOrderMSB", "CompressedData", "CompressedDataSize"),
    *("TransformMatrix", "Rotation", "Orientation", "Offset", "Position", "Origin", "Kinds"),
)
_OF_FRAME = re.compile(r"Seq_Frame(\d{1,9})_(Timestamp|ImageStatus)")
_TIME_KINDS = ("list", "time")
_SKEW = 1e-3
_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


def is_metaimage(path: Path, head: bytes) -> bool:
    """Return whether a file begins as the header of a MetaImage does."""
    keys = []
    for line in head.splitlines(keepends=True):
        if (found := _HEADER_LINE.fullmatch(line)) is None:
            if len(head) == HEAD_BYTES and len(line) > HEAD_BYTES // 2 and line.startswith(b"Comment"):
                with path.open("rb") as file:
                    return is_metaimage(path, file.read(_MAX_LINE_BYTES))
            break
        keys.append(found[1].strip())
    return sum(name in keys for name in _NAMES) > 1


def read_metaimage(path: Path) -> tuple[NDArray[np.generic], tuple[float, ...]]:
    """Read all pixels of a MetaImage, and their spacing.

    Parameters
    ----------
    path : Path
        A file of two or three axes that holds its own pixels, at most 4 GiB of them, one value each.

    Returns
    -------
    pixels : ndarray
        With the slowest axis first, as from SimpleITK.GetArrayFromImage.
    spacing : tuple of float
        Distance of pixel centres along each axis of `pixels`, in the unit of the file.

    Raises
    ------
    RecordingError
        When the file is missing, cut short, damaged, or not supported.
    """
    volume = read_plain(path)
    if volume.pixels.nbytes > MAX_BYTES:
        gib, limit_gib = volume.pixels.nbytes / 2**30, MAX_BYTES // 2**30
        _refuse(path, f"announces {gib:.1f} GiB of pixels, the limit is {limit_gib}; split the recording")
    volume.pixels.check()
    return volume.pixels.read_all(), volume.spacing[::-1]


def read_plain(path: Path) -> Volume:
    """Read the header of a file of two or three axes that holds its own pixels; the pixels are read later.

    Parameters
    ----------
    path : Path
        The file (.mha).

    Returns
    -------
    Volume
        Of two or three axes.

    Raises
    ------
    RecordingError
        When the file is missing, damaged, or not supported.
    """
    try:
        volume = read_header(path)
    except OSError as error:
        _refuse(path, f"cannot be read ({error.strerror or error}); check the path and its permissions")
    if volume.path != path:
        _refuse(path, "does not hold its own pixels (ElementDataFile is not LOCAL); store it as one .mha file")
    if (axes := len(volume.sizes)) not in (2, 3):
        _refuse(path, f"has {axes} axes; export it with two or three axes")
    return volume


def read_header(path: Path) -> Volume:
    """Read the header of a MetaImage; the pixels are read later.

    Parameters
    ----------
    path : Path
        The file (.mha), or the header (.mhd) of one.

    Returns
    -------
    Volume
        Of two to four axes, the fastest first.

    Raises
    ------
    RecordingError
        When the header is cut short, contradicts itself, or describes pixels that are not supported.
    OSError
        When the file cannot be read.
    """
    with path.open("rb") as file:
        header, of_frames = _header(path, file)
        offset = file.tell()
        data = header["ElementDataFile"]
        names = listed_names(path, file) if data.startswith("LIST") else []
    dtype, sizes = _layout(path, header)
    spacing = _numbers(path, header, ("ElementSpacing", "ElementSize"), len(sizes), "above 0")
    if spacing is None:
        _refuse(path, f"has no ElementSpacing; it must be {len(sizes)} numbers above 0, correct the header")

    def part(where: Path, shape: tuple[int, ...]) -> PixelFile:
        return _pixels(path, header, where, offset if where == path else 0, dtype, shape)

    if names or "%" in data:
        names = names or numbered_names(path, data.split(), sizes[-1])
        files = [beside(path, name, "mha") for name in names]
        pixels = several_files(path, files, sizes[::-1], dtype, part)
    else:
        pixels = part(path if data == "LOCAL" else beside(path, data, "mha"), sizes[::-1])
    time = _time_axis(header, len(sizes))
    times_s, notes = frame_times(of_frames, None if time is None else sizes[time])
    origin = _numbers(path, header, ("Offset", "Position", "Origin"), len(sizes)) or (0.0, 0.0, 0.0)
    return Volume(
        pixels=pixels,
        spacing=spacing,
        directions=_directions(path, header, len(sizes)),
        origin_mm=_in_space(origin),
        time=time,
        times_s=times_s,
        notes=notes,
    )


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _header(path: Path, file: BinaryIO) -> tuple[dict[str, str], dict[str, dict[int, str]]]:
    """Read the lines `key = value` up to ElementDataFile, after which the pixels begin, and leave the file there.

    Returns
    -------
    header : dict of str to str
        What is used of the header.
    of_frames : dict of str to dict
        Of a sequence of PLUS, the values of each frame by its number.
    """
    header: dict[str, str] = {}
    of_frames: dict[str, dict[int, str]] = {"Timestamp": {}, "ImageStatus": {}}
    while "ElementDataFile" not in header:
        line = _HEADER_LINE.fullmatch(file.readline(min(_MAX_LINE_BYTES, _MAX_HEADER_BYTES - file.tell())))
        if line is None:
            _refuse(path, f"is not a MetaImage, or its header is cut short at byte {file.tell()}; copy the file again")
        key, value = line[1].decode().strip(), line[2].decode("ascii", "replace").strip()
        if of_frame := _OF_FRAME.fullmatch(key):
            of_frames[of_frame[2]][int(of_frame[1])] = value
        elif key in _USED:
            if header.setdefault(key, value) != value:
                _refuse(path, f"has the key {key} twice in its header, with two values; correct it")
            if len(value) > _MAX_WORD_CHARS:
                _refuse(path, f"has more than {_MAX_WORD_CHARS} characters in {key}; correct the header")
    return header, of_frames


def _pixels(
    path: Path, header: dict[str, str], where: Path, offset: int, dtype: np.dtype[np.generic], shape: tuple[int, ...]
) -> PixelFile:
    """Return the pixels in a file, which begin at an offset or where HeaderSize says."""
    is_compressed = header.get("CompressedData", "").startswith(_TRUE)
    announced = header.get("CompressedDataSize") if is_compressed else None
    nbytes = int(announced or 0) if (announced or "").isdecimal() else math.prod(shape) * dtype.itemsize
    text = header.get("HeaderSize", "0")
    size = int(text) if re.fullmatch(r"-?[0-9]{1,12}", text) else -2
    if size < -1:
        _refuse(path, f"has the HeaderSize {text:.20}; it must be -1 or a number of bytes")
    if size == -1 and (not is_compressed or announced is not None):
        offset = max(where.stat().st_size - nbytes, offset)
    if 0 < size < offset:
        _refuse(path, f"has the HeaderSize {size}, and its header ends at byte {offset}; correct it")
    offset = max(size, offset)
    return PixelFile(where, offset, dtype, shape, zlib_opener(where, offset, announced) if is_compressed else None)


def _time_axis(header: dict[str, str], axes: int) -> int | None:
    """Return the axis that the header calls a list or time."""
    kinds = header.get("Kinds", "").lower().split()
    found = [axis for axis, kind in enumerate(kinds) if kind in _TIME_KINDS]
    return found[0] if len(kinds) == axes and len(found) == 1 else None


def _layout(path: Path, header: dict[str, str]) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    """Return the type of pixels and the sizes, the fastest axis first, as SimpleITK reads them."""
    try:
        words = header["DimSize"].split()
        if not all(word.isdecimal() for word in words):
            _refuse(path, f"has DimSize {header['DimSize']:.60}; export it with at least one pixel and one frame")
        sizes = tuple(map(int, words))
        axes = header["NDims"]
        msb = header.get("BinaryDataByteOrderMSB", header.get("ElementByteOrderMSB", ""))
        dtype: np.dtype[np.generic] = np.dtype((">" if msb.startswith(_TRUE) else "<") + _TYPES[header["ElementType"]])
    except (KeyError, ValueError) as error:
        _refuse(path, f"has no readable NDims, DimSize and ElementType ({error!s:.80}); export it as scalar pixels")
    if axes not in ("2", "3", "4") or axes != str(len(sizes)):
        _refuse(path, f"has {axes:.20} axes and {len(sizes)} sizes; export it with two or three axes")
    if (channels := header.get("ElementNumberOfChannels", "1")) != "1":
        _refuse(path, f"has {channels:.20} values per pixel; export it with one")
    if not all(1 <= size <= MAX_BYTES for size in sizes):
        _refuse(path, f"has size {header['DimSize']:.60}; export it with at least one pixel and one frame")
    if not header.get("BinaryData", "").startswith(_TRUE):
        _refuse(path, "holds its pixels as text; export it with BinaryData = True")
    return dtype, sizes


def _numbers(
    path: Path, header: dict[str, str], keys: tuple[str, ...], count: int, which: str = "that are finite"
) -> tuple[float, ...] | None:
    """Return the numbers of the first key that the header has; None when it has no such key."""
    key = next((key for key in keys if key in header), None)
    if key is None:
        return None
    words = header[key].split()
    values = tuple(float(word) if NUMBER.fullmatch(word) else math.nan for word in words)
    low = 0.0 if which == "above 0" else -math.inf
    if len(values) != count or not all(low < value < math.inf for value in values):
        _refuse(path, f"has {key} {header[key]!r:.60}; it must be {count} numbers {which}, correct the header")
    return values


def _directions(path: Path, header: dict[str, str], axes: int) -> tuple[Vector, ...] | None:
    """Return a unit vector for each axis; None where the header has no directions."""
    values = _numbers(path, header, ("TransformMatrix", "Rotation", "Orientation"), axes * axes)
    if values is None:
        return None
    matrix = np.array(values).reshape(axes, axes)
    if np.abs(matrix @ matrix.T - np.eye(axes)).max() > _SKEW:
        _refuse(path, "has a TransformMatrix whose rows are not of unit length and at right angles; correct the header")
    in_space = np.zeros((3, axes))
    in_space[: min(axes, 3)] = matrix.T[:3]
    return unit_directions(in_space)


def _in_space(values: tuple[float, ...]) -> Vector:
    first, second, third = (*values, 0.0)[:3]
    return first, second, third
