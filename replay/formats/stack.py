"""A stack of images as a file tells of it, and the way from there to a recording in canonical orientation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import FrameStack, Plane
from gatekeeper.core.orientation import Reorientation, reorientation
from replay.formats.sidecar import Side, either, even_times, times_of
from replay.recording import LazyFrames, Recording

SAME_PLACE_MM = 0.01
"""Images and an outline on them may lie so far apart by their headers."""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Images as they are stored, and what their file tells of them.

    Attributes
    ----------
    frames : FrameStack, shape (T, H, W)
        Pixels; of any type that a file can hold.
    spacing_mm : tuple of float or None
        Distance of pixel centres along stored rows and columns, in mm.
    plane : Plane or None
        Where the stored images lie.
    rate_hz : float or None
        Frames per second, where they come evenly.
    times_s : ndarray of float64, shape (T,), or None
        Time of each frame, where they do not.
    time_axis : "first", "last" or None
        Which axis was taken for time, as the file's header counts them.
    target, labels : ndarray or FrameStack, or None
        The target on the first frame (H, W) and on all, as stored; not 0 inside.
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


def recording_of(stack: Stack, side: Side, path: Path) -> Recording:
    """Return the recording that a stack and its side file make together.

    Parameters
    ----------
    stack : Stack
        The images, and the target where it is known.
    side : Side
        What is told beside them.
    path : Path
        Their file, which names the case unless something else does.

    Raises
    ------
    RecordingError
        When spacing or rate is not told, or told twice and not the same, or something does not fit together.
    GeometryError
        When the images are not sagittal.
    """
    frames = as_pixels(stack.frames, path)
    count, rows, cols = frames.shape
    if not count or not rows or not cols:
        raise RecordingError(f"{path}: holds {count} frames of {rows} x {cols} pixels; it must hold one at least")
    spacing_mm = either(stack.spacing_mm, side.spacing_mm, "spacing_mm", path)
    if spacing_mm is None:
        raise RecordingError(
            f"{path}: does not tell how large its pixels are; write spacing_mm = [row, column] into {path.name}.toml"
        )
    plane, notes = _plane(stack, side)
    turn = reorientation(plane, spacing_mm, (rows, cols), str(path))
    first_mask, labels = _target(stack, turn, (count, rows, cols), path)
    return Recording(
        name=side.name or stack.name or name_of(path),
        frames=turned(frames, turn),
        spacing_mm=turn.spacing_mm,
        times_s=_times(stack, side, count, path),
        first_mask=first_mask,
        labels=labels,
        plane=turn.plane,
        field_strength_t=side.field_strength_t or stack.field_strength_t,
        region=side.region or stack.region,
        notes=(*stack.notes, *notes),
    )


def name_of(path: Path) -> str:
    """Return what a recording is called after its file: the name without endings, of letters that a case may have."""
    stem = path.resolve().name
    stem = stem.removesuffix(".gz")
    stem = stem.removesuffix(Path(stem).suffix) or stem
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in stem)[:64] or "recording"


def as_pixels(frames: FrameStack, path: Path) -> FrameStack:
    """Return frames of a type that is tracked: integers as they are, fractions in float32, in this machine's order.

    Raises
    ------
    RecordingError
        When the pixels are no real numbers.
    """
    if frames.dtype.kind not in "iuf":
        raise RecordingError(f"{path}: has pixels of {frames.dtype}; export it with integers or floats")
    kept = np.dtype(np.float32) if frames.dtype.kind == "f" else frames.dtype.newbyteorder("=")
    return converted(frames, kept)


def converted(frames: FrameStack, dtype: np.dtype[Any]) -> FrameStack:
    """Return frames in another type; what does not fit into a float32 is infinite there."""
    if frames.dtype == dtype:
        return frames

    def of(image: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore"):
            return image != 0 if dtype == np.bool_ else image.astype(dtype)

    return _mapped(frames, of, (frames.shape[1], frames.shape[2]), dtype)


def turned(frames: FrameStack, turn: Reorientation) -> FrameStack:
    """Return frames in canonical orientation, each C-contiguous."""
    rows, cols = frames.shape[1:]
    size = (cols, rows) if turn.transposed else (rows, cols)
    return _mapped(frames, lambda image: np.ascontiguousarray(turn.apply(image)), size, frames.dtype)


def transposed(frames: FrameStack) -> FrameStack:
    """Return frames with rows and columns exchanged."""
    size = frames.shape[2], frames.shape[1]
    return _mapped(frames, lambda image: np.ascontiguousarray(image.swapaxes(-1, -2)), size, frames.dtype)


def _mapped(frames: FrameStack, of: Any, size: tuple[int, int], dtype: np.dtype[Any]) -> FrameStack:
    if isinstance(frames, np.ndarray):
        mapped: NDArray[Any] = of(frames)
        return mapped
    return LazyFrames(lambda index: of(frames[index]), len(frames), size, dtype)


def _plane(stack: Stack, side: Side) -> tuple[Plane, tuple[str, ...]]:
    """Return where the stored images lie, and a note where nothing tells it."""
    if not side.as_stored and (told := side.plane or stack.plane) is not None:
        return told, ()
    note = "nothing tells how the images lie; rows are taken to run superior to inferior, columns anterior to posterior"
    return Plane(), () if side.as_stored else (note,)


def _times(stack: Stack, side: Side, count: int, path: Path) -> NDArray[np.float64]:
    if side.times_s is not None or (stack.times_s is not None and side.rate_hz is None):
        told = stack.times_s if side.times_s is None else side.times_s
        assert told is not None  # noqa: S101
        return times_of(count, told, path)
    if count == 1:
        return np.zeros(1)
    return even_times(count, either(stack.rate_hz, side.rate_hz, "rate_hz", path), path)


def _target(
    stack: Stack, turn: Reorientation, shape: tuple[int, int, int], path: Path
) -> tuple[NDArray[np.bool_] | None, FrameStack | None]:
    """Return the target on the first frame and on all, in canonical orientation."""
    first_mask = labels = None
    if stack.labels is not None:
        if stack.labels.shape != shape:
            raise RecordingError(f"{path}: has {shape} frames, rows and columns, its labels {stack.labels.shape}")
        labels = turned(converted(stack.labels, np.dtype(np.bool_)), turn)
    if stack.target is not None:
        if stack.target.shape != shape[1:]:
            raise RecordingError(f"{path}: has {shape[1:]} rows and columns, its target {stack.target.shape}")
        first_mask = np.ascontiguousarray(turn.apply(stack.target != 0))
        if not first_mask.any():
            raise RecordingError(f"{path}: its target is empty; draw the target on the first frame")
    elif labels is not None and (first := np.asarray(labels[0])).any():
        first_mask = first
    return first_mask, labels


def same_place(one: Plane | None, other: Plane | None) -> bool:
    """Return whether two planes are the same, as far as both are told."""
    if one is None or other is None:
        return True
    gaps = [
        np.abs(np.subtract(getattr(one, part), getattr(other, part))).max() * scale
        for part, scale in (("origin_mm", 1.0), ("row_step", 10.0), ("col_step", 10.0))
    ]
    return bool(max(gaps) <= SAME_PLACE_MM)
