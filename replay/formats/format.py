"""What a format of recorded frames is to the rest of the program, and what a reader may have to be told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from replay.recording import Recording

HEAD_BYTES = 4096
"""So much of a file is looked at to find out what it is."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What only whoever opens a recording can know; a reader asks for it, in its error, where it matters.

    Attributes
    ----------
    scan : str or None
        Which of several scans, series or planes, by the number or name under which the reader lists them.
    observer : str or None
        Whose outlines, likewise.
    time_axis : "first", "last" or None
        Which axis of a stored stack is time, the axes counted as in its header: the first is the fastest in memory.
    as_stored : bool
        Rows run superior to inferior and columns anterior to posterior as the pixels are stored, whatever the header
        says of directions.
    """

    scan: str | None = None
    observer: str | None = None
    time_axis: Literal["first", "last"] | None = None
    as_stored: bool = False


@dataclass(frozen=True, slots=True)
class Format:
    """A format of recorded frames.

    Attributes
    ----------
    name : str
        What it is called, for example "TrackRAD case".
    claims : callable
        Tells from a path and the first `HEAD_BYTES` of the file (nothing of a folder) whether it is of this format;
        by what it holds, not by its name. Two formats never claim the same.
    open : callable
        Returns the recording at a path, its frames read as late as the format allows. Raises RecordingError or
        GeometryError with one line.
    """

    name: str
    claims: Callable[[Path, bytes], bool]
    open: Callable[[Path, Choices], Recording]
