"""A stack of images as stored in a file, and its conversion to a recording in canonical orientation."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.axes import ORIENTATIONS, SAGITTAL, orientation_of, turned_deg
from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import FrameStack, Plane
from gatekeeper.core.orientation import Reorientation, reorientation
from replay.formats.bids import read_bids
from replay.formats.sidecar import Sidecar, even_times, prefer_told, times_from_first
from replay.recording import LazyFrames, RecordedStructure, Recording
from replay.vendor_trace import VendorTrace

SAME_PLACE_MM = 0.01
"""Largest distance between the planes of images and of a mask on them, in mm."""
UNTOLD_HZ = 1.0
"""Frames per second in the header of a file whose writer knew no rate."""
SAME_RATE = 0.01
"""Rates that differ by a smaller fraction are the same."""
OBLIQUE_DEG = 5.0
"""A plane that is turned from its orientation by this angle, in degrees, is noted as oblique."""
SAME_TIME_S = 1e-3
"""Times that differ by less are the same."""


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
    latency_s, vendor, target_name
        As in a recording.
    structures : tuple of RecordedStructure
        As in a recording, as stored.
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
    latency_s: NDArray[np.float64] | None = None
    vendor: VendorTrace | None = None
    target_name: str | None = None
    structures: tuple[RecordedStructure, ...] = ()


def make_recording(stack: Stack, sidecar: Sidecar, path: Path) -> Recording:
    """Make a recording of a stack and its sidecar file.

    Parameters
    ----------
    stack : Stack
        The images, and the target where it is known.
    sidecar : Sidecar
        What the user tells; it replaces what the images say, with a note.
    path : Path
        The file of the images; the case has its name unless another is given.

    Returns
    -------
    Recording
        In canonical orientation.

    Raises
    ------
    RecordingError
        When spacing or rate is missing, or sizes do not match.
    GeometryError
        When the directions of the images span no plane.
    """
    frames = to_tracked_type(stack.frames, path)
    count, rows, cols = frames.shape
    if not count or not rows or not cols:
        raise RecordingError(f"{path}: holds {count} frames of {rows} x {cols} pixels; it must hold one at least")
    stack, notes = _with_bids(stack, path)
    spacing_mm = prefer_told(stack.spacing_mm, sidecar.spacing_mm, "spacing_mm", notes)
    if spacing_mm is None:
        raise RecordingError(
            f"{path}: has no size of its pixels; write spacing_mm = [row, column] into {path.name}.toml, or give "
            "--spacing-mm"
        )
    plane = _plane(stack, sidecar, notes)
    turn = reorientation(plane, spacing_mm, (rows, cols), str(path))
    orientation, angle_deg = orientation_of(turn.plane), turned_deg(turn.plane)
    if sidecar.orientation not in (None, orientation.name):
        raise RecordingError(
            f"{path}: is {orientation.name}, and {sidecar.orientation} is wanted; choose another plane"
        )
    if angle_deg >= OBLIQUE_DEG:
        notes.append(
            f"the plane is oblique, turned by {angle_deg:.1f} degrees; it counts as {orientation.name}, with "
            f"{' and '.join(orientation.names)} for its rows and columns"
        )
    shape = (count, rows, cols)
    first_mask, labels = _target(stack.target, stack.labels, turn, shape, path)
    structures = [(one, *_target(one.first_mask, one.labels, turn, shape, path, one.name)) for one in stack.structures]
    return Recording(
        name=sidecar.name or stack.name or recording_name(path),
        frames=reorient_frames(frames, turn),
        spacing_mm=turn.spacing_mm,
        times_s=_times(stack, sidecar, count, path, notes),
        first_mask=first_mask,
        labels=labels,
        plane=turn.plane,
        field_strength_t=prefer_told(stack.field_strength_t, sidecar.field_strength_t, "field_strength_t", notes),
        region=sidecar.region or stack.region,
        notes=(*stack.notes, *notes),
        latency_s=stack.latency_s,
        vendor=stack.vendor,
        target_name=stack.target_name,
        structures=tuple(replace(one, first_mask=mask, labels=drawn) for one, mask, drawn in structures),
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


def pick_value(labels: FrameStack, value: int) -> FrameStack:
    """Return the masks of one value in labels of several structures."""
    return _mapped(labels, lambda image: image == value, (labels.shape[1], labels.shape[2]), np.dtype(np.bool_))


def choose_structure(stack: Stack, name: str, path: Path) -> Stack:
    """Return a stack with one of its structures as the target.

    Parameters
    ----------
    stack : Stack
        The stack.
    name : str
        Name of the structure.
    path : Path
        Its file, named in messages.

    Raises
    ------
    RecordingError
        When there is no structure of the name, or none that can be used.
    """
    target = () if stack.target_name is None else (RecordedStructure(stack.target_name, stack.target, stack.labels),)
    whole = *target, *stack.structures
    chosen = [one for one in whole if one.name == name]
    if not chosen:
        listed = ", ".join(f"'{one.name}'" for one in whole) or "none"
        raise RecordingError(f"{path}: has no structure '{name:.64}'; it has {listed:.200}")
    if len(chosen) > 1:
        raise RecordingError(
            f"{path}: has {len(chosen)} structures of the name '{name:.64}'; export it with different names"
        )
    (one,) = chosen
    if one.why:
        raise RecordingError(f"{path}: '{name:.64}' {one.why}")
    others = tuple(other for other in whole if other is not one)
    return replace(stack, target=one.first_mask, labels=one.labels, target_name=name, structures=others)


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


def _with_bids(stack: Stack, path: Path) -> tuple[Stack, list[str]]:
    """Return a stack with what it lacks and a BIDS file beside it has, and notes on where that was found."""
    bids = read_bids(path)
    if bids is None:
        return stack, []
    notes = list(bids.notes)
    if stack.field_strength_t is None:
        stack = replace(stack, field_strength_t=bids.field_strength_t)
    if stack.times_s is not None:
        return stack, notes
    is_told = stack.rate_hz is not None and stack.rate_hz != UNTOLD_HZ
    if not is_told and bids.times_s is not None and len(bids.times_s) == len(stack.frames):
        return replace(stack, times_s=np.array(bids.times_s)), [*notes, f"times are those of {bids.file}"]
    if bids.period_s is None or (stack.rate_hz is not None and abs(stack.rate_hz * bids.period_s - 1.0) < SAME_RATE):
        return stack, notes
    taken = "the header counts" if is_told else "that counts"
    if stack.rate_hz is not None or not is_told:
        notes.append(f"RepetitionTime in {bids.file} is {bids.period_s:g} s from frame to frame; {taken}")
    return stack if is_told else replace(stack, rate_hz=1.0 / bids.period_s), notes


def _plane(stack: Stack, sidecar: Sidecar, notes: list[str]) -> Plane:
    """Return the plane of the stored images; note where none is known, or the images say another."""
    rows, cols = (SAGITTAL if sidecar.orientation is None else ORIENTATIONS[sidecar.orientation]).axes
    canonical = Plane(row_step=rows.step, col_step=cols.step)
    told = canonical if sidecar.as_stored else sidecar.plane
    if told is not None and stack.plane is not None and not is_same_place(told, stack.plane):
        notes.append("the orientation in the images is not used, as you tell another")
    plane = stack.plane if told is None else told
    if plane is None and sidecar.orientation is None:
        notes.append(
            "no file has the orientation of the images; rows are assumed to run superior to inferior, columns anterior "
            "to posterior"
        )
    return plane or canonical


def _times(stack: Stack, sidecar: Sidecar, count: int, path: Path, notes: list[str]) -> NDArray[np.float64]:
    if count == 1 and sidecar.times_s is None:
        return np.zeros(1)
    stored = None
    if stack.times_s is not None and (sidecar.times_s is None and sidecar.rate_hz is None):
        return times_from_first(count, stack.times_s, path)
    if sidecar.times_s is not None:
        told = times_from_first(count, sidecar.times_s, path)
        stored = stack.times_s if stack.rate_hz is None else np.arange(count) / stack.rate_hz
    else:
        told = even_times(count, prefer_told(stack.rate_hz, sidecar.rate_hz, "rate_hz", notes), path)
        stored = stack.times_s
    if stored is not None and len(stored) == count and not np.abs(stored - stored[0] - told).max() <= SAME_TIME_S:
        rates_hz = [(count - 1) / (times[-1] - times[0]) if times[-1] > times[0] else 0.0 for times in (told, stored)]
        notes.append(
            f"times of the frames are as you tell, {rates_hz[0]:.6g} per second, and not as the images say, "
            f"{rates_hz[1]:.6g}"
        )
    return told


def _target(
    target: NDArray[Any] | None,
    stored: FrameStack | None,
    turn: Reorientation,
    shape: tuple[int, int, int],
    path: Path,
    called: str = "target",
) -> tuple[NDArray[np.bool_] | None, FrameStack | None]:
    """Return the target, or another structure, on the first frame and on all, in canonical orientation."""
    first_mask = labels = None
    if stored is not None:
        if stored.shape != shape:
            raise RecordingError(f"{path}: has {shape} frames, rows and columns, its labels {stored.shape}")
        labels = reorient_frames(convert_frames(stored, np.dtype(np.bool_)), turn)
    if target is not None:
        if target.shape != shape[1:]:
            raise RecordingError(f"{path}: has {shape[1:]} rows and columns, its {called} {target.shape}")
        first_mask = np.ascontiguousarray(turn.apply(target != 0))
        if not first_mask.any():
            raise RecordingError(f"{path}: its {called} is empty; draw the target on the first frame")
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
