"""One DICOM file: recognised by its content; the header is read without the pixels, the pixels frame by frame."""

import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.filereader import dcmread
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian
from pydicom.uid import ImplicitVRLittleEndian as ImplicitLittle

from gatekeeper.core.errors import InputError, RecordingError
from gatekeeper.sources.dicom.header import Slice, slices_of
from gatekeeper.sources.dicom.image import pixels_of
from gatekeeper.sources.dicom.reading import HEADER_TAGS, quietly

PREAMBLE = 128
LARGEST_HEADER = 256 * 2**20
"""Limit of the header of a file, in bytes."""
_UNDEFINED = 0xFFFFFFFF
_LONG_VALUES = (b"OB", b"OW", b"UN")
_MODULE = ("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PhotometricInterpretation")


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a file: its header, and where its pixels are.

    Attributes
    ----------
    path : Path
        The file.
    header : Slice
        Geometry, times and number.
    module : Dataset
        Elements on the storage of pixels; shared by the images of a file.
    syntax : UID
        Transfer syntax of the pixels.
    offset : int
        Where the pixels of the file begin, in bytes.
    length : int or None
        Number of bytes of all pixels of the file; None for compressed pixels of undefined length.
    count : int
        Number of images in the file.
    remarks : tuple of str
        What of the file contradicts itself, and what was taken.
    """

    path: Path
    header: Slice
    module: Dataset
    syntax: UID
    offset: int
    length: int | None
    count: int
    remarks: tuple[str, ...] = ()

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of the pixels as `read` returns them."""
        if (self.header.slope, self.header.intercept) != (1.0, 0.0):
            return np.dtype(np.float32)
        kind = "i" if self.module.PixelRepresentation else "u"
        return np.dtype(f"{kind}{self.module.BitsAllocated // 8}")

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
            one = replace(self.header, index=0)
            return pixels_of(self._alone(where), one, where)
        except OSError as error:
            raise RecordingError(f"{where}: cannot be read any more ({error.strerror or error}); put it back") from None
        except InputError as error:
            raise RecordingError(str(error)) from None

    def _alone(self, where: str) -> Dataset:
        """Return a data set that has only this image."""
        alone = Dataset()
        alone.update(self.module)
        alone.Rows, alone.Columns = self.header.shape
        alone.NumberOfFrames = 1
        alone.file_meta = FileMetaDataset()
        alone.file_meta.TransferSyntaxUID = self.syntax
        with quietly(where), self.path.open("rb") as file:
            if self.syntax.is_encapsulated:
                file.seek(self.offset)
                frame = get_frame(file, self.header.index, number_of_frames=self.count)
                alone.PixelData = encapsulate([frame])
                alone["PixelData"].is_undefined_length = True
            else:
                size = self.header.shape[0] * self.header.shape[1] * self.module.BitsAllocated // 8
                file.seek(self.offset + size * self.header.index)
                pixels = file.read(size)
                if len(pixels) != size:
                    raise InputError(f"{where}: was cut short at image {self.header.index}; copy the file again")
                alone.add_new("PixelData", "OB" if size % 2 else "OW", pixels + b"\0" * (size % 2))
            alone.set_original_encoding(self.syntax.is_implicit_VR, self.syntax.is_little_endian)
        return alone


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


def read_images(path: Path) -> list[Image]:
    """Read the headers of the images of a DICOM file, without the pixels.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of Image
        One for each frame.

    Raises
    ------
    RecordingError
        When the file holds no images, has no geometry, or is cut short or damaged.
    OSError
        When the file cannot be read.
    """
    where = str(path)
    with path.open("rb") as file:
        if DeflatedExplicitVRLittleEndian.encode() in file.read(1024):
            raise RecordingError(f"{where}: is deflated, which is not supported; convert it with dcmconv")
        file.seek(0)
        try:
            with quietly(where):
                dataset = dcmread(file, force=True, stop_before_pixels=True, specific_tags=HEADER_TAGS)
                begin = file.tell()
                if begin > LARGEST_HEADER:
                    raise InputError(f"{where}: has {begin} bytes before its pixels; the limit is {LARGEST_HEADER}")
                slices = slices_of(dataset, where, needs_geometry=False)
                module = _module(dataset, where)
                needed = len(slices) * slices[0].shape[0] * slices[0].shape[1] * int(module.BitsAllocated) // 8
                is_little = bool(dataset.original_encoding[1])
                is_explicit, offset, length = _pixels_at(file, is_little, where)
                syntax, remarks = _syntax(dataset, (is_explicit, is_little), length, needed)
                _check_length(where, syntax, needed, path.stat().st_size - offset, length)
        except RecordingError:
            raise
        except InputError as error:
            raise RecordingError(str(error)) from None
    return [Image(path, one, module, syntax, offset, length, len(slices), remarks) for one in slices]


def _module(dataset: Dataset, where: str) -> Dataset:
    """Return the elements on the storage of pixels."""
    module = Dataset()
    for keyword in _MODULE:
        if keyword not in dataset:
            raise RecordingError(f"{where}: has no {keyword}; export grey images")
        module[keyword] = dataset[keyword]
    module.SamplesPerPixel = 1
    return module


def _syntax(dataset: Dataset, found: tuple[bool, bool], length: int | None, needed: int) -> tuple[UID, tuple[str, ...]]:
    """Return the transfer syntax of the pixels, and a remark where the file tells another one.

    The element of the pixels tells whether it has a VR, whatever the file meta information says. Pixels of a known
    length that is exactly that of the images are not compressed.
    """
    is_explicit, is_little = found
    read = (ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian) if is_explicit else ImplicitLittle
    stored = dataset.file_meta.get("TransferSyntaxUID")
    if not stored or UID(stored) == read:
        return read, ()
    told = UID(stored)
    if told.is_encapsulated and length not in (needed, needed + needed % 2):
        return told, ()
    named = told.name if told.is_transfer_syntax and not told.is_private else "another one"
    return read, (f"its file meta information tells the transfer syntax {named}, its elements have {read.name}",)


def _pixels_at(file: BinaryIO, is_little: bool, where: str) -> tuple[bool, int, int | None]:
    """Return whether PixelData has a VR, and offset and length of its value; the file is positioned at that element.

    The length of an element without VR is even, the letters of a VR are not, so that the element itself tells.
    """
    endian = "<" if is_little else ">"
    head = file.read(12)
    if len(head) < 8 or struct.unpack_from(f"{endian}HH", head) != (0x7FE0, 0x0010):
        raise InputError(f"{where}: has no PixelData; give images")
    is_explicit = head[4:6] in _LONG_VALUES and head[6:8] == b"\0\0" and len(head) == 12
    if is_explicit:
        length, offset = struct.unpack_from(f"{endian}L", head, 8)[0], file.tell()
    else:
        length, offset = struct.unpack_from(f"{endian}L", head, 4)[0], file.tell() - len(head) + 8
    return is_explicit, offset, None if length == _UNDEFINED else int(length)


def _check_length(where: str, syntax: UID, needed: int, held: int, length: int | None) -> None:
    """Check that pixels are as many as the header announces, in the element and in the file."""
    if syntax.is_encapsulated:
        if length is not None:
            raise RecordingError(f"{where}: its compressed pixels are not in fragments; export it again")
        needed = 1
    elif length is None or not needed <= length <= needed + 1:
        raise RecordingError(
            f"{where}: announces {needed} bytes of pixels in its size and {length} in their element; export it again"
        )
    if held < needed:
        raise RecordingError(f"{where}: is cut short: it holds {held} of {needed} bytes of pixels; copy the file again")
