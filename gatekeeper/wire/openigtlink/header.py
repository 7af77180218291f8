"""The 58-byte header of every OpenIGTLink message."""

import math
import struct
from dataclasses import dataclass

import numpy as np

from gatekeeper.core.errors import WireError
from kernels.crc import crc64

Buffer = bytes | bytearray | memoryview

LAYOUT = struct.Struct(">H12s20sQQQ")
HEADER_BYTES = LAYOUT.size
"""58."""
TYPE_BYTES, DEVICE_BYTES = 12, 20
VERSIONS = (1, 2, 3)
"""Header versions. 1 is written by protocols 1 and 2, 2 by protocol 3; 3 is read like 2."""
PER_SECOND = 1 << 32
"""Units of a timestamp per second; it counts from 1970 on for a sender that keeps to UTC."""


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of a header.

    Attributes
    ----------
    version : int
        One of `VERSIONS`.
    type_name : str
        IMAGE, TRANSFORM, STATUS, STRING or another; at most 12 bytes.
    device : str
        Name of the sending device; at most 20 bytes.
    timestamp : int
        Seconds as a fixed-point number with 32 fractional bits; 0 when not given.
    body_size : int
        Bytes that follow the header; check the size before reading them.
    crc : int
        CRC-64 of these bytes.
    """

    version: int
    type_name: str
    device: str
    timestamp: int
    body_size: int
    crc: int


def decode_header(data: Buffer) -> Header:
    """Return the header in 58 bytes.

    Raises
    ------
    WireError
        When there are not 58 of them, or the version is unknown.
    """
    if len(data) != HEADER_BYTES:
        raise WireError(f"OpenIGTLink header: {len(data)} bytes; it has {HEADER_BYTES}")
    version, type_name, device, timestamp, body_size, crc = LAYOUT.unpack(data)
    if version not in VERSIONS:
        raise WireError(f"OpenIGTLink header: version {version}; known are {VERSIONS}; is this OpenIGTLink at all?")
    return Header(version, _name(type_name), _name(device), timestamp, body_size, crc)


def greets(start: bytes) -> bool:
    """Return whether the first bytes of a connection are an OpenIGTLink header."""
    try:
        return bool(decode_header(start[:HEADER_BYTES]).type_name)
    except WireError:
        return False


def encode_header(header: Header) -> bytes:
    """Return the 58 bytes of a header.

    Raises
    ------
    WireError
        When a name is too long or a number does not fit.
    """
    if header.version not in VERSIONS:
        raise WireError(f"OpenIGTLink header: version {header.version}; known are {VERSIONS}")
    type_name = _encoded(header.type_name, TYPE_BYTES, "type name")
    device = _encoded(header.device, DEVICE_BYTES, "device name")
    try:
        return LAYOUT.pack(header.version, type_name, device, header.timestamp, header.body_size, header.crc)
    except struct.error as error:
        raise WireError(f"OpenIGTLink header: a number does not fit ({error})") from None


def checksum(data: Buffer) -> int:
    """Return the CRC-64 of OpenIGTLink for a body."""
    words = len(data) // 8
    return int(crc64(np.frombuffer(data, "<u8", words), np.frombuffer(data, np.uint8, offset=8 * words)))


def to_seconds(timestamp: int) -> float:
    """Return a timestamp in s."""
    return timestamp / PER_SECOND


def to_timestamp(seconds: float) -> int:
    """Return seconds, 0 to below 2^32, as a timestamp.

    Raises
    ------
    WireError
        When the seconds are outside that range.
    """
    if not 0.0 <= seconds < PER_SECOND:
        raise WireError(f"OpenIGTLink timestamp: {seconds} s; it holds 0 to below {PER_SECOND} s")
    return math.floor(seconds * PER_SECOND)


def _name(raw: bytes) -> str:
    """Return a name without its padding; invalid bytes are shown as escapes."""
    return raw.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")


def _encoded(name: str, size: int, what: str) -> bytes:
    raw = name.encode("utf-8", "backslashreplace")
    if len(raw) > size:
        raise WireError(f"OpenIGTLink {what} {name!r}: {len(raw)} bytes; at most {size} fit; shorten it")
    return raw
