"""MRD (ISMRMRD) streaming: its messages as bytes, read within a size limit, and written.

Each message begins with its kind (uint16); all numbers are little-endian. Sources: the streaming protocol and the
layout of its messages and headers as the ISMRM Raw Data format documents them (version 1); S. J. Inati et al., "ISMRM
Raw data format: a proposed standard for MRI raw datasets", Magn. Reson. Med. 77, 2017.

The `ismrmrd` package has the same layouts, and tests compare them. It is not used here: its import takes 0.15 s and
changes the warning filters of the process, its header takes twice as long to unpack, it reads pixels of int32 as int64,
and all meta attributes are lost when one of them has no name.
"""

import struct
from enum import IntEnum
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.frame import Vector
from gatekeeper.wire.stream import Breach, MessageStream, StreamError


class Kind(IntEnum):
    """Kind of a message."""

    CONFIG_FILE = 1
    CONFIG_TEXT = 2
    HEADER = 3
    CLOSE = 4
    TEXT = 5
    ACQUISITION = 1008
    IMAGE = 1022
    WAVEFORM = 1026
    NDARRAY = 1030


PIXELS = {1: "<u2", 2: "<i2", 3: "<u4", 4: "<i4", 5: "<f4", 6: "<f8", 7: "<c8", 8: "<c16"}
"""Pixel types by their numbers."""
MAGNITUDE, PHASE, REAL, IMAGINARY, COMPLEX, RGB = range(1, 7)
"""Image types by their numbers; 0 means not specified."""
CONFIG_FILE_BYTES = 1024
"""Fixed size of the name of a configuration file, in bytes."""
LONGEST_NDIM = 7

KINDS = frozenset(Kind)
_KIND = struct.Struct("<H")
_LENGTH = struct.Struct("<I")
_LONG_LENGTH = struct.Struct("<Q")
_IMAGE = struct.Struct("<HHQI3H3fH3f3f3f3f3f6HI3I3H8i8fI")
_ACQUISITION_BYTES, _ACQUISITION_COUNTS, _ACQUISITION_DIMENSIONS = 340, struct.Struct("<34xHHH"), 176
_WAVEFORM_BYTES, _WAVEFORM_COUNTS = 40, struct.Struct("<28xHH")
_NDARRAY = struct.Struct("<HHH")


class ImageHeader(NamedTuple):
    """The fields of an image header that are used here.

    Attributes
    ----------
    pixel_type : int
        Number of the pixel type.
    matrix : tuple of int
        Pixels along x, y and z; x runs along `read_dir` and is the fastest in memory.
    field_of_view_mm : tuple of float
        Extent along x, y and z in mm.
    channels : int
        Images in the message, one for each coil or colour.
    position_mm : tuple of float
        Centre of the image, in LPS mm.
    read_dir, phase_dir : tuple of float
        Unit vectors of x and y in LPS, unless meta attributes say otherwise.
    stamp : int
        Time of acquisition in ticks since midnight; 0 when not given.
    image_type : int
        Number of the image type.
    image_index : int
        Number of the image in its series, 0 to 65535.
    series_index : int
        Number of the series.
    """

    pixel_type: int
    matrix: tuple[int, int, int]
    field_of_view_mm: Vector
    channels: int
    position_mm: Vector
    read_dir: Vector
    phase_dir: Vector
    stamp: int = 0
    image_type: int = MAGNITUDE
    image_index: int = 0
    series_index: int = 0


class ImageMessage(NamedTuple):
    """An image as received.

    Attributes
    ----------
    header : ImageHeader
        Its header.
    attributes : bytes
        Meta attributes as XML; may be empty.
    pixels : ndarray, shape (channels, z, y, x)
        In the sender's type.
    """

    header: ImageHeader
    attributes: bytes
    pixels: NDArray[np.generic]


class TextMessage(NamedTuple):
    """A configuration, the header in XML, or a text.

    Attributes
    ----------
    kind : Kind
        Which of these.
    text : str
        Without trailing zero bytes; invalid UTF-8 is replaced.
    """

    kind: Kind
    text: str


Message = ImageMessage | TextMessage | Kind
"""A message as read: of acquisitions, waveforms, arrays and the close message only the kind."""


def greets(start: bytes) -> bool:
    """Return whether the first bytes of a connection begin an MRD message."""
    return len(start) >= _KIND.size and _KIND.unpack_from(start)[0] in KINDS


