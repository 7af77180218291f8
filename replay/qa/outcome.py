"""Judge a latency test: its verdict, its history, and what must be known to read it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gatekeeper.core.errors import InputError
from replay.qa.history import FIGURES, Day, append_history, trend_checks
from replay.qa.result import LatencyResult
from replay.qa.tolerances import Check, Tolerances, checks_of, key_figures


@dataclass(frozen=True, slots=True)
class Judging:
    """What a test is judged by.

    Attributes
    ----------
    tolerances : Tolerances
        The tolerances.
    baseline : mapping or None
        Latencies of the baseline in ms, by name.
    history : Path or None
        File of the history.
    """

    tolerances: Tolerances
    baseline: Mapping[str, float] | None = None
    history: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A latency test with its verdict.

    Attributes
    ----------
    name : str
        Name of the session.
    date : datetime
        When, in UTC.
    result : LatencyResult
        The figures.
    checks : tuple of Check
        Each figure against its tolerance.
    days : list of Day
        The history with this test; empty without one.
    facts : sequence of tuple of str
        Names and texts about the test.
    notes : sequence of str
        What must be known to read the figures.
    axis : str
        Axis of most motion.
    """

    name: str
    date: datetime
    result: LatencyResult
    checks: tuple[Check, ...]
    days: list[Day]
    facts: Sequence[tuple[str, str]]
    notes: Sequence[str]
    axis: str

    @property
    def passed(self) -> bool:
        """Whether all is within its tolerance."""
        return all(check.good for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        checks = [{key: _finite(value) for key, value in asdict(one).items()} for one in self.checks]
        figures = self.result.as_json()
        return {"session": self.name, "date": self.date.isoformat(), "passed": self.passed, "checks": checks, **figures}


def judged(
    name: str,
    date: datetime,
    result: LatencyResult,
    judging: Judging,
    assumed_s: float | None,
    facts: Sequence[tuple[str, str]],
    axis: str,
) -> Outcome:
    """Judge a test, and append it to its history.

    Parameters
    ----------
    name, date : str, datetime
        Session, and when.
    result : LatencyResult
        The figures.
    judging : Judging
        What it is judged by.
    assumed_s : float or None
        Latency that the session's prediction allows for, in s.
    facts : sequence of tuple of str
        About the test.
    axis : str
        Axis of most motion.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        When the history cannot be read or written.
    """
    tolerances, history = judging.tolerances, judging.history
    checks = checks_of(result, tolerances, assumed_s, judging.baseline)
    tracking = result.tracking
    day = Day(
        date,
        name,
        all(check.good for check in checks),
        key_figures(result),
        math.nan if tracking is None else tracking.p95_mm,
        result.gating.right_percent,
    )
    days: list[Day] = []
    if history is not None:
        days = append_history(history, day, tolerances.change_ms)
        checks += trend_checks(days, tolerances.change_ms)
    return Outcome(name, date, result, checks, days, facts, _notes(result), axis)


def read_baseline(path: Path) -> dict[str, float]:
    """Return the latencies in a `result.json`, in ms by name.

    Raises
    ------
    InputError
        When it is not the result of a latency test.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        found = {name: float(values[name]["mean"]) for name in FIGURES if values.get(name) is not None}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); name a result.json") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: is not the result of a latency test; name its result.json") from None
    if not found:
        raise InputError(f"{path}: holds no latency; name the result.json of a latency test")
    return found


def _notes(result: LatencyResult) -> list[str]:
    notes = []
    if result.pulse_hz is not None:
        notes.append(
            f"The beam is known by its pulses, {result.pulse_hz:.0f} a second on average: each change is known to "
            f"{1e3 * result.resolution_s:.1f} ms (SD) and no better; the mean of n changes to that over the root of n."
        )
    if result.tracking is None:
        notes.append(
            "Without the record of the session only sums are known: imaging, computing, link and beam together. What "
            "follows imaging is the rest after the given imaging latency."
        )
    if result.outside is None:
        notes.append("The session predicts: the beam does not wait for the frame that shows the target outside.")
    else:
        beyond_mm = round(result.outside.beyond_mm, 2) + 0.0
        notes.append(
            f"A frame is taken every {1e3 * result.period_s:.0f} ms, so that the beam follows a crossing by one "
            f"latency and up to that; the edge is {beyond_mm:+.2f} mm from where the limits put it."
        )
    return notes


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
