"""MetaImage files (.mha): a text header and raw or deflated pixels in one file, read without trusting either.

SimpleITK reads this format too, but hands out wrong pixels from a damaged deflate stream, drops the sign of a
negative spacing, allocates what a header claims before looking, and complains on standard error. Here the header
is checked against the file, and the checksum of the stream counts. Format: the MetaIO documentation of ITK.
"""

import math
import zlib
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from gatekeeper.errors import RecordingError

MAX_BYTES = 4 * 2**30
_MAX_HEADER_BYTES = 65536
_ZLIB_OR_GZIP = 47
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
_NAMES = {np.dtype(code): name for name, code in _TYPES.items()}


def read_metaimage(path: Path) -> tuple[NDArray[np.generic], tuple[float, ...]]:
    """Return the pixels of a MetaImage and the distances of their centres.

    Parameters
    ----------
    path : Path
        A file of two or three axes and one value per pixel, at most 4 GiB of pixels.

    Returns
    -------
    pixels : ndarray, read-only
        With the axes in the order of SimpleITK.GetArrayFromImage: the slowest first.
    spacing : tuple of float
        One distance per axis of `pixels`, in the unit of the file.

    Raises
    ------
    RecordingError
        When the file is missing, cut short, damaged, or holds what is not read here.
    """
    try:
        with path.open("rb") as file:
            header = _header(path, file)
            if header.get("ElementDataFile") != "LOCAL":
                _refuse(
                    path, "does not hold its own pixels (ElementDataFile is not LOCAL); store it as one .mha file"
                )
            dtype, shape = _layout(path, header)
            spacing = _spacing(path, header, len(shape))
            data = _pixel_bytes(path, header, file, math.prod(shape) * dtype.itemsize)
    except OSError as error:
        _refuse(path, f"cannot be read ({error.strerror or error}); check the path and its permissions")
    return np.frombuffer(data, dtype).reshape(shape), spacing


def write_metaimage(path: Path, pixels: NDArray[np.generic], spacing: tuple[float, ...]) -> None:
    """Write `pixels` as a deflated MetaImage that reads back exactly.

    Parameters
    ----------
    path : Path
        The file to make.
    pixels : ndarray of an integer type, float32 or float64
        With the slowest axis first.
    spacing : tuple of float
        One distance per axis of `pixels`.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    little_endian = pixels.dtype.newbyteorder("<")
    data = zlib.compress(np.ascontiguousarray(pixels, dtype=little_endian).data, level=1)
    header = {
        "ObjectType": "Image",
        "NDims": pixels.ndim,
        "BinaryData": True,
        "BinaryDataByteOrderMSB": False,
        "CompressedData": True,
        "CompressedDataSize": len(data),
        "TransformMatrix": " ".join(f"{entry:g}" for entry in np.eye(pixels.ndim).flat),
        "Offset": " ".join("0" * pixels.ndim),
        "ElementSpacing": " ".join(repr(float(step)) for step in reversed(spacing)),
        "DimSize": " ".join(str(size) for size in reversed(pixels.shape)),
        "ElementType": _NAMES[pixels.dtype.newbyteorder("=")],
        "ElementDataFile": "LOCAL",
    }
    text = "".join(f"{key} = {value}\n" for key, value in header.items())
    with path.open("wb") as file:
        file.write(text.encode("ascii"))
        file.write(data)


def _refuse(path: Path, why: str) -> NoReturn:
    raise RecordingError(f"{path}: {why}") from None


def _header(path: Path, file: BinaryIO) -> dict[str, str]:
    """Read `key = value` lines up to the one after which the pixels begin, and leave the file there."""
    header: dict[str, str] = {}
    while "ElementDataFile" not in header:
        line = file.readline(_MAX_HEADER_BYTES - file.tell())
        key, _, value = line.decode("latin-1").partition("=")
        if not line.endswith(b"\n"):
            _refuse(
                path, f"is no MetaImage, or its header is cut short at byte {file.tell()}; copy the file again"
            )
        header[key.strip()] = value.strip()
    return header


def _layout(path: Path, header: dict[str, str]) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    """Return the pixel type and the shape, slowest axis first."""
    try:
        shape = tuple(int(size) for size in reversed(header["DimSize"].split()))
        axes = header["NDims"]
        dtype: np.dtype[np.generic] = np.dtype(_TYPES[header["ElementType"]])
    except (KeyError, ValueError) as error:
        _refuse(
            path, f"has no readable NDims, DimSize and ElementType ({error!s:.80}); export it as scalar pixels"
        )
    if axes not in ("2", "3") or axes != str(len(shape)):
        _refuse(path, f"has {axes:.20} axes and {len(shape)} sizes; export it with two or three axes")
    if (channels := header.get("ElementNumberOfChannels", "1")) != "1":
        _refuse(path, f"has {channels:.20} values per pixel; export it with one")
    if not all(1 <= size <= MAX_BYTES for size in shape):
        _refuse(path, f"has size {header['DimSize']:.60}; export it with at least one pixel and one frame")
    if math.prod(shape) * dtype.itemsize > MAX_BYTES:
        gib = math.prod(shape) * dtype.itemsize / 2**30
        _refuse(path, f"announces {gib:.1f} GiB of pixels, the limit is {MAX_BYTES // 2**30}; split the recording")
    if not _true(header, "BinaryData", "True"):
        _refuse(path, "holds its pixels as text; export it with BinaryData = True")
    order = header.get("ElementByteOrderMSB", "False")
    return dtype.newbyteorder(">" if _true(header, "BinaryDataByteOrderMSB", order) else "<"), shape


def _true(header: dict[str, str], key: str, default: str) -> bool:
    return header.get(key, default).lower() in ("true", "t", "1")


def _spacing(path: Path, header: dict[str, str], axes: int) -> tuple[float, ...]:
    text = header.get("ElementSpacing", "")
    try:
        spacing = tuple(float(step) for step in reversed(text.split()))
    except ValueError:
        spacing = ()
    if len(spacing) != axes or not all(math.isfinite(step) and step > 0.0 for step in spacing):
        _refuse(path, f"has ElementSpacing {text!r:.60}; it must be {axes} numbers above 0, mend the header")
    return spacing


def _pixel_bytes(path: Path, header: dict[str, str], file: BinaryIO, announced: int) -> bytes:
    held = path.stat().st_size - file.tell()
    if not _true(header, "CompressedData", "False"):
        if held < announced:
            _refuse(path, f"is cut short: it holds {held} of {announced} bytes of pixels; copy the file again")
        return file.read(announced)
    # One byte more than announced is asked for, so that the end of the stream, with its checksum, is reached.
    inflate = zlib.decompressobj(_ZLIB_OR_GZIP)
    try:
        data = inflate.decompress(file.read(min(held, MAX_BYTES)), announced + 1)
    except zlib.error as error:
        _refuse(path, f"has damaged pixels ({error}); copy the file again")
    if len(data) > announced:
        _refuse(path, f"holds more than the {announced} bytes of pixels that it announces; export it again")
    if len(data) < announced or not inflate.eof:
        _refuse(path, f"is cut short: it holds {len(data)} of {announced} bytes of pixels; copy the file again")
    return data
