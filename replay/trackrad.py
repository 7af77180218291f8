"""Run the tracker under the algorithm contract of TrackRAD2025: one case in, the target on every frame out.

The layout is that of the challenge's platform, https://trackrad2025.grand-challenge.org/: under the input
`images/mri-linacs/*.mha` (rows, columns, time), `images/mri-linac-target/*.mha` (the target on the first frame), either
also as `.tif` or `.tiff` (the same axes, or one page for each frame, which the size of the target tells apart),
`frame-rate.json`, `b-field-strength.json` and `scanned-region.json`; under the output
`images/mri-linac-series-targets/output.mha`.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config import TrackerConfig
from gatekeeper.core.clock import stopwatch_ns
from gatekeeper.core.errors import OutputError, RecordingError
from gatekeeper.tracking.tracker import Tracker
from replay.formats.metaimage import read_metaimage
from replay.formats.metaimage_writer import write_metaimage
from replay.formats.pixel_file import to_time_first
from replay.formats.tiff import read_tiff
from replay.formats.trackrad_files import FIELD_LIMITS_T, RATE_LIMITS_HZ, read_masks, read_number, read_region
from replay.formats.trackrad_predictions import OUTPUT
from replay.recording import Recording

SERIES = Path("images") / "mri-linacs"
TARGET = Path("images") / "mri-linac-target"
TIFF_ENDINGS = (".tif", ".tiff")
ENDINGS = (".mha", *TIFF_ENDINGS)
"""Endings of the images that the template of the challenge takes."""

OnProgress = Callable[[str, int, int], None]
"""Called with the name of the work, how much of it is done and how much there is."""


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """A case in the challenge's layout.

    Attributes
    ----------
    recording : Recording
        The case, without labels.
    series : Path
        The file of its images.
    spacing : tuple of float
        Spacing of the stored images along rows, columns (mm) and time.
    """

    recording: Recording
    series: Path
    spacing: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Result of a run.

    Attributes
    ----------
    output : str
        The file of masks.
    frames : int
        Number of frames.
    read_s, arm_s, track_s, write_s : float
        Times for reading the input, making the tracker from the first frame, tracking the others, and writing, in s.
    """

    output: str
    frames: int
    read_s: float
    arm_s: float
    track_s: float
    write_s: float

    def as_json(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(self).items()}

    def as_line(self) -> str:
        """Return the run as one line of text."""
        total_s = self.read_s + self.arm_s + self.track_s + self.write_s
        per_frame_ms = 1e3 * self.track_s / max(self.frames - 1, 1)
        return f"{self.output}: {self.frames} frames in {total_s:.2f} s, {per_frame_ms:.2f} ms to track each"


def run(input_dir: Path, output_dir: Path, on_progress: OnProgress) -> Run:
    """Track the target of one case, frame by frame, and write its masks.

    Parameters
    ----------
    input_dir : Path
        A case in the challenge's layout.
    output_dir : Path
        Folder for the masks; an older output there is replaced.
    on_progress : callable
        Called after every frame.

    Returns
    -------
    Run

    Raises
    ------
    RecordingError
        When a file of the input is missing, damaged or contradicts the others.
    TargetError
        When the target cannot be tracked.
    OutputError
        When the output cannot be written.
    """
    marks_ns = [stopwatch_ns()]
    case = open_input(input_dir)
    recording = case.recording
    marks_ns.append(stopwatch_ns())
    masks = np.empty(recording.frames.shape, dtype=np.uint8)
    for index, mask in enumerate(track_masks(recording)):
        if index == 0:
            marks_ns.append(stopwatch_ns())
        masks[index] = mask
        on_progress("tracking", index + 1, len(masks))
    marks_ns.append(stopwatch_ns())
    path = output_dir / OUTPUT
    _write(path, masks, case)
    marks_ns.append(stopwatch_ns())
    return Run(str(path), len(masks), *(1e-9 * np.diff(marks_ns)).tolist())


def open_input(input_dir: Path) -> Input:
    """Open a case in the challenge's layout.

    Parameters
    ----------
    input_dir : Path
        The folder of the case.

    Returns
    -------
    Input

    Raises
    ------
    RecordingError
        When a file is missing, damaged or contradicts the others.
    """
    try:
        return _read(input_dir)
    except OSError as error:
        raise RecordingError(
            f"{input_dir}: cannot be read ({error.strerror or error}); check the path and its permissions"
        ) from None


