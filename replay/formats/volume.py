"""A volume of up to four axes with directions, as ITK's formats store it: find the axis of time and the plane."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import SAGITTAL, orientation_of
from gatekeeper.core.errors import GeometryError, RecordingError
from gatekeeper.core.frame import FrameStack, Plane, Vector
from replay.formats.pixel_file import PixelFile
from replay.formats.stack import Stack, convert_frames
from replay.recording import LazyFrames

TimeAxis = Literal["first", "last"]


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """The header of an image. Axes are counted as in the header: the first is the fastest in memory.

    Attributes
    ----------
    pixels : PixelFile
        The pixels, the slowest axis first.
    spacing : tuple of float
        Distance of pixel centres along each axis, in mm along axes in space.
    directions : tuple of 3 floats or None, for each axis; or None
        Unit vectors along which indices increase, in DICOM LPS; None for an axis that is not in space, and for all
        where the header has no directions.
    origin_mm : tuple of 3 floats
        Centre of the first pixel, in DICOM LPS mm.
    time : int or None
        The axis of time, where the header has it.
    period_s : float or None
        Time from frame to frame in s, where the header has it.
    slope, intercept : float
        The value of a pixel is the slope times the stored number, plus the intercept.
    times_s : ndarray of float64, shape (T,), or None
        Time of each frame in s, where the header has it.
    notes : tuple of str
        What was assumed.
    """

    pixels: PixelFile
    spacing: tuple[float, ...]
    directions: tuple[Vector | None, ...] | None = None
    origin_mm: Vector = (0.0, 0.0, 0.0)
    time: int | None = None
    period_s: float | None = None
    slope: float = 1.0
    intercept: float = 0.0
    times_s: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Pixels along each axis, the fastest first."""
        return self.pixels.shape[::-1]

    @property
    def told_directions(self) -> tuple[Vector | None, ...] | None:
        """The directions; None where they and the origin are what ITK writes when it knows neither."""
        if self.directions is None or (self._is_identity() and not any(self.origin_mm)):
            return None
        return self.directions

    def _is_identity(self) -> bool:
        known = [step for step in self.directions or () if step is not None]
        return len(known) == min(len(self.sizes), 3) and np.allclose(known, np.eye(len(known), 3), atol=1e-9)

    @property
    def default_note(self) -> tuple[str, ...]:
        """Note on directions that programs write, too, that only know a position."""
        if self.told_directions is None or not self._is_identity():
            return ()
        return (
            "directions along x, y and z are those of an axial image, and what programs write that know none; where it "
            "is not axial, --plane or --as-stored tells how it lies",
        )

    @property
    def path(self) -> Path:
        """The file."""
        return self.pixels.path


def unit_directions(matrix: NDArray[np.float64]) -> tuple[Vector, ...]:
    """Return the columns of a direction matrix as unit vectors.

    Parameters
    ----------
    matrix : ndarray of float64, shape (3, axes)
        One column for each axis.

    Returns
    -------
    tuple of 3 floats for each axis
    """
    columns = [(float(x) + 0.0, float(y) + 0.0, float(z) + 0.0) for x, y, z in matrix.T]
    return tuple(columns)


def beside(path: Path, name: str, one_file: str) -> Path:
    """Return the file of the pixels that a header names.

    Parameters
    ----------
    path : Path
        The header.
    name : str
        As in the header: a file in the folder of the header or below it.
    one_file : str
        Ending of files that hold their own pixels, for the message.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RecordingError
        When it is elsewhere.
    """
    file = Path(name.replace("\\", "/"))
    if file.is_absolute() or ".." in file.parts or not file.name or "\0" in name:
        raise RecordingError(f"{path}: has its pixels in another folder; store it as one .{one_file} file")
    return path.parent / file


def make_stack(volume: Volume, time_axis: TimeAxis | None, as_stored: bool) -> Stack:
    """Return the images of a volume as a stack.

    Parameters
    ----------
    volume : Volume
        Of two axes (one image), of three (one of them time), or of four (one of them of a single pixel).
    time_axis : "first", "last" or None
        The axis of time, where the user gives it.
    as_stored : bool
        Whether directions are ignored.

    Returns
    -------
    Stack
        Frames with the plane in which they lie, where it is known.

    Raises
    ------
    RecordingError
        When the axis of time cannot be found.
    GeometryError
        When a plane has no directions.
    """
    axes = _longer_axes(volume, time_axis)
    directions = None if as_stored else volume.told_directions
    if len(axes) == 2:
        return _stack(volume, None, (axes[0], axes[1]), directions, None, ())
    ends = {"first": axes[0], "last": axes[2]}
    notes: tuple[str, ...] = ()
    time = ends[time_axis] if time_axis is not None else volume.time if volume.time in axes else None
    if time is None and len(volume.sizes) == 4 and axes[2] == 3:
        time = 3  # After three axes in space, one of which is a single pixel, ITK and NIfTI have time.
    if time is None:
        time = _single_axis(volume, axes)
    if time is None:
        time = _time_by_directions(volume, axes, directions)
    if time is None:
        time, notes = _time_by_sizes(volume, axes, directions)
    if time not in ends.values():
        raise RecordingError(f"{volume.path}: has time as its middle axis; export it with time as the first or last")
    plane_axes = (axes[1], axes[2]) if time == axes[0] else (axes[0], axes[1])
    return _stack(volume, time, plane_axes, directions, "first" if time == axes[0] else "last", notes)


