"""The size of a compressed frame, found before a decoder allocates memory for it or leaves out what is too much."""

import struct

from pydicom.uid import UID, JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes

_FRAMES_OF_JPEG = frozenset({0xF7, *range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_SIZ = b"\xff\x4f\xff\x51"
_MOST_TILES = 65535


def announced_size(frame: bytes, syntax: UID) -> tuple[int, int, int] | None:
    """Return rows, columns and values per pixel in a compressed frame's own header.

    Parameters
    ----------
    frame : bytes
        One frame as encapsulated.
    syntax : UID
        Its transfer syntax.

    Returns
    -------
    tuple of int, or None
        None for a syntax without such a header, for example RLE.

    Raises
    ------
    ValueError
        When the frame has no header of its syntax.
    """
    if syntax in JPEGTransferSyntaxes or syntax in JPEGLSTransferSyntaxes:
        return _jpeg(frame)
    if syntax in JPEG2000TransferSyntaxes:
        return _jpeg_2000(frame)
    return None


def _jpeg(frame: bytes) -> tuple[int, int, int]:
    """Read the marker segments up to the frame header (ITU-T T.81 annex B, T.87 annex C)."""
    if frame[:2] != b"\xff\xd8":
        raise ValueError("no start of image")
    at = 2
    while at + 10 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker in _FRAMES_OF_JPEG:
            rows, cols, values = struct.unpack_from(">HHB", frame, at + 5)
            return rows, cols, values
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + max(2, struct.unpack_from(">H", frame, at + 2)[0])
    raise ValueError("no frame header")


def _jpeg_2000(frame: bytes) -> tuple[int, int, int]:
    """Read the SIZ segment (ITU-T T.800 annex A.5.1)."""
    at = frame.find(_SIZ)
    if at < 0 or at + 42 > len(frame):
        raise ValueError("no size segment")
    width, height, left, top, tile_width, tile_height = struct.unpack_from(">6I", frame, at + 8)
    values = struct.unpack_from(">H", frame, at + 40)[0]
    if not (tile_width > 0 and tile_height > 0):
        raise ValueError("tiles without size")
    if -(-width // tile_width) * -(-height // tile_height) > _MOST_TILES:
        raise ValueError("too many tiles")
    return height - top, width - left, values


def run_lengths(frame: bytes) -> list[int]:
    """Return the bytes of each segment of a frame of RLE Lossless after decoding (PS3.5 annex G).

    Parameters
    ----------
    frame : bytes
        One frame as encapsulated.

    Returns
    -------
    list of int
        One number for each segment; pydicom's decoder leaves out bytes beyond the size of the image without an error.

    Raises
    ------
    ValueError
        When the frame has no header of segments.
    """
    count, *offsets = struct.unpack_from("<16L", frame)
    if not 1 <= count <= 15:
        raise ValueError("no segments")
    ends = [*offsets[1:count], len(frame)]
    found = []
    for begin, end in zip(offsets[:count], ends, strict=True):
        at, length = begin, 0
        while at < end - 1:
            run = frame[at]
            if run < 128:
                length += min(run + 1, end - at - 1)
                at += run + 2
            else:
                length += 257 - run if run > 128 else 0
                at += 2 if run > 128 else 1
        found.append(length)
    return found
