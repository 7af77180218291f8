"""Read durations of workflow steps that were measured elsewhere from a CSV file."""

import csv
import math
from pathlib import Path

from gatekeeper.config import CourseConfig
from gatekeeper.core.errors import InputError
from gatekeeper.core.workflow import STEPS

COLUMNS = ("label", "course", "fraction", "step", "minutes")
LARGEST_FILE = 64 * 2**20
LONGEST_MIN = 24.0 * 60.0

Key = tuple[str, str, int]
"""Label, course and fraction."""


def key_of(course: CourseConfig) -> Key:
    """Return what a session is found by in a file of durations."""
    return course.label, course.course, course.fraction


def read_marks(path: Path) -> dict[Key, dict[str, float]]:
    """Read the durations of steps.

    Parameters
    ----------
    path : Path
        A CSV file with the columns `COLUMNS`; a step that stands there twice for a fraction lasted both times.

    Returns
    -------
    dict
        Durations in s by step, by label, course and fraction.

    Raises
    ------
    InputError
        When the file cannot be read, lacks a column, has another one, or a value is not what the column says; values
        are not quoted, as they may name a person.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path}: is larger than {LARGEST_FILE} bytes; name a file of marks")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: is not a CSV file in UTF-8; export it again") from None
    if not rows or tuple(name.strip() for name in rows[0]) != COLUMNS:
        raise InputError(f"{path}: does not begin with the line {','.join(COLUMNS)}; name its columns so")
    found: dict[Key, dict[str, float]] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not any(row):
            continue
        key, step, lasted_s = _row(row, f"{path}, line {number}")
        steps_s = found.setdefault(key, {})
        steps_s[step] = steps_s.get(step, 0.0) + lasted_s
    return found


def _row(row: list[str], where: str) -> tuple[Key, str, float]:
    if len(row) != len(COLUMNS):
        raise InputError(f"{where}: has {len(row)} values for {len(COLUMNS)} columns; correct it")
    label, course, fraction, step, minutes = (value.strip() for value in row)
    try:
        facts = CourseConfig(label=label, course=course, fraction=int(fraction))
    except ValueError:
        raise InputError(
            f"{where}: label and course must be pseudonyms of letters, digits, - and _, fraction a number from 1"
        ) from None
    if step.lower() not in STEPS:
        raise InputError(f"{where}: its step is none of {', '.join(STEPS)}; use one of these")
    try:
        lasted_min = float(minutes)
    except ValueError:
        lasted_min = math.nan
    if not 0.0 <= lasted_min <= LONGEST_MIN:
        raise InputError(f"{where}: minutes must be a number from 0 to {LONGEST_MIN:g}")
    return key_of(facts), step.lower(), 60.0 * lasted_min
