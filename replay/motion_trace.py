"""Read motion that was measured: a target's positions over time, from a CSV file."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.errors import RecordingError

Array = NDArray[np.float64]

TIME, AXES = "time_s", ("si_mm", "ap_mm", "lr_mm")
"""Names of the columns: the time, and the positions along superior, posterior and left, which are positive."""
OPTIONAL = "lr_mm"
"""The column that may be missing; there is no motion from left to right then."""
SEPARATORS = ",;\t"
FARTHEST_MM = 90.0
"""Largest distance from the first position, in mm."""
LONGEST_STEP_S = 1.0
"""A longer step between two samples is said in a note."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionTrace:
    """Positions of a target over time, with straight lines between them.

    Attributes
    ----------
    times_s : ndarray of float64, shape (N,)
        Rising times from 0, in seconds.
    positions_mm : ndarray of float64, shape (N, 3)
        Positions along superior, posterior and left, in mm.
    notes : tuple of str
        What was assumed, one line each.
    """

    times_s: Array
    positions_mm: Array
    notes: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Time of the last sample, in seconds."""
        return float(self.times_s[-1])

    def at(self, times_s: Array) -> Array:
        """Return the positions (..., 3) at some times; before the first and after the last sample it stands still."""
        return np.stack([np.interp(times_s, self.times_s, along_mm) for along_mm in self.positions_mm.T], axis=-1)


def is_trace_head(head: bytes) -> bool:
    """Return whether a file that begins like this is a table with one of the columns of a trace."""
    try:
        first = head.split(b"\n", 1)[0].decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return bool({TIME, *AXES} & set(_cells(first)))


def read_trace(path: Path) -> MotionTrace:
    """Read a trace from a CSV file with the columns `time_s`, `si_mm`, `ap_mm` and `lr_mm`.

    Other columns are ignored. Separators are commas, semicolons or tabs.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    MotionTrace

    Raises
    ------
    RecordingError
        When the file cannot be read, a column is missing or named twice, a value is not a number, times do not rise, or
        the target goes further than `FARTHEST_MM`; it names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise RecordingError(f"{path}: is no text; give a CSV file with the columns {_wanted()}") from None
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise RecordingError(f"{path}: is empty; give a CSV file with the columns {_wanted()}")
    header = _cells(lines[0][1])
    names = [name for name in (TIME, *AXES) if name in header]
    missing = {TIME, *AXES} - {OPTIONAL, *names}
    if missing or any(header.count(name) > 1 for name in names):
        found = ", ".join(header)[:80]
        raise RecordingError(f"{path}: is no trace; give the columns {_wanted()} once each; it has {found}")
    columns = [header.index(name) for name in names]
    rows = np.array([_row(path, number, line, len(header), columns) for number, line in lines[1:]])
    if len(rows) < 2:
        raise RecordingError(f"{path}: has {len(rows)} samples; a trace has at least two")
    numbers = [number for number, _ in lines[1:]]
    steps_s = np.diff(rows[:, 0])
    late = np.flatnonzero(~(steps_s > 0.0)) + 1
    if late.size:
        before_s, time_s = rows[late[0] - 1 : late[0] + 1, 0]
        raise RecordingError(
            f"{path}: line {numbers[late[0]]}: {TIME} = {time_s:g} is not later than {before_s:g} before it; sort the "
            "rows by time, and cut the trace where it begins anew"
        )
    positions_mm = np.zeros((len(rows), 3))
    positions_mm[:, [AXES.index(name) for name in names[1:]]] = rows[:, 1:]
    away_mm = np.abs(positions_mm - positions_mm[0]).max(axis=1)
    far = np.flatnonzero(away_mm > FARTHEST_MM)
    if far.size:
        raise RecordingError(
            f"{path}: line {numbers[far[0]]}: is {away_mm[far[0]]:.0f} mm from the first position, more than "
            f"{FARTHEST_MM:.0f} mm; give positions in mm"
        )
    notes = [] if OPTIONAL in names else [f"has no {OPTIONAL}: no motion from left to right"]
    if steps_s.max() > LONGEST_STEP_S:
        notes.append(
            f"the longest step is {steps_s.max():.3g} s, at {rows[int(steps_s.argmax()), 0]:.6g} s; the target moves "
            "along a straight line there"
        )
    return MotionTrace(rows[:, 0] - rows[0, 0], positions_mm, tuple(notes))


def _row(path: Path, number: int, line: str, width: int, columns: list[int]) -> list[float]:
    cells = _cells(line)
    if len(cells) != width:
        raise RecordingError(f"{path}: line {number}: has {len(cells)} values, and the header names {width} columns")
    values = []
    for column in columns:
        try:
            values.append(float(cells[column]))
        except ValueError:
            values.append(np.nan)
        if not np.isfinite(values[-1]):
            raise RecordingError(
                f"{path}: line {number}: value {column + 1} is {cells[column][:20]!r}; give a finite number with a "
                "decimal point"
            )
    return values


def _cells(line: str) -> list[str]:
    """Return the values of a line; none where it is no line of a table."""
    separator = max(SEPARATORS, key=line.count)
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []


def _wanted() -> str:
    return ", ".join((TIME, *AXES))
