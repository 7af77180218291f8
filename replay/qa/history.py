"""The history of latency tests: one line a test, compared over the days."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.errors import InputError
from replay.qa.tolerances import TITLES, Check

FIGURES = tuple(TITLES)
COLUMNS = ("date_utc", "session", "passed", *(f"{name}_ms" for name in FIGURES), "position_p95_mm", "right_percent")
DAYS_A_MONTH = 30.0
FEWEST = 3
"""Number of tests from which on there is a slope."""


@dataclass(frozen=True, slots=True)
class Day:
    """One test.

    Attributes
    ----------
    date : datetime
        When, in UTC.
    session : str
        Name of the session.
    passed : bool
        Its verdict.
    figures_ms : dict
        Latencies in ms by name; missing where they were not measured.
    position_p95_mm, right_percent : float
        Accuracy of position and gating; NaN where not measured.
    """

    date: datetime
    session: str
    passed: bool
    figures_ms: Mapping[str, float]
    position_p95_mm: float
    right_percent: float


def read_history(path: Path) -> list[Day]:
    """Read the tests before, oldest first; none when there is no file.

    Raises
    ------
    InputError
        When the file is not a history.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        days = [_day(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise InputError(f"{path}: is not a history of latency tests ({error}); name another file") from None
    return sorted(days, key=lambda day: day.date)


def append_history(path: Path, day: Day, change_ms: float) -> list[Day]:
    """Append a test, and return all with it.

    Parameters
    ----------
    path : Path
        The file; it is made when it is not there.
    day : Day
        The test, with the verdict of its own checks; one that has changed too much from earlier ones has not passed.
    change_ms : float
        Largest change of a latency, in ms.

    Returns
    -------
    list of Day

    Raises
    ------
    InputError
        When the file is not a history, or cannot be written.
    """
    days = [*read_history(path), day]
    if not all(check.good for check in trend_checks(days, change_ms)):
        days[-1] = replace(day, passed=False)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in days:
        latencies = [_text(one.figures_ms.get(name, math.nan)) for name in FIGURES]
        accuracy = _text(one.position_p95_mm), _text(one.right_percent)
        writer.writerow((one.date.isoformat(), one.session, int(one.passed), *latencies, *accuracy))
    write_atomically(path, text.getvalue().encode())
    return days


def trend_checks(days: list[Day], change_ms: float) -> tuple[Check, ...]:
    """Return the last test's latencies against the median of the tests before of the same session."""
    last = days[-1]
    before = [day for day in days[:-1] if day.session == last.session]
    found = []
    for name, value in last.figures_ms.items():
        earlier = [day.figures_ms[name] for day in before if name in day.figures_ms]
        if earlier:
            usual = float(np.median(earlier))
            good = abs(value - usual) <= change_ms
            found.append(Check(f"trend, {TITLES[name]}", value, usual, change_ms, "ms", good))
    return tuple(found)


def slope_ms_a_month(days: list[Day], name: str) -> float:
    """Return how fast a latency of the last test's session changes, in ms per 30 days; NaN with too few tests."""
    known = [day for day in days if day.session == days[-1].session and name in day.figures_ms]
    if len(known) < FEWEST:
        return math.nan
    at = np.array([(day.date - known[0].date).total_seconds() / 86_400.0 for day in known])
    if float(np.ptp(at)) < 1.0:
        return math.nan
    return float(np.polyfit(at, [day.figures_ms[name] for day in known], 1)[0]) * DAYS_A_MONTH


def _day(row: Mapping[str, str]) -> Day:
    figures = {name: float(row[f"{name}_ms"]) for name in FIGURES if row[f"{name}_ms"]}
    date = datetime.fromisoformat(row["date_utc"])
    if date.tzinfo is None:
        raise ValueError(f"date_utc = {row['date_utc']!r} has no time zone")
    return Day(
        date,
        row["session"],
        row["passed"] == "1",
        figures,
        float(row["position_p95_mm"] or "nan"),
        float(row["right_percent"] or "nan"),
    )


def _text(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else ""
