"""A volume as ITK's formats store it: up to four axes with directions; which is time, and what plane is left."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import GeometryError, RecordingError
from gatekeeper.core.frame import FrameStack, Plane, Vector
from gatekeeper.core.orientation import LARGEST_TILT
from replay.formats.pixel_file import Stored
from replay.formats.stack import Stack, converted
from replay.recording import LazyFrames

TimeAxis = Literal["first", "last"]


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """What the header of an image says, its axes counted as in the header: the first is the fastest in memory.

    Attributes
    ----------
    pixels : Stored
        Where the pixels lie, the slowest axis first.
    spacing : tuple of float
        Distance of pixel centres along each axis.
    directions : tuple of 3 floats or None, for each axis; or None
        Unit vectors along which indices grow, in DICOM LPS; None of an axis that is not in space, and of all where the
        header tells nothing.
    origin_mm : tuple of 3 floats
        Centre of the first pixel.
    time : int or None
        The axis that is time, where the header tells it.
    period_s : float or None
        Time from frame to frame.
    slope, intercept : float
        A value is slope times the stored one, plus intercept.
    """

    pixels: Stored
    spacing: tuple[float, ...]
    directions: tuple[Vector | None, ...] | None = None
    origin_mm: Vector = (0.0, 0.0, 0.0)
    time: int | None = None
    period_s: float | None = None
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def sizes(self) -> tuple[int, ...]:
        """Pixels along each axis."""
        return self.pixels.shape[::-1]

    @property
    def path(self) -> Path:
        """The file."""
        return self.pixels.path


def told_directions(matrix: NDArray[np.float64]) -> tuple[Vector, ...] | None:
    """Return the columns of a direction matrix as unit vectors; None for ITK's default, which tells nothing.

    Parameters
    ----------
    matrix : ndarray of float64, shape (3, axes)
        A column for each axis.
    """
    if np.allclose(matrix, np.eye(*matrix.shape), atol=1e-9):
        return None
    columns = [(float(x) + 0.0, float(y) + 0.0, float(z) + 0.0) for x, y, z in matrix.T]
    return tuple(columns)


def stack_of(volume: Volume, time_axis: TimeAxis | None, as_stored: bool) -> Stack:
    """Return the images of a volume as a stack.

    Parameters
    ----------
    volume : Volume
        Of two axes, which is one image; of three, one of which is time; or of four, one of them a single pixel.
    time_axis : "first", "last" or None
        Which axis is time, where someone knows it.
    as_stored : bool
        Directions are not looked at.

    Raises
    ------
    RecordingError
        When it cannot be told which axis is time.
    GeometryError
        When the images do not lie in a sagittal plane.
    """
    axes = _longer_axes(volume, time_axis)
    directions = None if as_stored else volume.directions
    if len(axes) == 2:
        return _stack(volume, None, (axes[0], axes[1]), directions, None, ())
    ends = {"first": axes[0], "last": axes[2]}
    notes: tuple[str, ...] = ()
    told = ends[time_axis] if time_axis is not None else volume.time if volume.time in axes else None
    if told is None and len(volume.sizes) == 4 and axes[2] == 3:
        told = 3  # After three axes in space, one of which is a single pixel, ITK and NIfTI have time.
    if told is None:
        told = _time_by_directions(volume, axes, directions)
    if told is None:
        told, notes = _time_by_looks(volume, axes)
    if told not in ends.values():
        raise RecordingError(f"{volume.path}: has time as its middle axis; export it with time as the first or last")
    plane_axes = (axes[1], axes[2]) if told == axes[0] else (axes[0], axes[1])
    return _stack(volume, told, plane_axes, directions, "first" if told == axes[0] else "last", notes)


def _longer_axes(volume: Volume, time_axis: TimeAxis | None) -> tuple[int, ...]:
    """Return the axes of a plane, and of time where there is one; a fourth of a single pixel is left out."""
    count = len(volume.sizes)
    if count in (2, 3):
        return tuple(range(count))
    kept = volume.time if time_axis is None else 0 if time_axis == "first" else count - 1
    single = [axis for axis in range(count) if volume.sizes[axis] == 1 and axis != kept]
    if count != 4 or not single:
        raise RecordingError(f"{volume.path}: has the size {volume.sizes}; it must be one plane over time")
    if len(single) > 1:
        raise RecordingError(
            f"{volume.path}: has the size {volume.sizes}, and nothing tells which axis is time; give --time-axis"
        )
    return tuple(axis for axis in range(count) if axis != single[0])


def _time_by_directions(
    volume: Volume, axes: tuple[int, ...], directions: tuple[Vector | None, ...] | None
) -> int | None:
    """Return the last axis when the other two span a sagittal plane; refuse when directions say that they do not.

    That the last two do is no proof of time being the first: in a coronal or axial cine they do too.
    """
    if directions is None:
        return None
    first, second = directions[axes[0]], directions[axes[1]]
    if first is not None and second is not None and _is_sagittal(first, second):
        return axes[2]
    raise GeometryError(
        f"{volume.path}: its images, by its directions and with time as the last axis, are not sagittal; give a "
        "sagittal cine, or --time-axis first when that is how it is stored, or --as-stored when they mean nothing"
    )


def _time_by_looks(volume: Volume, axes: tuple[int, ...]) -> tuple[int, tuple[str, ...]]:
    """Return the axis that differs in size and spacing from the other two, which agree; refuse when there is none.

    A single image has no time, whatever its spacing is: its axis of one pixel is as good as any.
    """
    sizes, spacing = ([values[axis] for axis in axes] for values in (volume.sizes, volume.spacing))
    if sizes.count(1) == 1 and sizes[1] != 1:
        return axes[sizes.index(1)], ()
    for time, (one, other) in ((0, (1, 2)), (2, (0, 1))):
        agree = sizes[one] == sizes[other] and spacing[one] == spacing[other]
        if agree and sizes[time] != sizes[one] and spacing[time] != spacing[one]:
            which = "first" if time == 0 else "last"
            note = (
                f"time is taken to be the {which} axis ({sizes[time]} long), which differs in size and spacing from "
                "the other two; --time-axis tells otherwise"
            )
            return axes[time], (note,)
    raise RecordingError(
        f"{volume.path}: has the size {tuple(sizes)}, and nothing tells which axis is time; give --time-axis first "
        "or last, or write time_axis into its side file"
    )


def _is_sagittal(first: Vector, second: Vector) -> bool:
    return bool(abs(np.cross(first, second)[0]) > LARGEST_TILT)


def _stack(
    volume: Volume,
    time: int | None,
    plane_axes: tuple[int, int],
    directions: tuple[Vector | None, ...] | None,
    time_axis: TimeAxis | None,
    notes: tuple[str, ...],
) -> Stack:
    """Return the images: columns along the faster axis of the plane, rows along the slower."""
    col, row = plane_axes
    shape = volume.sizes[row], volume.sizes[col]
    if time_axis == "first":
        pixels = _reshaped(volume.pixels, (*shape, volume.sizes[time])).frames(2)  # type: ignore[index]
    else:
        pixels = _reshaped(volume.pixels, (1 if time is None else volume.sizes[time], *shape)).frames(0)
    plane = None
    if directions is not None and (along := (directions[row], directions[col])) and None not in along:
        plane = Plane(volume.origin_mm, along[0], along[1])  # type: ignore[arg-type]
    return Stack(
        frames=_rescaled(pixels, volume.slope, volume.intercept),
        spacing_mm=(volume.spacing[row], volume.spacing[col]),
        plane=plane,
        rate_hz=None if volume.period_s is None else 1.0 / volume.period_s,
        time_axis=time_axis,
        notes=notes,
    )


def _reshaped(pixels: Stored, shape: tuple[int, ...]) -> Stored:
    return Stored(pixels.path, pixels.offset, pixels.dtype, shape, pixels.unpack, pixels.ends_file)


def _rescaled(frames: FrameStack, slope: float, intercept: float) -> FrameStack:
    """Return frames of the values that stored ones stand for, in float32."""
    if (slope, intercept) == (1.0, 0.0):
        return frames
    stored = converted(frames, np.dtype(np.float64))

    def of(index: int) -> NDArray[np.generic]:
        return np.asarray(stored[index] * slope + intercept, np.float32)

    return LazyFrames(of, len(frames), (frames.shape[1], frames.shape[2]), np.dtype(np.float32))
