"""One DICOM file: recognised by its content; the header is read without the pixels, the pixels frame by frame."""

import os
import struct
import zlib
from dataclasses import dataclass, replace
from io import BytesIO, FileIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import DeflatedExplicitVRLittleEndian as Deflated
from pydicom.uid import ExplicitVRLittleEndian

from gatekeeper.core.errors import InputError, RecordingError
from gatekeeper.sources.dicom.header import Slice, slices_of
from gatekeeper.sources.dicom.image import HEAD_BYTES, Pixels, pixels_of
from gatekeeper.sources.dicom.reading import PREAMBLE, CutShortError, read_header, read_meta

FIRST_BYTES = 2**14
"""So many bytes of a file are read at first; more where the pixels begin later."""
LARGEST_HEADER = 256 * 2**20
"""Limit of the header of a file, in bytes."""
LARGEST_INFLATED = 2**30
"""Limit of a deflated file after decompression, in bytes."""
_META_BYTES = 1024
"""The file meta information tells the transfer syntax within so many bytes."""
_LONG_VALUES = (b"OB", b"OW", b"UN")


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a file: its header, and where its pixels are.

    Attributes
    ----------
    path : Path
        The file.
    header : Slice
        Geometry, times and number.
    pixels : Pixels
        Where the pixels of the file are; shared by its images.
    inflated : bytes or None
        The object of a deflated file with several images; empty for one with a single image, which is inflated anew.
    """

    path: Path
    header: Slice
    pixels: Pixels
    inflated: bytes | None = None

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of the pixels as `read` returns them."""
        is_rescaled = (self.header.slope, self.header.intercept) != (1.0, 0.0)
        return np.dtype(np.float32) if is_rescaled else self.pixels.stored_dtype

    def read(self) -> NDArray[np.generic]:
        """Read the pixels.

        Returns
        -------
        ndarray, shape (H, W)
            Of the type `dtype`, in stored orientation.

        Raises
        ------
        RecordingError
            When the file cannot be read any more, is cut short or damaged.
        """
        where = str(self.path)
        try:
            with self._opened() as file:
                return self.pixels.image(file, self.header, where)
        except OSError as error:
            raise RecordingError(f"{where}: cannot be read any more ({error.strerror or error}); put it back") from None
        except InputError as error:
            raise RecordingError(str(error)) from None

    def _opened(self) -> BinaryIO:
        if self.inflated is None:
            return self.path.open("rb")
        return BytesIO(self.inflated or _inflated(self.path.read_bytes(), str(self.path)))


def is_dicom_head(head: bytes) -> bool:
    """Return whether a file is DICOM, with its preamble or without.

    Parameters
    ----------
    head : bytes
        The first bytes of the file, at least 200 of them where it is that long.

    Returns
    -------
    bool
        Whether the preamble is there, or the file begins with elements of a DICOM header.
    """
    if head[PREAMBLE : PREAMBLE + 4] == b"DICM":
        return True
    return any(_begins_with_elements(head, endian, explicit) for endian in "<>" for explicit in (True, False))


def _begins_with_elements(head: bytes, endian: str, explicit: bool) -> bool:
    """Return whether a file begins with three elements of group 2 or 8 in increasing order."""
    if endian == ">" and not explicit:
        return False
    at, last, found = 0, -1, 0
    while found < 3 and at + 8 <= len(head):
        group, number = struct.unpack_from(f"{endian}HH", head, at)
        if group not in (0x0002, 0x0008) or group << 16 | number <= last:
            return False
        last = group << 16 | number
        if explicit:
            kind = head[at + 4 : at + 6]
            if not (kind.isalpha() and kind.isupper() and kind.isascii()):
                return False
            is_long = kind in (*_LONG_VALUES, b"SQ", b"UT")
            if is_long and at + 12 > len(head):
                return False
            length = struct.unpack_from(f"{endian}{'L' if is_long else 'H'}", head, at + (8 if is_long else 6))[0]
            at += 12 if is_long else 8
        else:
            length = struct.unpack_from(f"{endian}L", head, at + 4)[0]
            at += 8
        if length > 1024:
            return False
        at += length
        found += 1
    return found == 3


def read_images(path: Path, first_bytes: int = FIRST_BYTES) -> list[Image]:
    """Read the headers of the images of a DICOM file, without the pixels.

    Parameters
    ----------
    path : Path
        The file.
    first_bytes : int
        Number of bytes that probably hold the header.

    Returns
    -------
    list of Image
        One for each frame; none where the file is not DICOM.

    Raises
    ------
    RecordingError
        When the file holds no images, or is cut short or damaged.
    OSError
        When the file cannot be read.
    """
    where = str(path)
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(first_bytes)
        if not is_dicom_head(content):
            return []
        try:
            if Deflated.encode() in content[:_META_BYTES] and read_meta(content, where)[0] == Deflated:
                inflated = _inflated(content + file.readall(), where)
                images = _images(path, BytesIO(inflated), inflated, len(inflated), ExplicitVRLittleEndian)
                return [replace(one, inflated=inflated if len(images) > 1 else b"") for one in images]
            while True:
                try:
                    return _images(path, file, content, size, None)
                except CutShortError:
                    if len(content) >= size:
                        raise InputError(f"{where}: has no PixelData, or is cut short before it; give images") from None
                if len(content) > LARGEST_HEADER:
                    raise InputError(f"{where}: has more than {LARGEST_HEADER} bytes before its pixels")
                file.seek(len(content))
                content += file.read(max(15 * len(content), FIRST_BYTES))
        except InputError as error:
            raise RecordingError(str(error)) from None


def _images(path: Path, file: BinaryIO | FileIO, content: bytes, size: int, told: str | None) -> list[Image]:
    """Return the images of an object of which the beginning was read."""
    where = str(path)
    header = read_header(content, where, told)
    slices = slices_of(header, where, needs_geometry=False)
    pixels = pixels_of(header, content, len(slices), slices[0].shape, where)
    needed = 1 if pixels.length is None else pixels.length - pixels.length % 2
    if size - pixels.offset < needed:
        raise InputError(
            f"{where}: is cut short: it holds {size - pixels.offset} of {needed} bytes of pixels; copy the file again"
        )
    end = pixels.offset + (pixels.length or 0)
    if pixels.length is not None and size >= end + HEAD_BYTES:
        file.seek(end)
        endian = "<" if header.is_little else ">"
        if struct.unpack(f"{endian}HH", file.read(4)) == (0x7FE0, 0x0010):
            raise InputError(f"{where}: has PixelData twice; export it again")
    return [Image(path, one, pixels) for one in slices]


def _inflated(content: bytes, where: str) -> bytes:
    """Return the object of a deflated file."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = inflate.decompress(content[read_meta(content, where)[1] :], LARGEST_INFLATED)
    except zlib.error:
        raise InputError(f"{where}: has damaged deflated data; copy the file again") from None
    if not inflate.eof:
        raise InputError(
            f"{where}: is cut short, or larger than {LARGEST_INFLATED} bytes when it is inflated; copy the file again"
        )
    return found
