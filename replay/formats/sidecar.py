"""What a user tells about images: by the command line, or by a sidecar file, a small TOML or JSON file beside them.

It completes what the images lack and replaces what they have. A JSON file without keys of ours is no sidecar file: many
programs write one of their own beside an image, with names of people in it. No message shows its values.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gatekeeper.config import StrictModel, build
from gatekeeper.core.errors import ConfigError, RecordingError
from gatekeeper.core.frame import Plane
from replay.formats.format import Choices

RATE_LIMITS_HZ = (0.01, 1000.0)
_LONGEST_BYTES = 2**24
_ENDINGS = (".toml", ".json")
_COMMON_WORDS = ("name", "region", "target", "labels")
"""Keys that files of others have, too."""
_KEY = re.compile(r"[a-z_]{1,32}")

Value = TypeVar("Value")
Millimetres = Annotated[float, Field(gt=0.0, le=100.0)]
Pair = tuple[Millimetres, Millimetres]
Triple = tuple[float, float, float]


class Sidecar(StrictModel):
    """Values of a sidecar file. Each may be missing where the file of the images has it."""

    name: str | None = Field(default=None, min_length=1, max_length=64, pattern=r"^[\w .+-]+$")
    """Name of the case, by default that of the images' file. Not a person's name."""
    spacing_mm: Pair | None = None
    """Distance of pixel centres along stored rows and columns, in mm."""
    rate_hz: float | None = Field(default=None, ge=RATE_LIMITS_HZ[0], le=RATE_LIMITS_HZ[1])
    """Frames per second, of a constant rate."""
    times_s: tuple[float, ...] | None = None
    """Time of acquisition of each frame in seconds, where the rate is not constant."""
    time_axis: Literal["first", "last"] | None = None
    """Axis of the stored images that is time, counted as in their header."""
    as_stored: bool = False
    """Whether rows run superior to inferior and columns anterior to posterior as stored, whatever the header says; with
    an orientation, the axes of that one."""
    orientation: Literal["sagittal", "coronal", "axial"] | None = None
    """Orientation of the images. Where they do not tell their plane, stored rows and columns run as those of canonical
    images: coronal superior to inferior and right to left, axial anterior to posterior and right to left."""
    origin_mm: Triple | None = None
    """Centre of the first stored pixel (DICOM LPS), in mm."""
    row_step: Triple | None = None
    """Direction in which the row index of the stored images increases, a unit vector (DICOM LPS)."""
    col_step: Triple | None = None
    """Direction in which the column index increases, a unit vector (DICOM LPS)."""
    target: str | None = None
    """Mask of the target on the first frame: an image file beside this one, of the size of a stored frame."""
    labels: str | None = None
    """Masks of the target on all frames: an image file beside this one."""
    field_strength_t: float | None = Field(default=None, ge=0.001, le=100.0)
    """Field strength of the scanner in tesla."""
    region: str | None = Field(default=None, max_length=64)
    """Scanned region, for example "abdomen"."""

    @property
    def plane(self) -> Plane | None:
        """Plane of the stored images; None when it is not given."""
        if self.row_step is None or self.col_step is None:
            return None
        return Plane(self.origin_mm or (0.0, 0.0, 0.0), self.row_step, self.col_step)


def files_beside(path: Path) -> Iterator[Path]:
    """Yield the files that may be the sidecar file of images.

    These are `<file>.toml`, `<file>.json`, `<stem>.toml` and `<stem>.json`.

    Parameters
    ----------
    path : Path
        The images.

    Yields
    ------
    Path
        A file that exists.
    """
    path = path.resolve() if not path.name else path
    stem = path.name.removesuffix(".gz")
    stem = stem[: -len(Path(stem).suffix)] if Path(stem).suffix else stem
    for name in [path.name + ending for ending in _ENDINGS] + [stem + ending for ending in _ENDINGS]:
        if (file := path.with_name(name)) != path and file.is_file():
            yield file


def read_table(file: Path) -> dict[str, Any] | None:
    """Read the values of a TOML or JSON file beside images.

    Parameters
    ----------
    file : Path
        The file.

    Returns
    -------
    dict or None
        None when the file is JSON without a table.

    Raises
    ------
    RecordingError
        When the file is too long, or cannot be read.
    """
    try:
        if file.stat().st_size > _LONGEST_BYTES:
            raise RecordingError(
                f"{file}: has more than {_LONGEST_BYTES} bytes, which is too long for a sidecar file; rename it"
            )
        text = file.read_text(encoding="utf-8")
        values: Any = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        where = re.search(r"line \d+ ?,? ?column \d+", str(error))
        why = error.strerror if isinstance(error, OSError) else where[0] if where else type(error).__name__
        raise RecordingError(f"{file}: cannot be read as {file.suffix[1:].upper()} ({why}); correct it") from None
    return values if isinstance(values, dict) else None


def is_sidecar(file: Path, values: dict[str, Any] | None) -> bool:
    """Return whether a file beside images is a sidecar file, and not the JSON file of another program."""
    if file.suffix == ".toml":
        return True
    keys = set(values or ())
    ours = keys & set(Sidecar.model_fields)
    return bool(ours) and (ours == keys or not ours <= set(_COMMON_WORDS))


def read_sidecar(path: Path, choices: Choices) -> Sidecar:
    """Return what the user tells about images: the values of the command line and those of the sidecar file.

    Parameters
    ----------
    path : Path
        The images.
    choices : Choices
        The values of the command line; they replace those of the file.

    Returns
    -------
    Sidecar
        Without any values where the user tells none.

    Raises
    ------
    RecordingError
        When the file cannot be read, or a value is not valid.
    """
    found = [(file, values or {}) for file in files_beside(path) if is_sidecar(file, values := _table_of_ours(file))]
    for file, values in found[1:]:
        if values != found[0][1]:
            raise RecordingError(f"{path}: has two sidecar files, {found[0][0].name} and {file.name}; keep one of them")
    return told_values(choices, _checked(*found[0]) if found else Sidecar())


def _table_of_ours(file: Path) -> dict[str, Any] | None:
    """Return the values of a file beside images; None for JSON that cannot be read and has no key of ours."""
    try:
        return read_table(file)
    except RecordingError:
        if file.suffix == ".json" and not _names_own_key(file):
            return None
        raise


def _names_own_key(file: Path) -> bool:
    """Return whether the text of a file has a key that only sidecar files have."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_LONGEST_BYTES)
    except OSError:
        return False
    return any(f'"{key}"'.encode() in text for key in set(Sidecar.model_fields) - set(_COMMON_WORDS))


