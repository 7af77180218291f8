"""Exports of the MRIdian MR-linac with a whole cine in one file (.raw).

Written from public descriptions and tested only on files that were made from them, not on a vendor's own. Any deviation
from the description raises an error.

A file consists of, for each of x, y and z, the number of pixels (int32), the centre of the first and their distance
(float64, cm); the number of frames (int16); and the pixels (int16, x the fastest); all little-endian. Positions are
used as DICOM LPS. Public scripts read x times y numbers a frame, so that z is a single pixel: x and y are then columns
and rows of the image and no axes of the patient, and images are taken as they are stored. The frame rate comes from the
sidecar file. The first five frames are left out as those of .dat are.
"""

import math
import struct
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Vector
from replay.formats.format import Choices, Format
from replay.formats.pixel_file import PixelFile
from replay.formats.sidecar import read_sidecar
from replay.formats.stack import make_recording
from replay.formats.vendor.mridian import APPROACH, APPROACH_NOTE, check_frame_count
from replay.formats.volume import Volume, make_stack
from replay.recording import Recording

_HEADER = struct.Struct("<iddiddiddh")
_MOST_PIXELS = 4096


def is_raw(path: Path, head: bytes) -> bool:
    """Return whether a file begins with numbers that are possible in the header of a cine."""
    if path.is_dir() or len(head) < _HEADER.size:
        return False
    sizes, steps_cm, origins_cm, count = _raw_header(head)
    sound = all(0 < size <= _MOST_PIXELS for size in sizes) and sizes.count(1) == 1 and count > 0
    numbers = (*steps_cm, *origins_cm)
    if not (sound and all(map(math.isfinite, numbers)) and max(map(abs, steps_cm)) < 10.0):
        return False
    return max(map(abs, origins_cm)) < 1000.0 and min(map(abs, steps_cm)) > 1e-3


def open_raw(path: Path, choices: Choices) -> Recording:
    """Open a cine in one file.

    Parameters
    ----------
    path : Path
        The file.
    choices : Choices
        `as_stored` ignores the directions.

    Returns
    -------
    Recording
        Without the first frames; frames are read when they are asked for.

    Raises
    ------
    RecordingError
        When the file is cut short or not as described, or the sidecar file has no frame rate.
    GeometryError
        When the directions of the images span no plane.
    """
    with path.open("rb") as file:
        sizes, steps_cm, origins_cm, count = _raw_header(file.read(_HEADER.size))
    if not all(step > 0.0 for step in steps_cm):
        raise RecordingError(f"{path}: has pixels {steps_cm} cm apart; all must be above 0, export it again")
    check_frame_count(path, count)
    pixels = PixelFile(path, _HEADER.size, np.dtype("<i2"), (count, *sizes[::-1]))
    axes: tuple[Vector | None, ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), None)
    directions = None if sizes[2] == 1 else axes
    x, y, z = map(_millimetres, origins_cm)
    spacing = (*map(_millimetres, steps_cm), 1.0)
    sidecar = read_sidecar(path, choices)
    stack = make_stack(Volume(pixels, spacing, directions, (x, y, z), time=3), None, sidecar.as_stored)
    stack = replace(stack, frames=stack.frames[APPROACH:], notes=(*stack.notes, APPROACH_NOTE))
    return make_recording(stack, sidecar, path)


def _millimetres(value_cm: float) -> float:
    """Convert a decimal number of cm to mm exactly: 0.18 cm are 1.8 mm, not the next float."""
    return float(Decimal(repr(value_cm)) * 10)


def _raw_header(
    head: bytes,
) -> tuple[tuple[int, int, int], tuple[float, float, float], tuple[float, float, float], int]:
    """Return number of pixels, spacing and origin in cm along x, y and z, and the number of frames."""
    if len(head) < _HEADER.size:
        return (0, 0, 0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0
    nx, ox, dx, ny, oy, dy, nz, oz, dz, count = _HEADER.unpack_from(head)
    return (nx, ny, nz), (dx, dy, dz), (ox, oy, oz), count


FORMAT = Format("MRIdian cine (raw)", is_raw, open_raw)
FORMATS = (FORMAT,)
