"""The side file: what a stack of images does not tell of itself, in a small TOML or JSON file beside it."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gatekeeper.config import StrictModel, build
from gatekeeper.core.errors import ConfigError, RecordingError
from gatekeeper.core.frame import Plane

RATE_LIMITS_HZ = (0.01, 1000.0)
_LONGEST_BYTES = 2**24
_ENDINGS = (".toml", ".json")

Value = TypeVar("Value")
Millimetres = Annotated[float, Field(gt=0.0, le=100.0)]
Pair = tuple[Millimetres, Millimetres]
Triple = tuple[float, float, float]


class Side(StrictModel):
    """What is beside the images. All of it may be missing, as far as the images tell it themselves."""

    name: str | None = Field(default=None, min_length=1, max_length=64, pattern=r"^[\w .+-]+$")
    """What the case is called; the name of the images' file unless told. Not a person's name."""
    spacing_mm: Pair | None = None
    """Distance of pixel centres along stored rows and columns, in mm."""
    rate_hz: float | None = Field(default=None, ge=RATE_LIMITS_HZ[0], le=RATE_LIMITS_HZ[1])
    """Frames per second, where they come evenly."""
    times_s: tuple[float, ...] | None = None
    """Time of acquisition of each frame in seconds, where they do not."""
    time_axis: Literal["first", "last"] | None = None
    """Which axis of the stored images is time, as their header counts them."""
    as_stored: bool = False
    """Rows run superior to inferior and columns anterior to posterior as stored, whatever the header says."""
    origin_mm: Triple | None = None
    """Centre of the first stored pixel in the patient (DICOM LPS), in mm."""
    row_step: Triple | None = None
    """Direction in which the row index of the stored images grows, a unit vector (DICOM LPS)."""
    col_step: Triple | None = None
    """Direction in which the column index grows, likewise."""
    target: str | None = None
    """Image of the target on the first frame: a file beside this one, as large as a stored frame, not 0 inside."""
    labels: str | None = None
    """Images of the target on every frame, likewise."""
    field_strength_t: float | None = Field(default=None, ge=0.001, le=100.0)
    """Field strength of the scanner in tesla."""
    region: str | None = Field(default=None, max_length=64)
    """Scanned region, for example "abdomen"."""

    @property
    def plane(self) -> Plane | None:
        """Where the stored images lie; None when it is not told."""
        if self.row_step is None or self.col_step is None:
            return None
        return Plane(self.origin_mm or (0.0, 0.0, 0.0), self.row_step, self.col_step)


def side_path(path: Path) -> Path | None:
    """Return the side file of images: `<file>.toml`, `<stem>.toml`, or the same with `.json`; None without one."""
    stem = path.name.removesuffix(".gz")
    stem = stem[: -len(Path(stem).suffix)] if Path(stem).suffix else stem
    names = [path.name + ending for ending in _ENDINGS] + [stem + ending for ending in _ENDINGS]
    return next((file for name in names if (file := path.with_name(name)) != path and file.is_file()), None)


def read_side(path: Path, as_stored: bool = False) -> Side:
    """Return what the side file of the images at `path` says; nothing where there is none.

    Parameters
    ----------
    path : Path
        The images.
    as_stored : bool
        Says so besides the file.

    Raises
    ------
    RecordingError
        When it cannot be read, or holds what it must not.
    """
    file = side_path(path)
    if file is None:
        return Side(as_stored=as_stored)
    try:
        if file.stat().st_size > _LONGEST_BYTES:
            raise RecordingError(f"{file}: has more than {_LONGEST_BYTES} bytes and is no side file; rename it")
        text = file.read_text(encoding="utf-8")
        values: Any = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise RecordingError(f"{file}: cannot be read as {file.suffix[1:].upper()} ({error!s:.80}); mend it") from None
    if not isinstance(values, dict):
        raise RecordingError(f"{file}: holds no table of values; see docs/formats.md, side file")
    try:
        side = build(Side, {key: _tupled(value) for key, value in values.items()}, str(file))
    except ConfigError as error:
        raise RecordingError(f"{error!s:.400}") from None
    if (side.row_step is None) is not (side.col_step is None) or (side.origin_mm and side.row_step is None):
        raise RecordingError(f"{file}: a plane is told by both row_step and col_step, and origin_mm with them; add it")
    if side.rate_hz is not None and side.times_s is not None:
        raise RecordingError(f"{file}: tells both rate_hz and times_s; leave one of them out")
    return side.model_copy(update={"as_stored": True}) if as_stored else side


def either(told: Value | None, beside: Value | None, what: str, path: Path) -> Value | None:
    """Return what the images or their side file tell; refuse when both do and differ."""
    if told is not None and beside is not None and not np.allclose(told, beside, rtol=1e-6, atol=0.0):  # type: ignore[arg-type]
        raise RecordingError(f"{path}: tells {what} {told}, its side file {beside}; leave it out of the side file")
    return beside if told is None else told


def times_of(count: int, times_s: NDArray[np.float64] | tuple[float, ...], path: Path) -> NDArray[np.float64]:
    """Return times of `count` frames from the first, in seconds.

    Raises
    ------
    RecordingError
        When they are fewer or more, not finite, or do not rise.
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
    """Return the times of frames that come evenly.

    Raises
    ------
    RecordingError
        When nothing tells how fast, or it is no frame rate.
    """
    if rate_hz is None:
        raise RecordingError(
            f"{path}: does not tell how many frames come per second; write rate_hz = ... into {path.name}.toml"
        )
    low_hz, high_hz = RATE_LIMITS_HZ
    if not low_hz <= rate_hz <= high_hz:
        raise RecordingError(f"{path}: tells {rate_hz:g} frames per second; it must be {low_hz:g} to {high_hz:g}")
    return np.arange(count) / rate_hz


def as_written(value: float, times: int = 1) -> float:
    """Return the shortest decimal number that, `times` over, is the same 32-bit float as `value`, `times` over.

    A header of 32-bit floats gives back 1.818 mm as 1.81799996; which of the two was written is no question.
    """
    kept = np.float32(value * times)
    for digits in range(1, 10):
        if np.float32((short := float(f"{value:.{digits}g}")) * times) == kept:
            return short
    return value


def _tupled(value: object) -> object:
    """Return a list as the tuple that a strict model asks for."""
    return tuple(value) if isinstance(value, list) else value
