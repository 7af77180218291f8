"""Record: one entry of the journal with its frame and arrays, as the bytes that go through the ring.

What a session begins with may be larger than the ring, as a preview is: it goes before the journal's first line, piece
by piece.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.recording.frames_file import StoredFrame
from gatekeeper.recording.ring_buffer import Buffer

_COUNT = 4
FRAME = "frame"
PIECE = "piece"
"""Kind of a record that is not a line of the journal: some rows of an array of the setup."""
PIECE_BYTES = 1 << 20
"""A piece has so many bytes, or one row along the first axis."""


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What the writer is told.

    Attributes
    ----------
    entry : mapping
        The line of the journal, as plain values for JSON, `kind` among them.
    frame : KeptFrame or None
        The frame to be kept, where there is one.
    arrays : mapping
        Arrays of which the line gets the hash; those of the setup are kept too.
    """

    entry: Mapping[str, Any]
    frame: StoredFrame | None
    arrays: Mapping[str, NDArray[np.generic]]


def pack(
    entry: Mapping[str, Any], frame: StoredFrame | None = None, arrays: Mapping[str, NDArray[np.generic]] | None = None
) -> list[Buffer]:
    """Return a record as parts, without a copy of arrays that are contiguous.

    Raises
    ------
    ValueError, TypeError
        When something in it is not of plain numbers.
    """
    images = {} if frame is None else {FRAME: frame.image}
    blobs = [(name, np.asarray(array, order="C")) for name, array in (images | dict(arrays or {})).items()]
    head = {
        "entry": entry,
        "frame": None
        if frame is None
        else [frame.sequence, frame.acquired_s, frame.received_s, frame.spacing_mm, frame.plane],
        "blobs": [[name, array.dtype.str, array.shape, array.nbytes] for name, array in blobs],
    }
    # NaN is allowed here: it is read by no other program than the writer.
    text = json.dumps(head, separators=(",", ":")).encode()
    return [len(text).to_bytes(_COUNT, "little"), text, *(_bytes_of(array) for _, array in blobs)]


def pieces_of(arrays: Mapping[str, NDArray[np.generic]]) -> Iterator[list[Buffer]]:
    """Yield arrays as records of some rows each, for `Pieces` to put together.

    Raises
    ------
    TypeError
        When an array is not of plain numbers.
    """
    for name, array in arrays.items():
        whole = np.ascontiguousarray(array)
        rows = len(whole)
        at_once = max(1, PIECE_BYTES * rows // max(whole.nbytes, 1))
        for begin in range(0, max(rows, 1), at_once):
            entry = {"kind": PIECE, "rows": rows, "begin": begin}
            yield pack(entry, arrays={name: whole[begin : begin + at_once]})


class Pieces:
    """Puts together what `pieces_of` took apart.

    Attributes
    ----------
    arrays : dict of ndarray
        By their names; whole once all pieces were added.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[np.generic]] = {}

    def add(self, record: Record) -> None:
        """Take in one piece."""
        for name, piece in record.arrays.items():
            if name not in self.arrays:
                self.arrays[name] = np.empty((record.entry["rows"], *piece.shape[1:]), piece.dtype)
            begin = record.entry["begin"]
            self.arrays[name][begin : begin + len(piece)] = piece


def unpack(data: bytes) -> Record:
    """Return the record that `pack` made `data` of; its arrays are read-only views of it."""
    at = _COUNT + int.from_bytes(data[:_COUNT], "little")
    head = json.loads(data[_COUNT:at])
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, dtype, shape, size in head["blobs"]:
        arrays[name] = np.frombuffer(data, np.dtype(dtype), math.prod(shape), at).reshape(shape)
        at += size
    if head["frame"] is None:
        return Record(head["entry"], None, arrays)
    sequence, acquired_s, received_s, spacing_mm, plane = head["frame"]
    frame = StoredFrame(sequence, acquired_s, received_s, spacing_mm, plane, arrays.pop(FRAME))
    return Record(head["entry"], frame, arrays)


def _bytes_of(array: NDArray[np.generic]) -> Buffer:
    if array.dtype.kind not in "buif":
        raise TypeError(f"an array of {array.dtype} cannot be kept")
    return array.reshape(-1).view(np.uint8).data if array.size else b""
