"""The interface of a format of recorded frames, and the choices that a user makes when a recording is opened."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from gatekeeper.core.frame import Plane
from replay.recording import Recording

HEAD_BYTES = 4096
"""Number of bytes at the beginning of a file from which its format is found."""

DICOM = "DICOM images"
"""Name of the format of DICOM images, which alone tell a frame of reference."""


class Use(StrEnum):
    """Purpose of a region of the plan in the session."""

    TARGET = "target"
    ENVELOPE = "envelope"
    AVOID = "avoid"


ALL = "all"
"""The choice of all scans as one."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Choices of the user. The error of a reader names the choice that it needs.

    Attributes
    ----------
    scan : str or None
        One of several scans, series or planes, by the number or name under which the reader lists them.
    observer : str or None
        One of several observers, by the name under which the reader lists them.
    time_axis : "first", "last" or None
        Axis of a stored stack that is time, counted as in its header: the first is the fastest in memory.
    as_stored : bool
        Whether rows run superior to inferior and columns anterior to posterior as stored, and the directions in the
        header are ignored.
    rate_hz : float or None
        Frames per second, whatever the files say.
    spacing_mm : tuple of float or None
        Distance of pixel centres along stored rows and columns in mm, whatever the files say.
    plane : Plane or None
        Plane of the stored images, whatever the files say.
    roi : str or None
        One of several outlined structures, by the name under which the reader lists them.
    resample_hz : float or None
        Frames per second to which the recording is brought by the nearest frame.
    orientation : str or None
        "sagittal", "coronal" or "axial": of several planes the one with this orientation, and where the files tell no
        plane, that of the images.
    """

    scan: str | None = None
    observer: str | None = None
    time_axis: Literal["first", "last"] | None = None
    as_stored: bool = False
    rate_hz: float | None = None
    spacing_mm: tuple[float, float] | None = None
    plane: Plane | None = None
    roi: str | None = None
    resample_hz: float | None = None
    orientation: str | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """A format of recorded frames.

    Attributes
    ----------
    name : str
        Its name, for example "TrackRAD case".
    claims : callable
        Returns whether a path and the first `HEAD_BYTES` of its file (b"" for a folder) are of this format, by the
        content and not by the name. At most one format claims a file.
    open : callable
        Opens the recording at a path; frames are read as late as the format allows. Raises RecordingError or
        GeometryError with a message of one line.
    has_regions : bool
        Whether `Choices.roi` chooses one of several structures that are outlined in the recording itself.
    """

    name: str
    claims: Callable[[Path, bytes], bool]
    open: Callable[[Path, Choices], Recording]
    has_regions: bool = False
