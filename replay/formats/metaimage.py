"""MetaImage files (.mha, .mhd): header and pixels are read and checked here, files are written by SimpleITK.

SimpleITK returns wrong pixels from a damaged deflate stream, drops the sign of a negative spacing, allocates what a
header announces before it looks at the file, crashes on a long word in the header, prints to standard error, and reads
all pixels at once. Here the header is compared with the file, the checksum of a stream is checked, and frames are read
one by one where they lie one after the other. Format: the MetaIO documentation of ITK, and its source.
"""

import math
import os
import re
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Vector
from replay.formats.decompression import zlib_opener
from replay.formats.pixel_file import MAX_COMPRESSED_BYTES, PixelFile
from replay.formats.volume import Volume, unit_directions

MAX_BYTES = MAX_COMPRESSED_BYTES
_MAX_HEADER_BYTES = 65536
_MAX_WORD_CHARS = 254
_TRUE = ("T", "t", "1")
_HEADER_LINE = re.compile(rb" *([!-9;<>-~][ -9;<>-~]*)=([\t -\xff]*)\r?\n")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)")
_FIRST_KEYS = (b"ObjectType", b"NDims", b"Comment", b"ObjectSubType", b"Name", b"ID")
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


class Place(NamedTuple):
    """Origin and directions of an image, in DICOM LPS.

    Attributes
    ----------
    origin_mm : tuple of 3 floats
        Centre of the first pixel, in mm.
    directions : tuple of 3 vectors
        Unit vectors along which indices increase, that of the slowest axis first.
    """

    origin_mm: Vector
    directions: tuple[Vector, Vector, Vector]


def is_metaimage(_path: Path, head: bytes) -> bool:
    """Return whether a file begins as the header of a MetaImage does."""
    line = _HEADER_LINE.match(head)
    return line is not None and line[1].strip() in _FIRST_KEYS and b"DimSize" in head


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


def write_metaimage(
    path: Path,
    pixels: NDArray[np.generic],
    spacing: tuple[float, ...],
    like: Path | None = None,
    place: Place | None = None,
) -> None:
    """Write pixels as a compressed MetaImage that is read back exactly.

    Parameters
    ----------
    path : Path
        The file to make; its name ends in .mha.
    pixels : ndarray of int, float32 or float64
        With the slowest axis first.
    spacing : tuple of float
        Distance of pixel centres along each axis of `pixels`.
    like : Path, optional
        A file of as many axes, from which origin and directions are copied.
    place : Place, optional
        Origin and directions of an image of three axes.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    native = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))
    image: Any = SimpleITK.GetImageFromArray(native)
    image.SetSpacing([float(step) for step in reversed(spacing)])
    if like is not None:
        reader: Any = SimpleITK.ImageFileReader
        header = reader()
        header.SetImageIO("MetaImageIO")
        header.SetFileName(str(like))
        header.ReadImageInformation()
        image.SetOrigin(header.GetOrigin())
        image.SetDirection(header.GetDirection())
    if place is not None:
        image.SetOrigin(place.origin_mm)
        image.SetDirection(np.array(place.directions[::-1]).T.ravel().tolist())
    with path.open("wb") as file:
        # Find a full disk, which SimpleITK prints to standard error or ignores; level 1 makes at most 9/8 of the size.
        os.posix_fallocate(file.fileno(), 0, native.nbytes * 9 // 8 + _MAX_HEADER_BYTES)
    try:
        name = str(path).encode().decode()
        SimpleITK.WriteImage(image, name, useCompression=True, compressionLevel=1, imageIO="MetaImageIO")
        read_plain(path).pixels.check()
    except (RuntimeError, UnicodeError, RecordingError) as error:
        raise OSError("SimpleITK cannot write it completely under this name") from error


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
        header = _header(path, file)
        offset = file.tell()
    dtype, sizes = _layout(path, header)
    spacing = _numbers(path, header, ("ElementSpacing",), len(sizes), "above 0")
    if spacing is None:
        _refuse(path, f"has no ElementSpacing; it must be {len(sizes)} numbers above 0, correct the header")
    if (data := header["ElementDataFile"]) != "LOCAL":
        offset = 0
        if Path(data).name != data or data.startswith("LIST") or "%" in data:
            _refuse(path, f"has its pixels in {data!r:.60}; store it as one .mha file")
    is_compressed = header.get("CompressedData", "").startswith(_TRUE)
    where = path if data == "LOCAL" else path.with_name(data)
    announced = header.get("CompressedDataSize", "no number") if is_compressed else None
    decompress = zlib_opener(where, offset, announced) if is_compressed else None
    origin = _numbers(path, header, ("Offset", "Position", "Origin"), len(sizes)) or (0.0, 0.0, 0.0)
    return Volume(
        pixels=PixelFile(where, offset, dtype, sizes[::-1], decompress),
        spacing=spacing,
        directions=_directions(path, header, len(sizes)),
        origin_mm=_in_space(origin),
    )


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _header(path: Path, file: BinaryIO) -> dict[str, str]:
    """Read the lines `key = value` up to ElementDataFile, after which the pixels begin, and leave the file there."""
    header: dict[str, str] = {}
    while "ElementDataFile" not in header:
        line = _HEADER_LINE.fullmatch(file.readline(_MAX_HEADER_BYTES - file.tell()))
        if line is None or (key := line[1].decode().strip()) in header:
            _refuse(path, f"is not a MetaImage, or its header is cut short at byte {file.tell()}; copy the file again")
        header[key] = line[2].decode("ascii", "replace").strip()
    return header


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
    if header.get("HeaderSize", "0") != "0" or max(map(len, [*header, *header.values()])) > _MAX_WORD_CHARS:
        _refuse(path, f"has a HeaderSize, or more than {_MAX_WORD_CHARS} characters in a word; export it without")
    return dtype, sizes


def _numbers(
    path: Path, header: dict[str, str], keys: tuple[str, ...], count: int, which: str = "that are finite"
) -> tuple[float, ...] | None:
    """Return the numbers of the first key that the header has; None when it has no such key."""
    key = next((key for key in keys if key in header), None)
    if key is None:
        return None
    words = header[key].split()
    values = tuple(float(word) if _NUMBER.fullmatch(word) else math.nan for word in words)
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
