"""Times of a folder of single images: from a table or a rate beside them, and the numbers in their names."""

import csv
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from replay.formats.sidecar import RATE_LIMITS_HZ

TABLE, RATE = "Transforms.csv", "frame-rate.json"
"""Table of SlicerCineTrack and `gatekeeper export --slicer`, and the file of TrackRAD that holds a number."""
_LARGEST_TABLE_BYTES = 2**26


def times_of_numbers(numbers: NDArray[np.int64], rate_hz: float) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return the times of images by the numbers in their names.

    Parameters
    ----------
    numbers : ndarray of int64, shape (T,)
        Rising.
    rate_hz : float
        Images per second.

    Returns
    -------
    times_s : ndarray of float64, shape (T,)
        In s; the usual step of the numbers is that of the rate.
    notes : tuple of str
        That numbers are missing.
    """
    steps = np.diff(numbers)
    if not steps.size:
        return np.zeros(len(numbers)), ()
    # Of two middle steps the smaller: one that is there.
    usual = int(np.percentile(steps, 50.0, method="lower"))
    times_s = (numbers - numbers[0]) / (usual * rate_hz)
    if (steps == steps[0]).all():
        return times_s, ()
    first = int(np.flatnonzero(steps != usual)[0])
    return times_s, (f"numbers in the names are missing, the first after {numbers[first]}; the times have gaps there",)


def stored_rate_hz(folder: Path) -> float | None:
    """Return the number in the file of TrackRAD in a folder or the one above, where there is one."""
    for file in (folder / RATE, folder.parent / RATE):
        try:
            rate_hz = json.loads(file.read_bytes()[:64])
        except (OSError, ValueError):
            continue
        low_hz, high_hz = RATE_LIMITS_HZ
        if isinstance(rate_hz, int | float) and not isinstance(rate_hz, bool) and low_hz <= rate_hz <= high_hz:
            return float(rate_hz)
    return None


def table_times_s(folder: Path, numbers: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Return the times in the table of an export to 3D Slicer, where it has a row for each image.

    Where images are missing, rows are those of the numbers in the names, if these tell from what they count.

    Parameters
    ----------
    folder : Path
        The images; the table lies there, or in the folder above.
    numbers : ndarray of int64, shape (T,)
        Number of each image, rising.

    Returns
    -------
    ndarray of float64, shape (T,), or None
        In s.
    """
    for file in (folder / TABLE, folder.parent / TABLE):
        if not file.is_file() or file.stat().st_size > _LARGEST_TABLE_BYTES:
            continue
        try:
            with file.open(encoding="utf-8", newline="") as opened:
                times_s = np.array([float(row["time_s"]) for row in csv.DictReader(opened)])
        except (OSError, ValueError, KeyError, TypeError, csv.Error):
            continue
        count, least, most = len(times_s), int(numbers[0]), int(numbers[-1])
        if count > len(numbers) and ((least == 0 and most < count) or (least > 0 and most == count)):
            times_s = times_s[numbers - (1 if least else 0)]
        if len(times_s) == len(numbers) and np.isfinite(times_s).all() and (np.diff(times_s) > 0.0).all():
            return times_s
    return None
