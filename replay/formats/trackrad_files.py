"""Read the files of a TrackRAD case beside its frames: masks, and numbers and words in JSON."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError
from gatekeeper.core.frame import FrameStack
from replay.formats.metaimage import read_plain
from replay.formats.stack import convert_frames, pick_value

RATE_LIMITS_HZ = (0.01, 1000.0)
FIELD_LIMITS_T = (0.001, 100.0)


MOST_LISTED = 10
"""At most this many values of a label image are listed."""


def listed_values(image: NDArray[np.generic]) -> str:
    """Return the values above 0 in a label image as a list in words."""
    found = [f"{value:g}" for value in np.unique(image).tolist() if value > 0]
    return ", ".join(found[:MOST_LISTED]) + (" ..." if len(found) > MOST_LISTED else "") or "none"


def read_masks(path: Path, shape: tuple[int, ...] | None, value: int | None = None) -> FrameStack | None:
    """Read the masks of a label file.

    Parameters
    ----------
    path : Path
        The file; a single mask may have two axes.
    shape : tuple of int or None
        (H, W, T) of the frames; None for any.
    value : int, optional
        Value of the structure's pixels in labels of several; by default all but 0.

    Returns
    -------
    FrameStack of bool, shape (T, H, W), or None
        None when there is no such file.

    Raises
    ------
    RecordingError
        When the file is cut short or damaged, or of another size than the frames.
    """
    if not path.exists():
        return None
    pixels = read_plain(path).pixels
    if len(pixels.shape) == 2:
        pixels = replace(pixels, shape=(*pixels.shape, 1))
    if shape is not None and pixels.shape != shape:
        raise RecordingError(
            f"{path}: is {pixels.shape} rows, columns and frames, not {shape} as its images; use this case's label"
        )
    labels = pixels.frames(2)
    return convert_frames(labels if value is None else pick_value(labels, value), np.dtype(np.bool_))


def read_json(path: Path, example: str) -> object:
    """Read the value in a JSON file.

    Parameters
    ----------
    path : Path
        The file.
    example : str
        An example of what it must hold, for the message.

    Raises
    ------
    RecordingError
        When the file is missing or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        why = "is missing"
    except OSError as error:
        why = f"cannot be read ({error.strerror or error})"
    except (ValueError, RecursionError):
        why = "is not JSON"
    raise RecordingError(f"{path}: {why}; it must hold one JSON value, for example {example}")


def read_number(path: Path, low: float, high: float, unit: str) -> float:
    """Read the number in a JSON file.

    Parameters
    ----------
    path : Path
        The file.
    low, high : float
        Limits of the number.
    unit : str
        Unit of the number in messages.

    Returns
    -------
    float
        The number.

    Raises
    ------
    RecordingError
        When the file is missing or not JSON, or the number is beyond its limits.
    """
    value = read_json(path, "4.0")
    if isinstance(value, bool) or not isinstance(value, int | float):
        held = f"a value of type {type(value).__name__}"
    elif low <= value <= high:
        return float(value)
    else:
        held = f"{value!r:.40}"
    raise RecordingError(f"{path}: holds {held}; it must be one number from {low:g} to {high:g} {unit}")


def read_region(path: Path) -> str | None:
    """Read the scanned region in a JSON file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str or None
        None when there is no such file.

    Raises
    ------
    RecordingError
        When the file holds anything but a string.
    """
    if not path.exists():
        return None
    value = read_json(path, '"abdomen"')
    if not isinstance(value, str):
        raise RecordingError(
            f"{path}: holds a value of type {type(value).__name__}; it must be one word in quotes, for example "
            '"abdomen"'
        )
    return value
