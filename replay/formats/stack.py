"""A stack of images as stored in a file, and its conversion to a recording in canonical orientation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import FrameStack, Plane
from gatekeeper.core.orientation import Reorientation, reorientation
from replay.formats.sidecar import Sidecar, even_times, merge_values, times_from_first
from replay.recording import LazyFrames, Recording

SAME_PLACE_MM = 0.01
"""Largest distance between the planes of images and of a mask on them, in mm."""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Images as they are stored, with the values that their file has.

    Attributes
    ----------
    frames : FrameStack, shape (T, H, W)
        Pixels; of any type that a file can hold.
    spacing_mm : tuple of float or None
        Distance of pixel centres along stored rows and columns, in mm.
    plane : Plane or None
        Plane of the stored images.
    rate_hz : float or None
        Frames per second, of a constant rate.
    times_s : ndarray of float64, shape (T,), or None
        Time of each frame in s, where the rate is not constant.
    time_axis : "first", "last" or None
        Axis that was read as time, counted as in the header of the file.
    target : ndarray, shape (H, W), or None
        The target on the first frame, as stored; not 0 inside.
    labels : FrameStack, shape (T, H, W), or None
        The target on all frames, as stored; not 0 inside.
    name, region : str or None
        As in a recording.
    field_strength_t : float or None
        As in a recording.
    notes : tuple of str
        What was assumed.
    """

    frames: FrameStack
    spacing_mm: tuple[float, float] | None = None
    plane: Plane | None = None
    rate_hz: float | None = None
    times_s: NDArray[np.float64] | None = None
    time_axis: str | None = None
    target: NDArray[Any] | None = None
    labels: FrameStack | None = None
    name: str | None = None
    region: str | None = None
    field_strength_t: float | None = None
    notes: tuple[str, ...] = ()


def make_recording(stack: Stack, sidecar: Sidecar, path: Path) -> Recording:
    """Make a recording of a stack and its sidecar file.

    Parameters
    ----------
    stack : Stack
        The images, and the target where it is known.
    sidecar : Sidecar
        Values of the sidecar file.
    path : Path
        The file of the images; the case has its name unless another is given.

    Returns
    -------
    Recording
        In canonical orientation.

    Raises
    ------
    RecordingError
        When spacing or rate is missing, or differs between the two, or sizes do not match.
    GeometryError
        When the images are not sagittal.
    """
    frames = to_tracked_type(stack.frames, path)
    count, rows, cols = frames.shape
    if not count or not rows or not cols:
        raise RecordingError(f"{path}: holds {count} frames of {rows} x {cols} pixels; it must hold one at least")
    spacing_mm = merge_values(stack.spacing_mm, sidecar.spacing_mm, "spacing_mm", path)
    if spacing_mm is None:
        raise RecordingError(
            f"{path}: has no size of its pixels; write spacing_mm = [row, column] into {path.name}.toml"
        )
    plane, notes = _plane(stack, sidecar)
    turn = reorientation(plane, spacing_mm, (rows, cols), str(path))
    first_mask, labels = _target(stack, turn, (count, rows, cols), path)
    return Recording(
        name=sidecar.name or stack.name or recording_name(path),
        frames=reorient_frames(frames, turn),
        spacing_mm=turn.spacing_mm,
        times_s=_times(stack, sidecar, count, path),
        first_mask=first_mask,
        labels=labels,
        plane=turn.plane,
        field_strength_t=sidecar.field_strength_t or stack.field_strength_t,
        region=sidecar.region or stack.region,
        notes=(*stack.notes, *notes),
    )


def recording_name(path: Path) -> str:
    """Return the name of a recording that is called after its file: without suffix, of letters, digits, `-` and `_`."""
    stem = path.resolve().name
    stem = stem.removesuffix(".gz")
    stem = stem.removesuffix(Path(stem).suffix) or stem
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in stem)[:64] or "recording"


def to_tracked_type(frames: FrameStack, path: Path) -> FrameStack:
    """Return frames of a type that can be tracked.

    Parameters
    ----------
    frames : FrameStack
        Of any type.
    path : Path
        Their file, named in messages.

    Returns
    -------
    FrameStack
        Integers of the same type, floats as float32, in the byte order of this machine.

    Raises
    ------
    RecordingError
        When the pixels are not real numbers.
    """
    if frames.dtype.kind not in "iuf":
        raise RecordingError(f"{path}: has pixels of {frames.dtype}; export it with integers or floats")
    kept = np.dtype(np.float32) if frames.dtype.kind == "f" else frames.dtype.newbyteorder("=")
    return convert_frames(frames, kept)


