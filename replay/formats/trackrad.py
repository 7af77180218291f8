"""Cases in the layout of the TrackRAD2025 challenge: read into a Recording, and written from one.

A case is a folder with `images/<case>_frames.mha`, `targets/<case>_first_label.mha`, `targets/<case>_labels.mha`,
`frame-rate.json`, `b-field-strength.json` or `field-strength.json`, and `scanned-region.json`. Images and frame
rate must be there; the rest may be missing. The pixel arrays have the axes (rows, columns, time), with time the
fastest in memory. The layout is described at https://trackrad2025.grand-challenge.org/data/.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gatekeeper.errors import OutputError, RecordingError
from replay.formats.metaimage import read_metaimage, write_metaimage
from replay.recording import Recording
from replay.write import whole_folder

_IMAGES = "_frames.mha"
_FIELD_STRENGTH_FILES = ("b-field-strength.json", "field-strength.json")
_RATE_LIMITS_HZ = (0.01, 1000.0)
_MAX_TIME_ERROR_S = 1e-6

Scalar = TypeVar("Scalar", bound=np.generic)


def open_case(path: Path) -> Recording:
    """Return the case in the folder `path`; its name is the folder's.

    Parameters
    ----------
    path : Path
        Folder of the case.

    Returns
    -------
    Recording
        Frames in the type they are stored in, except that float64 becomes float32. Without a first label, the
        first mask is the label of frame 0 unless that is empty.

    Raises
    ------
    RecordingError
        When the folder holds no such case, or a file of it is cut short, damaged or contradicts the others.
    """
    try:
        return _read_case(path.resolve())
    except OSError as error:
        raise RecordingError(
            f"{path}: cannot be read ({error.strerror or error}); check the path and its permissions"
        ) from None


def write_case(recording: Recording, out_dir: Path, extra_files: Mapping[str, str] | None = None) -> Path:
    """Write `recording` as a case that :func:`open_case` reads back exactly; whole or not at all.

    Parameters
    ----------
    recording : Recording
        Its times must be those of one frame rate, since that is all that a case keeps.
    out_dir : Path
        Becomes the folder of the case; new or empty. Give it the recording's name to keep that.
    extra_files : mapping of str to str
        More text files to put into the folder, by name.

    Returns
    -------
    Path
        The folder of the case.

    Raises
    ------
    OutputError
        When the folder exists and is not empty, cannot be written, or a case cannot hold the recording.
    """
    name = recording.name
    if not name or Path(name).name != name:
        raise OutputError(f"recording '{name}': its name cannot be part of a file name; rename it")
    scalars: dict[str, object] = {
        "frame-rate.json": _rate_hz(recording),
        "b-field-strength.json": recording.field_strength_t,
        "scanned-region.json": recording.region,
    }
    masks = {
        f"{name}_first_label.mha": None if recording.first_mask is None else recording.first_mask[None],
        f"{name}_labels.mha": recording.labels,
    }
    spacing = (*recording.spacing_mm, 1.0)
    with whole_folder(out_dir) as folder:
        (folder / "images").mkdir()
        (folder / "targets").mkdir()
        write_metaimage(folder / "images" / f"{name}{_IMAGES}", np.moveaxis(recording.frames, 0, -1), spacing)
        for file_name, mask in masks.items():
            if mask is not None:
                write_metaimage(folder / "targets" / file_name, np.moveaxis(mask, 0, -1).astype(np.uint8), spacing)
        for file_name, value in scalars.items():
            if value is not None:
                (folder / file_name).write_text(json.dumps(value), encoding="utf-8")
        for file_name, text in (extra_files or {}).items():
            (folder / file_name).write_text(text, encoding="utf-8")
    return out_dir


def _read_case(path: Path) -> Recording:
    images = _images_file(path)
    rate_hz = _number(path / "frame-rate.json", *_RATE_LIMITS_HZ, "frames per second")
    stem = images.name.removesuffix(_IMAGES)
    pixels, spacing = read_metaimage(images)
    if pixels.ndim != 3:
        raise RecordingError(f"{images}: has {pixels.ndim} axes; it must have rows, columns and time")
    labels = _labels(path / "targets" / f"{stem}_labels.mha", pixels.shape)
    first_label = path / "targets" / f"{stem}_first_label.mha"
    first_mask = _labels(first_label, (*pixels.shape[:2], 1))
    if first_mask is not None and not first_mask.any():
        raise RecordingError(f"{first_label}: is empty; draw the target on the first frame")
    if first_mask is None and labels is not None and labels[0].any():
        first_mask = labels[:1]
    kept = np.dtype(np.float32) if pixels.dtype.kind == "f" else pixels.dtype.newbyteorder("=")
    return Recording(
        name=path.name,
        frames=_time_first(pixels, kept),
        spacing_mm=(spacing[0], spacing[1]),
        times_s=np.arange(pixels.shape[2]) / rate_hz,
        first_mask=None if first_mask is None else first_mask[0].copy(),
        labels=labels,
        field_strength_t=_field_strength_t(path),
        region=_region(path / "scanned-region.json"),
    )


def _images_file(path: Path) -> Path:
    """Return the frames of the case: those of the folder's name, or the only ones there."""
    if not path.is_dir():
        raise RecordingError(f"{path}: no such folder; name the folder of a case")
    named = path / "images" / f"{path.name}{_IMAGES}"
    found = [named] if named.is_file() else sorted((path / "images").glob(f"*{_IMAGES}"))
    if len(found) != 1:
        raise RecordingError(
            f"{path}: holds {len(found)} files images/*{_IMAGES}, not one; name the folder of a TrackRAD case"
        )
    return found[0]