def track_masks(recording: Recording) -> Iterator[NDArray[np.bool_]]:
    """Yield the target on each frame as a mask (H, W), using only that frame and earlier ones.

    The first mask is the given one. On a frame with low tracking confidence the best estimate is used, and the last
    mask if the estimate is empty, so that a mask is never empty.

    Parameters
    ----------
    recording : Recording
        The case; its `first_mask` is required.

    Yields
    ------
    ndarray of bool, shape (H, W)
        The target on one frame.

    Raises
    ------
    TargetError
        When the target cannot be tracked.
    """
    frames, target = recording.frames, recording.first_mask
    assert target is not None  # noqa: S101  (open_input refuses a case without one)
    tracker = Tracker(frames[0], target, recording.spacing_mm, TrackerConfig().on(recording.plane))
    shape = (target.shape[0], target.shape[1])
    latest = target
    yield latest
    for index in range(1, len(frames)):
        mask = tracker.track(frames[index]).mask(shape)
        latest = mask if mask.any() else latest
        yield latest


def _read(input_dir: Path) -> Input:
    if not input_dir.is_dir():
        raise RecordingError(f"{input_dir}: no such folder; name the folder of a case in the challenge's layout")
    series, label = (_only_image(input_dir / subfolder) for subfolder in (SERIES, TARGET))
    rate_hz = read_number(input_dir / "frame-rate.json", *RATE_LIMITS_HZ, "frames per second")
    field_t = read_number(input_dir / "b-field-strength.json", *FIELD_LIMITS_T, "tesla")
    region = read_region(input_dir / "scanned-region.json")
    if region is None:
        raise RecordingError(f'{input_dir / "scanned-region.json"}: is missing; it must hold a word, such as "abdomen"')
    pixels, spacing = _read_tiff(series) if series.suffix in TIFF_ENDINGS else read_metaimage(series)
    if pixels.ndim != 3:
        raise RecordingError(f"{series}: has {pixels.ndim} axes; it must have rows, columns and time")
    if label.suffix in TIFF_ENDINGS:
        target = _read_tiff(label)[0].squeeze() != 0
    else:
        masks = read_masks(label, None if series.suffix in TIFF_ENDINGS else (*pixels.shape[:2], 1))
        target = None if masks is None else np.array(masks[0])
    if target is not None and pixels.shape[:2] != target.shape == pixels.shape[1:]:
        pixels = np.moveaxis(pixels, 0, -1)  # one page for each frame
    if target is not None and pixels.shape[:2] != target.shape:
        raise RecordingError(f"{label}: is {target.shape} pixels, its images {pixels.shape}; use this case's label")
    if target is None or not target.any():
        raise RecordingError(f"{label}: is empty; draw the target on the first frame")
    kept = np.dtype(np.float32) if pixels.dtype.kind == "f" else pixels.dtype.newbyteorder("=")
    recording = Recording(
        name=series.stem.removesuffix("_frames"),
        frames=to_time_first(pixels, kept),
        spacing_mm=(spacing[0], spacing[1]),
        times_s=np.arange(pixels.shape[2]) / rate_hz,
        first_mask=target,
        field_strength_t=field_t,
        region=region,
    )
    return Input(recording, series, spacing)


def _only_image(folder: Path) -> Path:
    """Return the only image in a folder of the input, under any name."""
    found = sorted(file for ending in ENDINGS for file in folder.glob(f"*{ending}"))
    if len(found) != 1:
        named = ", ".join(f"*{ending}" for ending in ENDINGS)
        raise RecordingError(f"{folder}: holds {len(found)} files {named}, not one; put the one of this case there")
    return found[0]


def _read_tiff(path: Path) -> tuple[NDArray[np.generic], tuple[float, ...]]:
    """Read the images of a TIFF as SimpleITK does, which the template of the challenge uses: pages first, 1 mm."""
    pixels: NDArray[np.generic] = np.asarray(read_tiff(path, None, False).frames)
    return pixels, (1.0, 1.0, 1.0)


def _write(path: Path, masks: NDArray[np.uint8], case: Input) -> None:
    """Write masks (T, H, W) with the axes and the position of the images."""
    part = path.with_name(".unfinished.mha")
    like = None if case.series.suffix in TIFF_ENDINGS else case.series
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_metaimage(part, np.moveaxis(masks, 0, -1), case.spacing, like=like)
        part.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); free some space or name another folder"
        ) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