def told_values(choices: Choices, sidecar: Sidecar) -> Sidecar:
    """Return the values of the command line, and those of a sidecar file that it does not have."""
    if choices.as_stored:
        sidecar = sidecar.model_copy(update={"as_stored": True})
    if choices.rate_hz is not None:
        sidecar = sidecar.model_copy(update={"rate_hz": choices.rate_hz, "times_s": None})
    if choices.spacing_mm is not None:
        sidecar = sidecar.model_copy(update={"spacing_mm": choices.spacing_mm})
    if choices.plane is not None:
        plane = choices.plane
        told = {"origin_mm": plane.origin_mm, "row_step": plane.row_step, "col_step": plane.col_step}
        sidecar = sidecar.model_copy(update={**told, "as_stored": choices.as_stored})
    if choices.orientation is not None:
        sidecar = sidecar.model_copy(update={"orientation": choices.orientation})
    return sidecar


def _checked(file: Path, values: dict[str, Any]) -> Sidecar:
    """Return the values of a sidecar file; raise RecordingError when one is unknown or not valid."""
    if unknown := set(values) - set(Sidecar.model_fields):
        named = ", ".join(sorted(filter(_KEY.fullmatch, unknown)))
        raise RecordingError(
            f"{file}: has {len(unknown)} keys that a sidecar file does not have"
            f"{f' ({named:.60})' if named else ''}; see docs/reference/recording-formats.md"
        )
    try:
        sidecar = build(Sidecar, {key: _tupled(key, value) for key, value in values.items()}, str(file), quoted=False)
    except ConfigError as error:
        raise RecordingError(f"{error!s:.400}") from None
    except RecursionError:
        raise RecordingError(f"{file}: is nested too deeply; correct it") from None
    if (sidecar.row_step is None) is not (sidecar.col_step is None) or (sidecar.origin_mm and sidecar.row_step is None):
        raise RecordingError(
            f"{file}: a plane needs both row_step and col_step, and origin_mm needs them; add what is missing"
        )
    if sidecar.rate_hz is not None and sidecar.times_s is not None:
        raise RecordingError(f"{file}: has both rate_hz and times_s; leave one of them out")
    return sidecar


