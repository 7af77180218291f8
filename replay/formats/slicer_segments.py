"""Segments of a segmentation of 3D Slicer (.seg.nrrd): their names, and where in the pixels each of them is.

Of the key-value pairs of the header, which may name people, only those of segments are read. Format: the documentation
of 3D Slicer, "Segmentations", file format.
"""

import re
from pathlib import Path
from typing import NamedTuple

from replay.formats.nrrd import is_nrrd

_MAX_HEADER_BYTES = 2**20
_PAIR = re.compile(rb"Segment(\d{1,5})_(Name|LabelValue|Layer):=([^\r\n]{0,256})\r?\n")


class Segment(NamedTuple):
    """A segment.

    Attributes
    ----------
    name : str
        Its name.
    layer : int
        Index along the axis that is a list, where there is one.
    value : int
        Value of its voxels.
    """

    name: str
    layer: int
    value: int


def read_segments(path: Path) -> list[Segment]:
    """Read the segments that the header of an NRRD names.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    list of Segment
        Empty where there are none.
    """
    found: dict[int, dict[bytes, bytes]] = {}
    with path.open("rb") as file:
        line = file.readline(64)
        if not is_nrrd(path, line):
            return []
        while line.strip() and file.tell() < _MAX_HEADER_BYTES:
            if pair := _PAIR.fullmatch(line):
                found.setdefault(int(pair[1]), {})[pair[2]] = pair[3].strip()
            line = file.readline(_MAX_HEADER_BYTES)
    return [
        Segment(_printable(values[b"Name"]), int(values.get(b"Layer", b"0")), int(values[b"LabelValue"]))
        for _, values in sorted(found.items())
        if b"Name" in values
        and all(values.get(key, b"0").isdigit() for key in (b"Layer", b"LabelValue"))
        and b"LabelValue" in values
    ]


def _printable(name: bytes) -> str:
    return "".join(letter for letter in name.decode("utf-8", "replace") if letter.isprintable())[:64]
