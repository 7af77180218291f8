"""One frame of an Elekta Unity cine: its plane, times, and what the machine's own monitoring found on it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, binary_fill_holes

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import Plane, Vector
from replay.formats.planes import ImagePlane
from replay.formats.sidecar import shortest_decimal
from replay.formats.vendor.nrbf import DEEPEST, Document, NrbfError, Numbers, Reference, read_nrbf

LARGEST_FILE_BYTES = 2**27
SMALLEST_OUTLINE_PX = 12
"""A mask of more pixels than these without any pixel inside is an outline that is not closed."""
TICK_S = 1e-7
_MOST_SIDE_PX = 8192
_MOST_STRUCTURES = 64
_DATE_TICKS = 0x3FFFFFFFFFFFFFFF
"""Bits of a .NET DateTime that are 100 ns since the year 1, in UTC; the other two tell the kind."""
_ZONE_S = 900.0
"""Clocks of two time zones differ by a multiple of this, in s."""
_LONGEST_LATENCY_S = 60.0
_RESULTS = ("MMEMonitoringResult", "ResultStructures")


@dataclass(frozen=True, slots=True)
class Structure:
    """An outlined structure of a monitoring result: its name, and where its mask is in the file, in bytes."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class UnityFrame:
    """A file of one frame.

    Attributes
    ----------
    path : Path
        The file.
    slice : ImagePlane
        Size, spacing and plane.
    offset : int
        Where the pixels begin, in bytes.
    is_signed : bool or None
        Whether pixels are signed; None where it is not told.
    ticks : int or None
        Time of acquisition in 100 ns; None where it is not told.
    received : int or None
        Time of arrival in 100 ns; None where it is not told.
    latency_s : float
        Time from acquisition to arrival in s; NaN where it is not told.
    structures : tuple of Structure
        Structures whose mask has the size and the plane of the image.
    elsewhere : tuple of str
        Names of the others.
    centroid_mm : tuple of float or None
        Centre of the target in LPS mm.
    quality : float or None
        Quality that the monitoring reports.
    status : int
        Its status; -1 where it is not told.
    """

    path: Path
    slice: ImagePlane
    offset: int
    is_signed: bool | None
    ticks: int | None
    received: int | None
    latency_s: float
    structures: tuple[Structure, ...]
    elsewhere: tuple[str, ...]
    centroid_mm: Vector | None
    quality: float | None
    status: int

    def pixels(self) -> NDArray[np.uint16] | NDArray[np.int16]:
        """Read the pixels (H, W).

        Raises
        ------
        RecordingError
            When the file cannot be read any more, or its pixels may be negative and nothing tells.
        """
        stored = self._read(self.offset)
        if self.is_signed:
            return stored.view(np.int16)
        if self.is_signed is None and stored.max() >= 2**15:
            refuse(self.path, "has pixels beyond 32767, which may be negative: it does not tell whether it is unsigned")
        return stored

    def mask(self, structure: Structure) -> NDArray[np.bool_] | None:
        """Read the mask (H, W) of a structure, filled; None where its outline is not closed.

        Raises
        ------
        RecordingError
            When the file cannot be read any more.
        """
        drawn = self._read(structure.offset) != 0
        filled: NDArray[np.bool_] = np.asarray(binary_fill_holes(drawn), np.bool_)
        if filled.sum() > SMALLEST_OUTLINE_PX and not binary_erosion(filled, border_value=1).any():
            return None
        return filled

    def is_drawn(self, structure: Structure) -> bool:
        """Return whether the mask of a structure has pixels."""
        return bool(self._read(structure.offset).any())

    def _read(self, offset: int) -> NDArray[np.uint16]:
        rows, cols = self.slice.shape
        try:
            pixels = np.fromfile(self.path, "<u2", rows * cols, offset=offset)
        except OSError as error:
            refuse(self.path, f"cannot be read any more ({error.strerror or error}); put it back")
        if pixels.size != rows * cols:
            refuse(self.path, "was cut short while it was read; copy the file again")
        return pixels.reshape(rows, cols).astype(np.uint16, copy=False)


def refuse(path: Path, why: str) -> NoReturn:
    """Raise RecordingError for a file."""
    raise RecordingError(f"{path}: {why}") from None