def prefer_told(stored: Value | None, told: Value | None, what: str, notes: list[str]) -> Value | None:
    """Return the value that the user tells, else that of the images.

    Parameters
    ----------
    stored, told : float or tuple of float, or None
        Value in the file of the images, and as the user tells it; None where it is missing.
    what : str
        Name of the value in the note.
    notes : list of str
        Gets a note when both have a value and the two differ by more than 1e-6.

    Returns
    -------
    float or tuple of float, or None
        The value.
    """
    if stored is not None and told is not None and not np.allclose(stored, told, rtol=1e-6, atol=0.0):  # type: ignore[arg-type]
        notes.append(f"{what} is {_listed(told)} as you tell, and not {_listed(stored)} as the images say")
    return stored if told is None else told


def _listed(value: Any) -> str:
    return " x ".join(f"{part:.6g}" for part in np.atleast_1d(value))


def times_from_first(count: int, times_s: NDArray[np.float64] | tuple[float, ...], path: Path) -> NDArray[np.float64]:
    """Return the times of frames relative to the first.

    Parameters
    ----------
    count : int
        Number of frames.
    times_s : ndarray of float64 or tuple of float
        Time of each frame, in s.
    path : Path
        The images, named in messages.

    Returns
    -------
    ndarray of float64, shape (count,)
        In s, beginning with 0.

    Raises
    ------
    RecordingError
        When there are fewer or more times than frames, or they are not finite or not increasing.
    """
    times: NDArray[np.float64] = np.asarray(times_s, np.float64)
    if times.shape != (count,):
        raise RecordingError(f"{path}: has {count} frames and {times.size} times; there must be one for each")
    wrong = np.flatnonzero(~np.isfinite(times) | ~(np.diff(times, prepend=-np.inf) > 0.0))
    if wrong.size:
        raise RecordingError(
            f"{path}: the time of frame {wrong[0]} is {times[wrong[0]]} s and not after the one before"
        )
    from_first: NDArray[np.float64] = times - times[0]
    return from_first


def even_times(count: int, rate_hz: float | None, path: Path) -> NDArray[np.float64]:
    """Return the times of frames at a constant rate.

    Parameters
    ----------
    count : int
        Number of frames.
    rate_hz : float or None
        Frames per second; None where no file has it.
    path : Path
        The images, named in messages.

    Returns
    -------
    ndarray of float64, shape (count,)
        In s, beginning with 0.

    Raises
    ------
    RecordingError
        When the rate is missing or beyond `RATE_LIMITS_HZ`.
    """
    if rate_hz is None:
        raise RecordingError(f"{path}: has no frame rate; write rate_hz = ... into {path.name}.toml, or give --rate-hz")
    low_hz, high_hz = RATE_LIMITS_HZ
    if not low_hz <= rate_hz <= high_hz:
        raise RecordingError(f"{path}: has {rate_hz:g} frames per second; it must be {low_hz:g} to {high_hz:g}")
    return np.arange(count) / rate_hz


def shortest_decimal(value: float, times: int = 1) -> float:
    """Return the shortest decimal number that a 32-bit float of a header can stand for.

    Parameters
    ----------
    value : float
        As read; a header of 32-bit floats returns 1.818 mm as 1.81799996.
    times : int
        The header holds this multiple of the value.

    Returns
    -------
    float
        The shortest number of which that multiple is the same 32-bit float.
    """
    with np.errstate(over="ignore"):
        kept = np.float32(value * times)
        for digits in range(1, 10):
            if np.float32((short := float(f"{value:.{digits}g}")) * times) == kept:
                return short
    return value


def _tupled(key: str, value: Any) -> Any:
    """Return a list as a tuple, which the strict model requires; one size of pixels is that of both sides."""
    value = tuple(value) if isinstance(value, list) else value
    if key == "spacing_mm" and isinstance(value, tuple) and len(value) == 1:
        (value,) = value
    return (value, value) if key == "spacing_mm" and isinstance(value, int | float) else value
