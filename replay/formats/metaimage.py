"""MetaImage files (.mha): SimpleITK decodes and encodes them, behind a guard that trusts neither header nor stream.

Alone, SimpleITK hands out wrong pixels from a damaged deflate stream, drops the sign of a negative spacing, allocates
what a header claims before looking, crashes on a long word in it, and complains on standard error. So a file is first
held against its own header, and the checksum of its stream counts. Format: the MetaIO documentation of ITK.
"""

import math
import os
import re
import zlib
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from gatekeeper.errors import RecordingError

MAX_BYTES = 4 * 2**30
_MAX_HEADER_BYTES = 65536
_MAX_WORD_CHARS = 254
_CHUNK_BYTES = 2**16
_ZLIB_OR_GZIP = 47
_TRUE = ("T", "t", "1")
_HEADER_LINE = re.compile(rb" *([!-9;<>-~][ -9;<>-~]*)=([\t -\xff]*)\r?\n")
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


def read_metaimage(path: Path) -> tuple[NDArray[np.generic], tuple[float, ...]]:
    """Return the pixels of a MetaImage and the distances of their centres.

    Parameters
    ----------
    path : Path
        A file of two or three axes and one value per pixel, at most 4 GiB of pixels.

    Returns
    -------
    pixels : ndarray
        With the axes in the order of SimpleITK.GetArrayFromImage: the slowest first.
    spacing : tuple of float
        One distance per axis of `pixels`, in the unit of the file.

    Raises
    ------
    RecordingError
        When the file is missing, cut short, damaged, or holds what is not read here.
    """
    try:
        announced = _check(path)
        # SimpleITK ends the process on a name that is not UTF-8; encode() only raises.
        image: Any = SimpleITK.ReadImage(str(path).encode().decode(), imageIO="MetaImageIO")
    except OSError as error:
        _refuse(path, f"cannot be read ({error.strerror or error}); check the path and its permissions")
    except (RuntimeError, UnicodeError):
        _refuse(path, "has a name or a header that SimpleITK refuses; rename it or export it again")
    pixels: NDArray[np.generic] = SimpleITK.GetArrayFromImage(image)
    spacing = tuple(reversed(image.GetSpacing()))
    if (pixels.dtype, pixels.shape, spacing) != announced:
        _refuse(path, "has a header that SimpleITK understands otherwise; export it again")
    return pixels, spacing


