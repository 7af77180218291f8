"""The JSON file of a BIDS data set, which dcm2niix writes beside each image: times and field strength.

It also names people; their values are never kept, and never part of a message. Format:
https://bids-specification.readthedocs.io, magnetic resonance imaging.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from gatekeeper.core.errors import RecordingError
from replay.formats.sidecar import RATE_LIMITS_HZ, files_beside, is_sidecar, read_table

SHORTEST_S = 0.03
"""A shorter RepetitionTime is the time between excitations: an image takes tens of them."""
_FIELD_LIMITS_T = (0.001, 100.0)
_LARGEST = 1e9
_KEYS = frozenset(
    ("MagneticFieldStrength", "RepetitionTime", "VolumeTiming", "FrameTimesStart", "EchoTime", "ConversionSoftware")
)
"""Keys of which a BIDS file has one at least."""
_TIMES = frozenset(("RepetitionTime", "VolumeTiming", "FrameTimesStart"))
_MOST_LEVELS = 4
"""Folders of a data set above an image: its kind, session, subject, and the data set."""


@dataclass(frozen=True, slots=True)
class Bids:
    """What is read of a BIDS file.

    Attributes
    ----------
    file : str
        Its name.
    period_s : float or None
        RepetitionTime in s, where it can be the time from frame to frame.
    times_s : tuple of float or None
        VolumeTiming or FrameTimesStart: the time of each frame in s.
    field_strength_t : float or None
        MagneticFieldStrength in T.
    notes : tuple of str
        What is not used.
    """

    file: str
    period_s: float | None
    times_s: tuple[float, ...] | None
    field_strength_t: float | None
    notes: tuple[str, ...] = ()


def read_bids(path: Path) -> Bids | None:
    """Read the BIDS file beside images.

    Parameters
    ----------
    path : Path
        The images.

    Returns
    -------
    Bids or None
        None where there is no such file.
    """
    tables: list[tuple[Path, dict[str, Any]]] = []
    notes: list[str] = []
    for file in (*(one for one in files_beside(path) if one.suffix == ".json"), *_inherited(path)):
        try:
            values = read_table(file)
        except RecordingError:
            notes.append(f"{file.name} cannot be read as JSON and is not used")
            continue
        if values is not None and not is_sidecar(file, values) and _KEYS & set(values):
            tables.append((file, values))
            notes.append(f"{file.name} is no sidecar file of gatekeeper; it is read as BIDS")
    if not notes:
        return None
    # The nearest file counts; those of folders above complete it.
    values = {key: value for _, one in reversed(tables) for key, value in one.items()}
    told = next((file.name for file, one in tables if _TIMES & set(one)), path.name)
    period_s = _number(values.get("RepetitionTime"), SHORTEST_S, 1.0 / RATE_LIMITS_HZ[0])
    if period_s is None and "RepetitionTime" in values:
        notes.append(f"RepetitionTime in {told} is no time in s from frame to frame and is not used")
    times = values.get("VolumeTiming", values.get("FrameTimesStart"))
    if not (isinstance(times, list) and all(map(_is_number, times)) and all(a < b for a, b in pairwise(times))):
        times = None
    return Bids(
        told,
        period_s,
        None if times is None else tuple(map(float, times)),
        _number(values.get("MagneticFieldStrength"), *_FIELD_LIMITS_T),
        tuple(notes),
    )


def _inherited(path: Path) -> Iterator[Path]:
    """Yield the JSON files of the folders above that are for all images of a kind, such as `task-cine_bold.json`."""
    stem = path.name.removesuffix(".gz").removesuffix(".nii")
    *own, kind = stem.split("_")
    folder = path.absolute().parent
    if not stem.startswith("sub-"):
        return
    for _ in range(_MOST_LEVELS):
        for file in sorted(folder.glob(f"*{kind}.json"), key=lambda one: (-len(one.stem), one.stem)):
            *parts, found = file.stem.split("_")
            if found == kind and file.stem != stem and set(parts) <= set(own):
                yield file
        if (folder / "dataset_description.json").is_file():
            return
        folder = folder.parent


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def _number(value: Any, low: float, high: float) -> float | None:
    """Return a value that is a number within limits; None otherwise."""
    return float(value) if _is_number(value) and low <= value <= high else None
