"""Write MetaImage files: images in memory by SimpleITK, and stacks that do not fit into memory row by row.

Such a stack has time as the fastest axis, as TrackRAD requires. Its frames are read once for each block of rows, and
compressed at once.
"""

import math
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import FrameStack, Vector
from replay.formats.metaimage import read_header, read_plain

LARGE_BYTES = 2**28
"""Stacks of more bytes than this are written by `write_stack`."""
BLOCK_BYTES = 2**29
"""Size of a block of rows; frames are read, or decoded, once for each block."""
_FRAMES_AT_ONCE = 32
"""Number of frames that are transposed together, so that whole cache lines are written, which is twice as fast."""
_LEVEL = 1
_HEADER_BYTES = 2**16
_TYPES = {
    "i1": "MET_CHAR",
    "u1": "MET_UCHAR",
    "i2": "MET_SHORT",
    "u2": "MET_USHORT",
    "i4": "MET_INT",
    "u4": "MET_UINT",
    "f4": "MET_FLOAT",
}
_SIZE_DIGITS = 20


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


_IDENTITY = Place((0.0, 0.0, 0.0), ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)))


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
    import SimpleITK

    image: Any = SimpleITK.GetImageFromArray(native)
    image.SetSpacing([float(step) for step in reversed(spacing)])
    if like is not None:
        axes, header = pixels.ndim, read_header(like)
        image.SetOrigin(header.origin_mm[:axes])
        if header.directions is not None:
            image.SetDirection(np.array(header.directions)[:, :axes].T.ravel().tolist())
    if place is not None:
        image.SetOrigin(place.origin_mm)
        image.SetDirection(np.array(place.directions[::-1]).T.ravel().tolist())
    with path.open("wb") as file:
        # Find a full disk, which SimpleITK prints to standard error or ignores; level 1 makes at most 9/8 of the size.
        os.posix_fallocate(file.fileno(), 0, native.nbytes * 9 // 8 + _HEADER_BYTES)
    try:
        name = str(path).encode().decode()
        SimpleITK.WriteImage(image, name, useCompression=True, compressionLevel=1, imageIO="MetaImageIO")
        read_plain(path).pixels.check()
    except (RuntimeError, UnicodeError, RecordingError) as error:
        raise OSError("SimpleITK cannot write it completely under this name") from error


def write_stack(
    path: Path,
    frames: FrameStack,
    dtype: np.dtype[Any],
    spacing_mm: tuple[float, float],
    place: Place | None,
    on_row: Callable[[int], None],
) -> None:
    """Write frames with the axes (rows, columns, time) in bounded memory.

    Parameters
    ----------
    path : Path
        The file to make.
    frames : FrameStack, shape (T, H, W)
        The frames; each is read several times.
    dtype : dtype
        Type in the file: an integer type of at most 32 bits, or float32.
    spacing_mm : tuple of float
        Distance of pixel centres along rows and columns, in mm.
    place : Place or None
        Origin and directions; the direction of the rows is the first.
    on_row : callable
        Called after each row with the number of rows that were written.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    count, rows, cols = frames.shape
    place = _IDENTITY if place is None else place
    matrix = " ".join(repr(float(value)) for direction in reversed(place.directions) for value in direction)
    head = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = True\n"
        f"CompressedDataSize = {{size}}\nTransformMatrix = {matrix}\n"
        f"Offset = {' '.join(repr(float(value)) for value in place.origin_mm)}\nCenterOfRotation = 0 0 0\n"
        f"ElementSpacing = 1 {spacing_mm[1]!r} {spacing_mm[0]!r}\nDimSize = {count} {cols} {rows}\n"
        f"ElementType = {_TYPES[dtype.str[1:]]}\nElementDataFile = LOCAL\n"
    )
    at_once = min(rows, max(1, BLOCK_BYTES // (cols * count * dtype.itemsize)))
    block = np.empty((at_once, cols, count), dtype)
    with path.open("wb") as file:
        file.write(head.format(size="0" * _SIZE_DIGITS).encode())
        begin, deflate = file.tell(), zlib.compressobj(_LEVEL)
        for row in range(0, rows, at_once):
            lines = block[: rows - row]
            _gather(frames, row, lines)
            for done, line in enumerate(lines, start=row + 1):
                file.write(deflate.compress(np.ascontiguousarray(line, dtype.newbyteorder("<")).tobytes()))
                on_row(done)
        file.write(deflate.flush())
        size = file.tell() - begin
        file.seek(0)
        file.write(head.format(size=f"{size:0{_SIZE_DIGITS}d}").encode())


def _gather(frames: FrameStack, row: int, out: NDArray[Any]) -> None:
    """Read the rows of all frames that begin at `row` into `out` (rows, columns, time)."""
    rows, cols, count = out.shape
    part = np.empty((_FRAMES_AT_ONCE, rows, cols), out.dtype)
    for index, frame in enumerate(frames):
        place = index % _FRAMES_AT_ONCE
        part[place] = frame[row : row + rows]
        if place == _FRAMES_AT_ONCE - 1 or index == count - 1:
            out[:, :, index - place : index + 1] = part[: place + 1].transpose(1, 2, 0)


def is_large_stack(frames: FrameStack, dtype: np.dtype[Any]) -> bool:
    """Return whether frames are larger than `LARGE_BYTES`, and of a type that `write_stack` supports."""
    return math.prod(frames.shape) * dtype.itemsize > LARGE_BYTES and dtype.str[1:] in _TYPES
