"""Read positions over time from CSV: patients' traces, and the position log of a moving phantom."""

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from gatekeeper.core.errors import InputError
from replay.qa.motion import STEP_S, Motion, Segment

Array = NDArray[np.float64]

TIME = ("time_s", "t", "time")
AXES = (("s", "si_mm", "s_mm"), ("p", "ap_mm", "p_mm"), ("l", "lr_mm", "l_mm"))
"""Names of the columns along superior, posterior and left, in small letters."""
COLUMNS = "time_s, and any of S, P, L (or si_mm, ap_mm, lr_mm) in mm; superior, posterior and left positive"
MOST_ROWS = 10_000_000


def read_columns(path: Path, wanted: dict[str, tuple[str, ...]], needs: str) -> dict[str, Array]:
    """Read columns of numbers from a CSV file with a line of names.

    Parameters
    ----------
    path : Path
        The file.
    wanted : dict
        Accepted names of each column, in small letters.
    needs : str
        What the file needs, for the error message.

    Returns
    -------
    dict of ndarray of float64
        The columns that are there.

    Raises
    ------
    InputError
        When the file cannot be read, has no row, or a value is not a finite number.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(line for line in file if line.strip() and not line.startswith("#"))
            names = [name.strip().lower() for name in next(rows, [])]
            places = {key: names.index(name) for key, known in wanted.items() for name in known if name in names}
            values: list[list[float]] = []
            for number, row in enumerate(rows, start=2):
                if number > MOST_ROWS:
                    raise InputError(f"{path}: has more than {MOST_ROWS} rows; cut it")
                try:
                    one = [float(row[place]) for place in places.values()]
                except (ValueError, IndexError):
                    raise InputError(f"{path}: row {number} is {','.join(row)[:80]!r}; it needs {needs}") from None
                if not all(map(math.isfinite, one)):
                    raise InputError(f"{path}: row {number} has a value that is not finite; leave it out")
                values.append(one)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); name a CSV file with {needs}") from None
    if not places or not values:
        raise InputError(f"{path}: has no {'rows' if places else 'known column'}; it needs {needs}")
    columns = np.array(values, dtype=np.float64).T
    return dict(zip(places, columns, strict=True))


def read_motion(path: Path) -> Motion:
    """Read positions over time.

    Parameters
    ----------
    path : Path
        CSV with the columns `time_s` and `S`, `P`, `L` in mm (or `si_mm`, `ap_mm`, `lr_mm`); missing axes stay at 0.

    Returns
    -------
    Motion
        On the file's own clock. Between rows it follows a monotone cubic, which overshoots no turning point.

    Raises
    ------
    InputError
        When the file cannot be read, or its times do not rise.
    """
    keys = ("S", "P", "L")
    found = read_columns(path, {"time": TIME, **dict(zip(keys, AXES, strict=True))}, COLUMNS)
    if "time" not in found or len(found) < 2:
        raise InputError(f"{path}: its columns are {', '.join(found)}; it needs {COLUMNS}")
    times_s = found["time"]
    if times_s.size < 2 or not np.all(np.diff(times_s) > 0.0):
        raise InputError(f"{path}: has {times_s.size} rows or times that do not rise; give at least 2, in order")
    position_mm = np.stack([found.get(key, np.zeros_like(times_s)) for key in keys], axis=-1)
    count = int((times_s[-1] - times_s[0]) / STEP_S) + 1
    if count > MOST_ROWS:
        raise InputError(f"{path}: is {times_s[-1] - times_s[0]:.0f} s long, more than {MOST_ROWS * STEP_S:.0f} s")
    fine_s = times_s[0] + STEP_S * np.arange(count)
    fine_mm = np.asarray(PchipInterpolator(times_s, position_mm)(fine_s), dtype=np.float64)
    extent_mm = float(np.ptp(position_mm[:, 0]))
    segment = Segment("trace", float(times_s[0]), float(fine_s[-1]), extent_mm, math.nan)
    return Motion(fine_s, fine_mm, (segment,))