def read_message(stream: MessageStream, where: str) -> Message:
    """Return the message that has begun on a stream.

    Parameters
    ----------
    stream : MessageStream
        A stream on which `begin` has returned True.
    where : str
        Name of the sender in error messages.

    Returns
    -------
    ImageMessage, TextMessage or Kind
        The message.

    Raises
    ------
    StreamError
        When the message is cut, late or too large, or its kind or pixel type is unknown, so that the beginning of the
        next message is unknown too.
    """
    number = _KIND.unpack(stream.take(_KIND.size))[0]
    match number:
        case Kind.CONFIG_FILE:
            return TextMessage(Kind.CONFIG_FILE, _text(stream.take(CONFIG_FILE_BYTES)))
        case Kind.CONFIG_TEXT | Kind.HEADER | Kind.TEXT:
            return TextMessage(Kind(number), _text(stream.take(_LENGTH.unpack(stream.take(_LENGTH.size))[0])))
        case Kind.CLOSE:
            return Kind.CLOSE
        case Kind.IMAGE:
            return _read_image(stream, where)
        case Kind.ACQUISITION:
            head = stream.take(_ACQUISITION_BYTES)
            samples, _, channels = _ACQUISITION_COUNTS.unpack_from(head)
            (dimensions,) = _KIND.unpack_from(head, _ACQUISITION_DIMENSIONS)
            stream.skip(samples * (4 * dimensions + 8 * channels))
            return Kind.ACQUISITION
        case Kind.WAVEFORM:
            samples, channels = _WAVEFORM_COUNTS.unpack_from(stream.take(_WAVEFORM_BYTES))
            stream.skip(4 * samples * channels)
            return Kind.WAVEFORM
        case Kind.NDARRAY:
            pixel_type, _, ndim = _NDARRAY.unpack(stream.take(_NDARRAY.size))
            item_bytes = _pixel_type(pixel_type, where).itemsize
            if ndim > LONGEST_NDIM:
                raise StreamError(
                    Breach.MALFORMED, f"{where}: an array has {ndim} dimensions, more than {LONGEST_NDIM}"
                )
            stream.skip(item_bytes * prod(_LONG_LENGTH.unpack(stream.take(_LONG_LENGTH.size))[0] for _ in range(ndim)))
            return Kind.NDARRAY
    raise StreamError(
        Breach.MALFORMED, f"{where}: {number} is not a kind of MRD message; is it an MRD client, and little-endian?"
    )


def _read_image(stream: MessageStream, where: str) -> ImageMessage:
    header = _header(stream.take(_IMAGE.size))
    attributes = stream.take(_LONG_LENGTH.unpack(stream.take(_LONG_LENGTH.size))[0])
    pixel_type = _pixel_type(header.pixel_type, where)
    shape = (header.channels, *reversed(header.matrix))
    raw = stream.take(prod(shape) * pixel_type.itemsize)
    pixels = np.frombuffer(raw, dtype=pixel_type).reshape(shape)
    return ImageMessage(header, bytes(attributes.rstrip(b"\0")), pixels)


def _header(raw: bytearray) -> ImageHeader:
    fields = _IMAGE.unpack(raw)
    return ImageHeader(
        pixel_type=fields[1],
        matrix=fields[4:7],
        field_of_view_mm=fields[7:10],
        channels=fields[10],
        position_mm=fields[11:14],
        read_dir=fields[14:17],
        phase_dir=fields[17:20],
        stamp=fields[32],
        image_type=fields[36],
        image_index=fields[37],
        series_index=fields[38],
    )


def _pixel_type(number: int, where: str) -> np.dtype[np.generic]:
    if number not in PIXELS:
        raise StreamError(Breach.MALFORMED, f"{where}: {number} is not an MRD pixel type; they are 1 to 8")
    return np.dtype(PIXELS[number])


def _text(raw: bytearray) -> str:
    return raw.rstrip(b"\0").decode("utf-8", "replace")


def write_image(header: ImageHeader, pixels: NDArray[np.generic], attributes: bytes = b"") -> bytes:
    """Return the message of an image.

    Parameters
    ----------
    header : ImageHeader
        Its header; pixel type, matrix and channels are taken from the pixels.
    pixels : ndarray, shape (y, x) or (channels, z, y, x)
        Of one of the types in `PIXELS`.
    attributes : bytes
        Meta attributes as XML.
    """
    shaped = pixels if pixels.ndim == 4 else pixels[None, None]
    ordered = np.ascontiguousarray(shaped, dtype=shaped.dtype.newbyteorder("<"))
    number = next(number for number, name in PIXELS.items() if np.dtype(name) == ordered.dtype)
    channels, *matrix = ordered.shape
    normal = np.cross(header.read_dir, header.phase_dir)
    head = _IMAGE.pack(
        *(1, number, 0, 0, *reversed(matrix), *header.field_of_view_mm, channels, *header.position_mm),
        *(*header.read_dir, *header.phase_dir, *normal, *(0.0,) * 3),
        *(*(0,) * 6, header.stamp, *(0,) * 3),
        *(header.image_type, header.image_index, header.series_index, *(0,) * 8, *(0.0,) * 8, len(attributes)),
    )
    return _KIND.pack(Kind.IMAGE) + head + _LONG_LENGTH.pack(len(attributes)) + attributes + ordered.tobytes()


def write_text(kind: Kind, text: str) -> bytes:
    """Return the message of a configuration, a header or a text; a file name has at most 1023 bytes."""
    raw = text.encode()
    if kind is Kind.CONFIG_FILE:
        return _KIND.pack(kind) + raw[: CONFIG_FILE_BYTES - 1].ljust(CONFIG_FILE_BYTES, b"\0")
    return _KIND.pack(kind) + _LENGTH.pack(len(raw)) + raw


CLOSE = _KIND.pack(Kind.CLOSE)
"""The close message."""