def _longer_axes(volume: Volume, time_axis: TimeAxis | None) -> tuple[int, ...]:
    """Return the axes of the plane and of time; a fourth axis of a single pixel is left out."""
    count = len(volume.sizes)
    if count in (2, 3):
        return tuple(range(count))
    kept = volume.time if time_axis is None else 0 if time_axis == "first" else count - 1
    single = [axis for axis in range(count) if volume.sizes[axis] == 1 and axis != kept]
    if count != 4 or not single:
        raise RecordingError(f"{volume.path}: has the size {volume.sizes}; it must be one plane over time")
    if len(single) > 1:
        raise RecordingError(
            f"{volume.path}: has the size {volume.sizes}, and its header does not say which axis is time; "
            "give --time-axis"
        )
    return tuple(axis for axis in range(count) if axis != single[0])


def _single_axis(volume: Volume, axes: tuple[int, ...]) -> int | None:
    """Return the axis of a single pixel, first or last, of a volume that is one image."""
    single = [axis for axis in axes if volume.sizes[axis] == 1]
    return single[0] if len(single) == 1 and single[0] != axes[1] else None


def _time_by_directions(
    volume: Volume, axes: tuple[int, ...], directions: tuple[Vector | None, ...] | None
) -> int | None:
    """Return the last axis when the other two span a plane, and None without directions.

    Where the last two axes span a sagittal plane and the first two another one, time may be the first: this is told
    apart by sizes and spacing, see `_time_by_sizes`.
    """
    if directions is None:
        return None
    first, second, third = (directions[axis] for axis in axes)
    if first is None or second is None:
        raise GeometryError(
            f"{volume.path}: an axis of its images has no direction; give --time-axis first when time is stored so, or "
            "--as-stored to ignore the directions"
        )
    if orientation_of(Plane(row_step=second, col_step=first)) is SAGITTAL or third is None:
        return axes[2]
    is_sagittal_too = orientation_of(Plane(row_step=third, col_step=second)) is SAGITTAL
    return None if is_sagittal_too else axes[2]


def _time_by_sizes(
    volume: Volume, axes: tuple[int, ...], directions: tuple[Vector | None, ...] | None
) -> tuple[int, tuple[str, ...]]:
    """Return the axis that differs from the other two, which agree, and a note.

    It differs in size and spacing; where both planes are possible by the directions, in one of them is enough.
    """
    sizes, spacing = ([values[axis] for axis in axes] for values in (volume.sizes, volume.spacing))
    found = []
    for time, (one, other) in ((0, (1, 2)), (2, (0, 1))):
        differs = [values[one] == values[other] != values[time] for values in (sizes, spacing)]
        if all(differs) if directions is None else any(differs):
            found.append(time)
    if len(found) == 1:
        which = "first" if found == [0] else "last"
        note = (
            f"time is assumed to be the {which} axis ({sizes[found[0]]} long), which differs in size "
            f"{'and' if directions is None else 'or'} spacing from the other two; change it with --time-axis"
        )
        return axes[found[0]], (note,)
    raise RecordingError(
        f"{volume.path}: has the size {tuple(sizes)}, and its header does not say which axis is time; give "
        "--time-axis first or last, or write time_axis into its sidecar file"
    )


def _stack(
    volume: Volume,
    time: int | None,
    plane_axes: tuple[int, int],
    directions: tuple[Vector | None, ...] | None,
    time_axis: TimeAxis | None,
    notes: tuple[str, ...],
) -> Stack:
    """Return the images, with columns along the faster axis of the plane and rows along the slower."""
    col, row = plane_axes
    shape = volume.sizes[row], volume.sizes[col]
    if time is not None and time_axis == "first":
        pixels = _reshaped(volume.pixels, (*shape, volume.sizes[time])).frames(2)
    else:
        pixels = _reshaped(volume.pixels, (1 if time is None else volume.sizes[time], *shape)).frames(0)
    plane = None
    if directions is not None:
        down, across = directions[row], directions[col]
        if down is not None and across is not None:
            plane = Plane(volume.origin_mm, down, across)
    return Stack(
        frames=_rescaled(pixels, volume.slope, volume.intercept),
        spacing_mm=(volume.spacing[row], volume.spacing[col]),
        plane=plane,
        rate_hz=None if volume.period_s is None else 1.0 / volume.period_s,
        times_s=volume.times_s if time is not None else None,
        time_axis=time_axis,
        notes=(
            *volume.notes,
            *notes,
            *(volume.default_note if plane is not None else ()),
            *_defaults(volume, plane, (volume.spacing[row], volume.spacing[col])),
        ),
    )


def _defaults(volume: Volume, plane: Plane | None, spacing_mm: tuple[float, float]) -> tuple[str, ...]:
    """Return a note where the size of pixels may be what programs write that know none."""
    if plane is not None or volume.told_directions is not None or spacing_mm != (1.0, 1.0):
        return ()
    return (
        "pixels of 1 x 1 mm, without an orientation, are what programs write that know neither; spacing_mm in a "
        "sidecar file, or --spacing-mm, replaces them",
    )


def _reshaped(pixels: PixelFile, shape: tuple[int, ...]) -> PixelFile:
    return replace(pixels, shape=shape)


def _rescaled(frames: FrameStack, slope: float, intercept: float) -> FrameStack:
    """Return frames of the values for which the stored numbers stand, in float32."""
    if (slope, intercept) == (1.0, 0.0):
        return frames
    stored = convert_frames(frames, np.dtype(np.float64))

    def of(index: int) -> NDArray[np.generic]:
        return np.asarray(stored[index] * slope + intercept, np.float32)

    return LazyFrames(of, len(frames), (frames.shape[1], frames.shape[2]), np.dtype(np.float32))
