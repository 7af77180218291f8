"""Where the pixels of a DICOM object are, how they are stored, and those of one image in their own type."""

import logging
import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, RLELossless
from pydicom.uid import ImplicitVRLittleEndian as ImplicitLittle

from gatekeeper.core.errors import InputError
from gatekeeper.sources.dicom.compressed_size import announced_size, run_lengths
from gatekeeper.sources.dicom.elements import Header
from gatekeeper.sources.dicom.header import Slice
from gatekeeper.sources.dicom.reading import CutShortError, quietly
from gatekeeper.sources.dicom.values import bits_of

_UNDEFINED = 0xFFFFFFFF
_KINDS = (b"OB", b"OW", b"UN")
HEAD_BYTES = 12
"""Number of bytes of the element of the pixels that come before them, at most."""

# Without a handler the decoders would log to the terminal.
for _decoder in ("openjpeg", "libjpeg", "rle"):
    logging.getLogger(_decoder).addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Pixels:
    """Where the pixels of an object are, and how they are stored.

    Attributes
    ----------
    bits : tuple of int
        Bits allocated and stored for a pixel, and 1 where it is signed, otherwise 0.
    syntax : UID
        Transfer syntax.
    offset : int
        Where they begin, in bytes.
    length : int or None
        Number of bytes of all; None for compressed pixels of undefined length.
    count : int
        Number of images.
    kind : str
        "OB" for bytes in the order of the pixels, "OW" for words.
    remarks : tuple of str
        What of the object contradicts itself, and what was taken.
    """

    bits: tuple[int, int, int]
    syntax: UID
    offset: int
    length: int | None
    count: int
    kind: str
    remarks: tuple[str, ...] = ()

    @property
    def stored_dtype(self) -> np.dtype[np.generic]:
        """Type of a stored pixel."""
        return np.dtype(f"{'i' if self.bits[2] else 'u'}{self.bits[0] // 8}")

    def image(self, file: BinaryIO, one: Slice, where: str) -> NDArray[np.generic]:
        """Read the pixels of an image.

        Parameters
        ----------
        file : file
            The object.
        one : Slice
            Which of its images.
        where : str
            Name of the object in messages.

        Returns
        -------
        ndarray, shape (H, W)
            In the stored type, or in float32 with slope and intercept applied.

        Raises
        ------
        InputError
            When pixels are missing, differ in number from the header, or cannot be decoded.
        """
        with quietly(where):
            dataset = self._alone(file, one, where)
            pixels: NDArray[np.generic] = get_decoder(self.syntax).as_array(dataset, index=0, raw=True)[0]
        if pixels.shape != one.shape or pixels.dtype.kind not in "iuf":
            raise InputError(f"{where}: its pixels are not a grey image of {one.shape[0]} x {one.shape[1]}")
        return _valued(pixels.astype(pixels.dtype.newbyteorder("="), copy=False), one)

    def _alone(self, file: BinaryIO, one: Slice, where: str) -> Dataset:
        """Return a dataset of pydicom that has only this image."""
        alone = Dataset()
        alone.Rows, alone.Columns = one.shape
        alone.BitsAllocated, alone.BitsStored, alone.PixelRepresentation = self.bits
        alone.HighBit = alone.BitsStored - 1
        alone.PhotometricInterpretation, alone.SamplesPerPixel, alone.NumberOfFrames = "MONOCHROME2", 1, 1
        alone.file_meta = FileMetaDataset()
        alone.file_meta.TransferSyntaxUID = self.syntax
        if self.syntax.is_encapsulated:
            file.seek(self.offset)
            frame = get_frame(file, one.index, number_of_frames=self.count)
            needed, held = one.shape[0] * one.shape[1], run_lengths(frame) if self.syntax == RLELossless else ()
            if any(not needed <= length <= needed + needed % 2 for length in held):
                raise InputError(
                    f"{where}: holds {max(held)} pixels in an image, its header says {needed}; export it again"
                )
            announced = announced_size(frame, self.syntax)
            if announced is not None and announced != (*one.shape, 1):
                raise InputError(
                    f"{where}: its compressed pixels are {announced[0]} x {announced[1]} with {announced[2]} values, "
                    f"its header says {one.shape[0]} x {one.shape[1]} with 1; export it again"
                )
            alone.PixelData = encapsulate([frame])
            alone["PixelData"].is_undefined_length = True
        else:
            size = one.shape[0] * one.shape[1] * self.bits[0] // 8
            file.seek(self.offset + size * one.index)
            pixels = file.read(size)
            if len(pixels) != size:
                raise InputError(f"{where}: was cut short at image {one.index}; copy the file again")
            alone.add_new("PixelData", "OB" if size % 2 else self.kind, pixels + b"\0" * (size % 2))
        alone.set_original_encoding(self.syntax.is_implicit_VR, self.syntax.is_little_endian)
        return alone


