"""The small messages TRANSFORM, STATUS and STRING."""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import WireError
from gatekeeper.wire.openigtlink.header import Buffer
from gatekeeper.wire.openigtlink.text import ASCII, UTF8, decode_text

TRANSFORM_LAYOUT = struct.Struct(">12f")
"""The matrix without its last row, in column-major order."""
STATUS_START = struct.Struct(">Hq20s")
STRING_START = struct.Struct(">HH")
STATUS_OK = 1
"""The only status code that is not an error."""


@dataclass(frozen=True, slots=True)
class Status:
    """Content of a STATUS message.

    Attributes
    ----------
    code : int
        `STATUS_OK`, or another code of the protocol.
    subcode : int
        The device's own code, a signed 64-bit number.
    name : str
        Name of the error, at most 20 bytes.
    text : str
        A line for people.
    """

    code: int
    subcode: int = 0
    name: str = ""
    text: str = ""


def encode_transform(matrix: NDArray[np.floating]) -> bytes:
    """Return the content of a TRANSFORM message for a 4 x 4 matrix with the last row (0, 0, 0, 1).

    Raises
    ------
    WireError
        When it is not such a matrix, or a number is too large for single precision.
    """
    if matrix.shape != (4, 4) or not np.array_equal(matrix[3], (0.0, 0.0, 0.0, 1.0)):
        raise WireError(f"OpenIGTLink TRANSFORM: shape {matrix.shape}; it takes 4 x 4 with the last row 0 0 0 1")
    try:
        return TRANSFORM_LAYOUT.pack(*matrix[:3].T.ravel())
    except OverflowError as error:
        raise WireError(f"OpenIGTLink TRANSFORM: a number does not fit ({error})") from None


def decode_transform(content: Buffer) -> NDArray[np.float64]:
    """Return the 4 x 4 matrix of a TRANSFORM message, translation in mm.

    Raises
    ------
    WireError
        When there are not exactly 48 bytes.
    """
    if len(content) != TRANSFORM_LAYOUT.size:
        raise WireError(f"OpenIGTLink TRANSFORM: {len(content)} bytes; it has {TRANSFORM_LAYOUT.size}")
    matrix = np.eye(4)
    matrix[:3] = np.reshape(TRANSFORM_LAYOUT.unpack(content), (4, 3)).T
    return matrix


def encode_status(status: Status) -> bytes:
    """Return the content of a STATUS message; its text ends with a NUL byte, as in the C library.

    Raises
    ------
    WireError
        When a number or the name does not fit.
    """
    name = status.name.encode("utf-8", "backslashreplace")
    if len(name) > 20:
        raise WireError(f"OpenIGTLink STATUS: name {status.name!r} has {len(name)} bytes; at most 20 fit; shorten it")
    try:
        start = STATUS_START.pack(status.code, status.subcode, name)
    except struct.error as error:
        raise WireError(f"OpenIGTLink STATUS: a number does not fit ({error})") from None
    return start + status.text.encode("utf-8", "backslashreplace") + b"\0"


def decode_status(content: Buffer) -> Status:
    """Return the content of a STATUS message.

    Raises
    ------
    WireError
        When there are fewer than 30 bytes.
    """
    if len(content) < STATUS_START.size:
        raise WireError(f"OpenIGTLink STATUS: {len(content)} bytes; it has {STATUS_START.size} and more")
    code, subcode, name = STATUS_START.unpack_from(content)
    text = bytes(content[STATUS_START.size :])
    return Status(code, subcode, _until_nul(name), _until_nul(text))


def encode_string(text: str) -> bytes:
    """Return the content of a STRING message, in ASCII if possible and otherwise in UTF-8.

    Raises
    ------
    WireError
        When the text has more than 65,535 bytes.
    """
    raw = text.encode("utf-8", "backslashreplace")
    if len(raw) > 0xFFFF:
        raise WireError(f"OpenIGTLink STRING: {len(raw)} bytes; at most 65535 fit; shorten it")
    return STRING_START.pack(ASCII if text.isascii() else UTF8, len(raw)) + raw


def decode_string(content: Buffer) -> str:
    """Return the text of a STRING message.

    Raises
    ------
    WireError
        When its length differs from the stated one.
    """
    if len(content) < STRING_START.size:
        raise WireError(f"OpenIGTLink STRING: {len(content)} bytes; it has {STRING_START.size} and more")
    encoding, size = STRING_START.unpack_from(content)
    if size != len(content) - STRING_START.size:
        raise WireError(f"OpenIGTLink STRING: {len(content) - STRING_START.size} bytes of text; it says {size}")
    return decode_text(content[STRING_START.size :], encoding)


def _until_nul(raw: bytes) -> str:
    return decode_text(raw.split(b"\0", 1)[0], UTF8)