def write_metaimage(path: Path, pixels: NDArray[np.generic], spacing: tuple[float, ...]) -> None:
    """Write `pixels` as a deflated MetaImage that reads back exactly.

    Parameters
    ----------
    path : Path
        The file to make; its name ends in .mha.
    pixels : ndarray of an integer type, float32 or float64
        With the slowest axis first.
    spacing : tuple of float
        One distance per axis of `pixels`.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    native = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))
    image: Any = SimpleITK.GetImageFromArray(native)
    image.SetSpacing([float(step) for step in reversed(spacing)])
    with path.open("wb") as file:
        # Finds a full disk, of which SimpleITK tells on standard error or not at all; level 1 makes 9/8 at worst.
        os.posix_fallocate(file.fileno(), 0, native.nbytes * 9 // 8 + _MAX_HEADER_BYTES)
    try:
        name = str(path).encode().decode()
        SimpleITK.WriteImage(image, name, useCompression=True, compressionLevel=1, imageIO="MetaImageIO")
        _check(path)
    except (RuntimeError, UnicodeError, RecordingError) as error:
        raise OSError("SimpleITK cannot write it whole under this name") from error


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _check(path: Path) -> tuple[np.dtype[np.generic], tuple[int, ...], tuple[float, ...]]:
    """Return pixel type, shape and spacing of a file that is whole and that SimpleITK does not misread."""
    with path.open("rb") as file:
        header = _header(path, file)
        dtype, shape, spacing = _layout(path, header)
        _check_pixels(path, header, file, math.prod(shape) * dtype.itemsize)
    return dtype, shape, spacing


def _header(path: Path, file: BinaryIO) -> dict[str, str]:
    """Read `key = value` lines up to the one after which the pixels begin, and leave the file there."""
    header: dict[str, str] = {}
    while "ElementDataFile" not in header:
        line = _HEADER_LINE.fullmatch(file.readline(_MAX_HEADER_BYTES - file.tell()))
        if line is None or (key := line[1].decode().strip()) in header:
            _refuse(path, f"is no MetaImage, or its header is cut short at byte {file.tell()}; copy the file again")
        header[key] = line[2].decode("ascii", "replace").strip()
    return header


def _layout(path: Path, header: dict[str, str]) -> tuple[np.dtype[np.generic], tuple[int, ...], tuple[float, ...]]:
    """Return pixel type, shape and spacing, slowest axis first, of a header that SimpleITK reads in the same way."""
    if header["ElementDataFile"] != "LOCAL":
        _refuse(path, "does not hold its own pixels (ElementDataFile is not LOCAL); store it as one .mha file")
    try:
        shape = tuple(int(size) for size in reversed(header["DimSize"].split()))
        axes = header["NDims"]
        dtype: np.dtype[np.generic] = np.dtype(_TYPES[header["ElementType"]])
    except (KeyError, ValueError) as error:
        _refuse(path, f"has no readable NDims, DimSize and ElementType ({error!s:.80}); export it as scalar pixels")
    if axes not in ("2", "3") or axes != str(len(shape)):
        _refuse(path, f"has {axes:.20} axes and {len(shape)} sizes; export it with two or three axes")
    if (channels := header.get("ElementNumberOfChannels", "1")) != "1":
        _refuse(path, f"has {channels:.20} values per pixel; export it with one")
    if not all(1 <= size <= MAX_BYTES for size in shape):
        _refuse(path, f"has size {header['DimSize']:.60}; export it with at least one pixel and one frame")
    gib, limit_gib = math.prod(shape) * dtype.itemsize / 2**30, MAX_BYTES // 2**30
    if gib > limit_gib:
        _refuse(path, f"announces {gib:.1f} GiB of pixels, the limit is {limit_gib}; split the recording")
    if not header.get("BinaryData", "").startswith(_TRUE):
        _refuse(path, "holds its pixels as text; export it with BinaryData = True")
    spacing = header.get("ElementSpacing", "")
    try:
        steps = tuple(float(step) for step in reversed(spacing.split()))
    except ValueError:
        steps = ()
    if len(steps) != len(shape) or not all(math.isfinite(step) and step > 0.0 for step in steps):
        _refuse(path, f"has ElementSpacing {spacing!r:.60}; it must be {axes} numbers above 0, mend the header")
    if header.get("HeaderSize", "0") != "0" or max(map(len, [*header, *header.values()])) > _MAX_WORD_CHARS:
        _refuse(path, f"has a HeaderSize, or more than {_MAX_WORD_CHARS} characters in a word; export it without")
    return dtype, shape, steps


def _check_pixels(path: Path, header: dict[str, str], file: BinaryIO, announced: int) -> None:
    """Refuse a file that does not hold exactly the `announced` bytes of pixels, keeping none of them."""
    start = file.tell()
    deflated = header.get("CompressedData", "").startswith(_TRUE)
    inflate = zlib.decompressobj(_ZLIB_OR_GZIP)
    held = 0 if deflated else path.stat().st_size - start
    try:
        while deflated and held <= announced and not inflate.eof:
            if not (stored := inflate.unconsumed_tail or file.read(_CHUNK_BYTES)):
                break
            held += len(inflate.decompress(stored, _CHUNK_BYTES))
    except zlib.error as error:
        _refuse(path, f"has damaged pixels ({error}); copy the file again")
    if held > announced:
        _refuse(path, f"holds more than the {announced} bytes of pixels that it announces; export it again")
    if held < announced or (deflated and not inflate.eof):
        _refuse(path, f"is cut short: it holds {held} of {announced} bytes of pixels; copy the file again")
    stream_bytes = file.tell() - start - len(inflate.unused_data)
    if deflated and (told := header.get("CompressedDataSize", "no number")) != str(stream_bytes):
        _refuse(path, f"tells {told:.20} as CompressedDataSize, not {stream_bytes}; mend the header")