def _labels(path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """Return the masks (T, H, W) of a label file if there is one; `shape` is (H, W, T) of the frames it is for."""
    if not path.exists():
        return None
    pixels, _ = read_metaimage(path)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape != shape:
        raise RecordingError(
            f"{path}: is {pixels.shape} rows, columns and frames, not {shape} as its images; use this case's label"
        )
    return _time_first(pixels, np.dtype(np.bool_))


def _time_first(pixels: NDArray[np.generic], dtype: np.dtype[Scalar]) -> NDArray[Scalar]:
    """Copy (H, W, T) to (T, H, W), row by row: a row of all frames fits a cache, which makes it twice as fast."""
    rows, cols, frames = pixels.shape
    out = np.empty((frames, rows, cols), dtype)
    with np.errstate(over="ignore"):
        for row in range(rows):
            out[:, row] = pixels[row].T
    return out


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        why = "is missing"
    except OSError as error:
        why = f"cannot be read ({error.strerror or error})"
    except (ValueError, RecursionError):
        why = "is not JSON"
    raise RecordingError(f"{path}: {why}; it must hold one JSON value, for example 4.0")


def _number(path: Path, low: float, high: float, unit: str) -> float:
    value = _json(path)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise RecordingError(f"{path}: holds {value!r:.40}; it must be one number from {low:g} to {high:g} {unit}")
    return float(value)


def _field_strength_t(path: Path) -> float | None:
    found = next((path / name for name in _FIELD_STRENGTH_FILES if (path / name).exists()), None)
    return None if found is None else _number(found, 0.001, 100.0, "tesla")


def _region(path: Path) -> str | None:
    if not path.exists():
        return None
    value = _json(path)
    if not isinstance(value, str):
        raise RecordingError(f'{path}: holds {value!r:.40}; it must be one word in quotes, for example "abdomen"')
    return value


def _rate_hz(recording: Recording) -> float:
    """Return the frame rate that gives the times of `recording`, as short a number as gives them best."""
    times_s = recording.times_s
    if len(times_s) < 2:
        return 1.0

    def error_s(rate_hz: float) -> float:
        return float(np.abs(np.arange(len(times_s)) / rate_hz - times_s).max())

    exact_hz = float((len(times_s) - 1) / times_s[-1]) if times_s[-1] > 0.0 else 0.0
    low_hz, high_hz = _RATE_LIMITS_HZ
    if not low_hz <= exact_hz <= high_hz:
        raise OutputError(
            f"recording '{recording.name}': has {exact_hz:g} frames per second; "
            f"a case has {low_hz:g} to {high_hz:g}, mend the times"
        )
    neighbours_hz: list[float] = np.nextafter(exact_hz, (0.0, np.inf)).tolist()
    rate_hz = min(float(f"{exact_hz:.12g}"), exact_hz, *neighbours_hz, key=error_s)
    if not error_s(rate_hz) <= _MAX_TIME_ERROR_S:
        raise OutputError(
            f"recording '{recording.name}': frames are up to {error_s(rate_hz):.2g} s off an even rate, "
            f"the limit of a case is {_MAX_TIME_ERROR_S:g} s; resample it to an even rate"
        )
    return rate_hz