def read_frame(path: Path) -> UnityFrame:
    """Read a frame without its pixels.

    Raises
    ------
    RecordingError
        When it is cut short or not as described.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            refuse(path, f"has {size} bytes; {LARGEST_FILE_BYTES} is the limit for a frame")
        with path.open("rb") as file:
            document = read_nrbf(file, size)
        return _frame(path, document)
    except (NrbfError, RecursionError) as error:
        refuse(path, f"is not a frame of a Unity cine as it is described: {error!s:.150}; copy the file again")


def _frame(path: Path, document: Document) -> UnityFrame:
    image = _image_plane(document, "TwoDSlicedata")
    if image is None:
        raise NrbfError("TwoDSlicedata holds no image")
    pixels = _offset(document.get("TwoDSlicedata", "Data"), image.shape)
    if pixels is None:
        raise NrbfError(f"TwoDSlicedata.Data holds no {2 * image.shape[0] * image.shape[1]} bytes of pixels")
    unsigned = document.get("TwoDSlicedata", "Unsigned")
    ticks = document.get("TwoDSlicedata", "Elapsed100NanosecondInterval")
    ticks = ticks if isinstance(ticks, int) and not isinstance(ticks, bool) and ticks > 0 else None
    arrived = document.get("TwoDSlicedata", "ReceivedTime")
    received = (arrived & _DATE_TICKS or None) if isinstance(arrived, int) and not isinstance(arrived, bool) else None
    centroid_mm, quality = _monitoring_result(document)
    status = document.get("MMEMonitoringResult", "Status", "value__")
    return UnityFrame(
        path,
        image,
        pixels,
        not unsigned if isinstance(unsigned, bool) else None,
        ticks,
        received,
        _latency_s(received, ticks),
        *_structures(document, image),
        centroid_mm,
        quality,
        status if isinstance(status, int) and not isinstance(status, bool) else -1,
    )


def _image_plane(document: Document, *at: str | int) -> ImagePlane | None:
    """Return size, spacing and plane of an image; None when it tells no size and no plane at all."""

    def numbers(*names: str, of: str) -> tuple[float, ...]:
        values = [document.get(*at, *of.split("."), name) for name in names]
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            raise NrbfError(f"{at[0]}.{of} holds no {', '.join(names)}")
        found = tuple(float(value) for value in values)
        if not all(map(math.isfinite, found)):
            raise NrbfError(f"{at[0]}.{of} is {found}")
        return found

    parts = ("Dimension", "VoxelSize", "Orientation", "Origin")
    if not any(isinstance(document.get(*at, part), dict) for part in parts):
        return None
    cols, rows, slices = (int(value) for value in numbers("Columns", "Rows", "Slices", of="Dimension"))
    if slices != 1 or not (0 < rows <= _MOST_SIDE_PX and 0 < cols <= _MOST_SIDE_PX):
        raise NrbfError(f"an image of {rows} x {cols} pixels in {slices} slices")
    across_mm, down_mm = map(shortest_decimal, numbers("XInmm", "YInmm", of="VoxelSize"))
    along_row, along_col, origin = (
        (values[0], values[1], values[2])
        for values in (
            numbers("X", "Y", "Z", of="Orientation.RowDirectionCosines"),
            numbers("X", "Y", "Z", of="Orientation.ColumnDirectionCosines"),
            numbers("X", "Y", "Z", of="Origin"),
        )
    )
    return ImagePlane((rows, cols), (down_mm, across_mm), Plane(origin, row_step=along_col, col_step=along_row))


def _offset(value: Any, shape: tuple[int, int]) -> int | None:
    """Return the offset of an array of 16-bit pixels; None when the value is not an array of that size."""
    if not isinstance(value, Numbers):
        return None
    wide = {"<B": 1, "<b": 1, "<h": 2, "<H": 2}.get(value.code, 0)
    return value.offset if value.length * wide == 2 * shape[0] * shape[1] else None


def _latency_s(received: int | None, ticks: int | None) -> float:
    """Return the time from acquisition to arrival, without the difference of time zones; NaN when it is not told."""
    if received is None or ticks is None:
        return math.nan
    late_s = (received - ticks) % round(_ZONE_S / TICK_S) * TICK_S
    return late_s if late_s <= _LONGEST_LATENCY_S else math.nan


def _structures(document: Document, image: ImagePlane) -> tuple[tuple[Structure, ...], tuple[str, ...]]:
    """Return the structures of a result whose masks lie on the image, and the names of the others."""
    found: list[Structure] = []
    others: list[str] = []
    for number in range(_MOST_STRUCTURES):
        at = (*_RESULTS, "items", number)
        data = document.get(*at, "m_Item2", "Data")
        if data is None:
            continue
        name = _printable(document.get(*at, "m_Item1")) or f"structure {number + 1}"
        offset, own = _offset(data, image.shape), _image_plane(document, *at, "m_Item2")
        if offset is not None and (own is None or own.key() == image.key()):
            found.append(Structure(name, offset))
        else:
            others.append(name)
    return tuple(found), tuple(others)


def _printable(name: Any) -> str:
    return "".join(letter for letter in name if letter.isprintable())[:64].strip() if isinstance(name, str) else ""


def _monitoring_result(document: Document) -> tuple[Vector | None, float | None]:
    """Return the centroid of the target in mm and the quality that the monitoring reports."""
    centroid: Vector | None = None
    quality: float | None = None
    for name, value in _members(document, document.get("MMEMonitoringResult"), 0):
        if centroid is None and "centroid" in name.lower() and isinstance(value, dict):
            parts = [part for axis in "XYZ" if isinstance(part := value.get(axis), float) and math.isfinite(part)]
            if len(parts) == 3:
                centroid = (parts[0], parts[1], parts[2])
        elif quality is None and "quality" in name.lower() and isinstance(value, float) and math.isfinite(value):
            quality = value
    return centroid, quality


def _members(document: Document, value: Any, depth: int) -> list[tuple[str, Any]]:
    """Return names and values of all members of an object and of the objects within it."""
    if isinstance(value, Reference):
        value = document.objects.get(value.number)
    if depth > DEEPEST or not isinstance(value, dict | list):
        return []
    found: list[tuple[str, Any]] = []
    named = value.items() if isinstance(value, dict) else (("", one) for one in value[:8])
    for name, one in named:
        kept = document.objects.get(one.number) if isinstance(one, Reference) else one
        found.append((name, kept))
        if depth < 6 and len(found) < 1000:
            found += _members(document, kept, depth + 1)
    return found