def _valued(pixels: NDArray[np.generic], one: Slice) -> NDArray[np.generic]:
    if (one.slope, one.intercept) == (1.0, 0.0):
        return pixels
    with np.errstate(over="ignore"):
        return (pixels.astype(np.float64) * one.slope + one.intercept).astype(np.float32)


def pixels_of(header: Header, content: bytes, count: int, shape: tuple[int, int], where: str) -> Pixels:
    """Return where the pixels of an object are, in the transfer syntax that their element has.

    The element tells whether it has a VR, whatever the file meta information says: the length of an element without VR
    is even, the letters of a VR are not. Pixels of a known length that is just that of the images are not compressed.

    Parameters
    ----------
    header : Header
        The elements before the pixels.
    content : bytes
        The object, or its beginning.
    count : int
        Number of images.
    shape : tuple of int
        Rows and columns of each.
    where : str
        Name of the object in messages.

    Returns
    -------
    Pixels
        Where they are; not whether the object holds them.

    Raises
    ------
    CutShortError
        When the bytes end before the pixels begin.
    InputError
        When the pixels are not as many as the header announces.
    """
    bits = bits_of(header.elements, where)
    endian = "<" if header.is_little else ">"
    head = content[header.pixels_at : header.pixels_at + HEAD_BYTES]
    if len(head) < 8:
        raise CutShortError
    if struct.unpack_from(f"{endian}HH", head) != (0x7FE0, 0x0010):
        raise InputError(f"{where}: has no PixelData; give images")
    is_explicit = head[4:6] in _KINDS and head[6:8] == b"\0\0" and len(head) == HEAD_BYTES
    found: int = struct.unpack_from(f"{endian}L", head, 8 if is_explicit else 4)[0]
    length = None if found == _UNDEFINED else found
    needed = count * shape[0] * shape[1] * bits[0] // 8
    syntax, remarks = _syntax(header, is_explicit, length, needed)
    if syntax.is_encapsulated:
        if length is not None:
            raise InputError(f"{where}: its compressed pixels are not in fragments; export it again")
    elif length is None or not needed <= length <= needed + 1:
        raise InputError(
            f"{where}: announces {needed} bytes of pixels in its size and {length} in their element; export it again"
        )
    kind = "OB" if is_explicit and head[4:6] == b"OB" else "OW"
    return Pixels(bits, syntax, header.pixels_at + (12 if is_explicit else 8), length, count, kind, remarks)


def _syntax(header: Header, is_explicit: bool, length: int | None, needed: int) -> tuple[UID, tuple[str, ...]]:
    """Return the transfer syntax of the pixels, and a remark where the object tells another one."""
    explicit = ExplicitVRLittleEndian if header.is_little else ExplicitVRBigEndian
    read = explicit if is_explicit else ImplicitLittle
    if header.told in ("", read):
        return read, ()
    told = UID(header.told)
    is_known = not told.is_private and told.is_transfer_syntax
    if is_known and told.is_encapsulated and length not in (needed, needed + needed % 2):
        return told, ()
    named = told.name if is_known else "another one"
    return read, (f"its file meta information tells the transfer syntax {named}, its elements have {read.name}",)
