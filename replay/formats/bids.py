"""The JSON file of a BIDS data set, which dcm2niix writes beside each image: times and field strength.

It also names people; their values are never kept, and never part of a message. Format:
https://bids-specification.readthedocs.io, magnetic resonance imaging.
"""

from dataclasses import dataclass
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
    for file in files_beside(path):
        if file.suffix != ".json":
            continue
        try:
            values = read_table(file)
        except RecordingError:
            return Bids(file.name, None, None, None, (f"{file.name} cannot be read as JSON and is not used",))
        if values is None or is_sidecar(file, values) or not _KEYS & set(values):
            continue
        times = values.get("VolumeTiming", values.get("FrameTimesStart"))
        period_s = _number(values.get("RepetitionTime"), SHORTEST_S, 1.0 / RATE_LIMITS_HZ[0])
        notes = [f"{file.name} is no sidecar file of gatekeeper; it is read as BIDS"]
        if period_s is None and "RepetitionTime" in values:
            notes.append(f"RepetitionTime in {file.name} is no time in s from frame to frame and is not used")
        return Bids(
            file.name,
            period_s,
            tuple(map(float, times)) if isinstance(times, list) and all(map(_is_number, times)) else None,
            _number(values.get("MagneticFieldStrength"), *_FIELD_LIMITS_T),
            tuple(notes),
        )
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def _number(value: Any, low: float, high: float) -> float | None:
    """Return a value that is a number within limits; None otherwise."""
    return float(value) if _is_number(value) and low <= value <= high else None
