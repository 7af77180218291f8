"""Records as bytes in the ring: one journal entry with its frame and arrays.

The setup of a session may be larger than the ring, for example with a preview: it is sent in pieces before the
journal's first line.
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
SETTLE = "settle"
"""Kind of a record that is not a line of the journal either: close the frames, no more will come."""
PIECE_BYTES = 1 << 20
"""Size of a piece in bytes, unless one row along the first axis is larger."""


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One record for the writer.

    Attributes
    ----------
    entry : mapping
        The line of the journal, as JSON values, `kind` among them.
    frame : StoredFrame or None
        The frame to store, if there is one.
    arrays : mapping
        Arrays whose hashes the line gets; those of the setup are stored too.
    """

    entry: Mapping[str, Any]
    frame: StoredFrame | None
    arrays: Mapping[str, NDArray[np.generic]]


def pack(
    entry: Mapping[str, Any], frame: StoredFrame | None = None, arrays: Mapping[str, NDArray[np.generic]] | None = None
) -> list[Buffer]:
    """Return a record as parts, without copying contiguous arrays.

    Raises
    ------
    ValueError, TypeError
        When an array is not of plain numbers.
    """
    images = {} if frame is None else {FRAME: frame.image}
    blobs = [(name, np.asarray(array, order="C")) for name, array in (images | dict(arrays or {})).items()]
    head = {
        "entry": entry,
        "frame": None
        if frame is None
        else [
            *(frame.sequence, frame.acquired_s, frame.received_s, frame.spacing_mm, frame.plane),
            *(frame.connection, frame.stamp_s),
        ],
        "blobs": [[name, array.dtype.str, array.shape, array.nbytes] for name, array in blobs],
    }
    # NaN is allowed here: only the writer reads this.
    text = json.dumps(head, separators=(",", ":")).encode()
    return [len(text).to_bytes(_COUNT, "little"), text, *(_bytes_of(array) for _, array in blobs)]


def pieces_of(arrays: Mapping[str, NDArray[np.generic]]) -> Iterator[list[Buffer]]:
    """Yield arrays as records of some rows each, for `Pieces` to join.

    Raises
    ------
    TypeError
        When an array is not of plain numbers.
    """
    for name, array in arrays.items():
        contiguous = np.ascontiguousarray(array)
        rows = len(contiguous)
        at_once = max(1, PIECE_BYTES * rows // max(contiguous.nbytes, 1))
        for begin in range(0, max(rows, 1), at_once):
            entry = {"kind": PIECE, "rows": rows, "begin": begin}
            yield pack(entry, arrays={name: contiguous[begin : begin + at_once]})


class Pieces:
    """Join the arrays that `pieces_of` has split.

    Attributes
    ----------
    arrays : dict of ndarray
        Arrays by name; complete once all pieces were added.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[np.generic]] = {}

    def add(self, record: Record) -> None:
        """Add one piece."""
        for name, piece in record.arrays.items():
            if name not in self.arrays:
                self.arrays[name] = np.empty((record.entry["rows"], *piece.shape[1:]), piece.dtype)
            begin = record.entry["begin"]
            self.arrays[name][begin : begin + len(piece)] = piece


def unpack(data: bytes) -> Record:
    """Return the record in `data`, made by `pack`; its arrays are read-only views of it."""
    at = _COUNT + int.from_bytes(data[:_COUNT], "little")
    head = json.loads(data[_COUNT:at])
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, dtype, shape, size in head["blobs"]:
        arrays[name] = np.frombuffer(data, np.dtype(dtype), math.prod(shape), at).reshape(shape)
        at += size
    if head["frame"] is None:
        return Record(head["entry"], None, arrays)
    sequence, acquired_s, received_s, spacing_mm, plane, *whence = head["frame"]
    frame = StoredFrame(sequence, acquired_s, received_s, spacing_mm, plane, arrays.pop(FRAME), *whence)
    return Record(head["entry"], frame, arrays)


def _bytes_of(array: NDArray[np.generic]) -> Buffer:
    if array.dtype.kind not in "buif":
        raise TypeError(f"an array of {array.dtype} cannot be kept")
    return array.reshape(-1).view(np.uint8).data if array.size else b""