def convert_frames(frames: FrameStack, dtype: np.dtype[Any]) -> FrameStack:
    """Return frames of another type; what does not fit into a float32 becomes infinite."""
    if frames.dtype == dtype:
        return frames

    def of(image: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore"):
            return image != 0 if dtype == np.bool_ else image.astype(dtype)

    return _mapped(frames, of, (frames.shape[1], frames.shape[2]), dtype)


def reorient_frames(frames: FrameStack, turn: Reorientation) -> FrameStack:
    """Return frames in canonical orientation, each of them C-contiguous."""
    rows, cols = frames.shape[1:]
    size = (cols, rows) if turn.transposed else (rows, cols)
    return _mapped(frames, lambda image: np.ascontiguousarray(turn.apply(image)), size, frames.dtype)


def transpose_frames(frames: FrameStack) -> FrameStack:
    """Return frames with rows and columns exchanged."""
    size = frames.shape[2], frames.shape[1]
    return _mapped(frames, lambda image: np.ascontiguousarray(image.swapaxes(-1, -2)), size, frames.dtype)


def _mapped(frames: FrameStack, of: Any, size: tuple[int, int], dtype: np.dtype[Any]) -> FrameStack:
    if isinstance(frames, np.ndarray):
        mapped: NDArray[Any] = of(frames)
        return mapped
    return LazyFrames(lambda index: of(frames[index]), len(frames), size, dtype)


def _plane(stack: Stack, sidecar: Sidecar) -> tuple[Plane, tuple[str, ...]]:
    """Return the plane of the stored images, and a note where neither file has it."""
    if not sidecar.as_stored and (plane := sidecar.plane or stack.plane) is not None:
        return plane, ()
    note = (
        "no file has the orientation of the images; rows are assumed to run superior to inferior, columns anterior to "
        "posterior"
    )
    return Plane(), () if sidecar.as_stored else (note,)


def _times(stack: Stack, sidecar: Sidecar, count: int, path: Path) -> NDArray[np.float64]:
    if sidecar.times_s is not None or (stack.times_s is not None and sidecar.rate_hz is None):
        times_s = stack.times_s if sidecar.times_s is None else sidecar.times_s
        assert times_s is not None  # noqa: S101
        return times_from_first(count, times_s, path)
    if count == 1:
        return np.zeros(1)
    return even_times(count, merge_values(stack.rate_hz, sidecar.rate_hz, "rate_hz", path), path)


def _target(
    stack: Stack, turn: Reorientation, shape: tuple[int, int, int], path: Path
) -> tuple[NDArray[np.bool_] | None, FrameStack | None]:
    """Return the target on the first frame and on all, in canonical orientation."""
    first_mask = labels = None
    if stack.labels is not None:
        if stack.labels.shape != shape:
            raise RecordingError(f"{path}: has {shape} frames, rows and columns, its labels {stack.labels.shape}")
        labels = reorient_frames(convert_frames(stack.labels, np.dtype(np.bool_)), turn)
    if stack.target is not None:
        if stack.target.shape != shape[1:]:
            raise RecordingError(f"{path}: has {shape[1:]} rows and columns, its target {stack.target.shape}")
        first_mask = np.ascontiguousarray(turn.apply(stack.target != 0))
        if not first_mask.any():
            raise RecordingError(f"{path}: its target is empty; draw the target on the first frame")
    elif labels is not None and (first := np.asarray(labels[0])).any():
        first_mask = first
    return first_mask, labels


def is_same_place(one: Plane | None, other: Plane | None) -> bool:
    """Return whether two planes are the same within `SAME_PLACE_MM`; a plane that is not known is any plane."""
    if one is None or other is None:
        return True
    gaps = [
        np.abs(np.subtract(getattr(one, part), getattr(other, part))).max() * scale
        for part, scale in (("origin_mm", 1.0), ("row_step", 10.0), ("col_step", 10.0))
    ]
    return bool(max(gaps) <= SAME_PLACE_MM)
