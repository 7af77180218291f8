"""Tolerances of a latency test, and its verdict."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from gatekeeper.config import StrictModel
from replay.qa.result import LatencyResult

Milliseconds = Annotated[float, Field(ge=0.0, le=5000.0)]


TITLES = {
    "imaging": "imaging",
    "beam_off": "beam off alone",
    "beam_on": "beam on alone",
    "off": "latency, beam off",
    "on": "latency, beam on",
}
"""Latencies that baseline and trend compare, and their words."""


class Tolerances(StrictModel):
    """Tolerances of a latency test; those of time are TG-142's, 100 ms of what is expected [1]_.

    References
    ----------
    .. [1] E. E. Klein et al., "Task Group 142 report: Quality assurance of medical accelerators", Med. Phys. 36,
           4197-4212, 2009.
    """

    expected_off_ms: Milliseconds | None = None
    """Expected latency from the frame until the beam is off, in ms; by default what the session's prediction allows
    for, and 0 without a prediction."""
    expected_on_ms: Milliseconds | None = None
    """Expected latency from the frame until the beam is on, in ms; by default likewise."""
    latency_ms: Milliseconds = 100.0
    """Largest difference of a latency from what is expected, in ms."""
    off_minus_on_ms: Milliseconds = 100.0
    """Largest difference of the two latencies, in ms."""
    amplitude_percent: Annotated[float, Field(gt=0.0, le=100.0)] = 5.0
    """Largest deviation of the tracked amplitude, in percent."""
    position_mm: Annotated[float, Field(gt=0.0, le=50.0)] = 2.0
    """Largest 95th percentile of the distance of tracked and true position, in mm."""
    linearity_mm: Annotated[float, Field(gt=0.0, le=50.0)] = 1.0
    """Largest difference of measured and true amplitude, in mm."""
    gating_percent: Annotated[float, Field(ge=0.0, le=100.0)] = 70.0
    """Least share of time with the beam as the truth would have it, in percent; it depends on the motion, too."""
    change_ms: Milliseconds = 20.0
    """Largest change of a latency from the baseline, and from the median of earlier days, in ms."""
    least_changes: Annotated[int, Field(ge=1, le=10_000)] = 10
    """Least number of changes of the beam in each direction."""


@dataclass(frozen=True, slots=True)
class Check:
    """One figure against its tolerance.

    Attributes
    ----------
    name : str
        What is checked.
    value, expected, tolerance : float
        The figure, what is expected and the tolerance; the value is NaN when it was not measured.
    unit : str
        Their unit.
    good : bool
        Whether it is within the tolerance; never with NaN.
    is_least : bool
        Whether the expected value is the least one, without a tolerance.
    """

    name: str
    value: float
    expected: float
    tolerance: float
    unit: str
    good: bool
    is_least: bool = False


def checks_of(
    result: LatencyResult,
    tolerances: Tolerances,
    assumed_s: float | None = None,
    baseline: Mapping[str, float] | None = None,
) -> tuple[Check, ...]:
    """Return each figure against its tolerance.

    Parameters
    ----------
    result : LatencyResult
        The figures.
    tolerances : Tolerances
        The tolerances.
    assumed_s : float, optional
        Latency that the session's prediction allows for, in s.
    baseline : mapping, optional
        Figures of the baseline in ms, by the names of `key_figures`.

    Returns
    -------
    tuple of Check
    """
    assumed_ms = 0.0 if assumed_s is None else 1e3 * assumed_s
    found = []
    for word, one, expected_ms in (
        ("beam off", result.off, tolerances.expected_off_ms),
        ("beam on", result.on, tolerances.expected_on_ms),
    ):
        mean, count = (math.nan, 0) if one is None else (one.mean, one.n)
        expected_ms = assumed_ms if expected_ms is None else expected_ms
        found.append(_near(f"latency, {word}", mean, expected_ms, tolerances.latency_ms, "ms"))
        found.append(_least(f"changes, {word}", count, tolerances.least_changes, ""))
    difference = math.nan if result.off_minus_on is None else result.off_minus_on
    found.append(_near("beam off minus on", difference, 0.0, tolerances.off_minus_on_ms, "ms"))
    if result.tracking is not None:
        found.append(
            _near("tracked amplitude", 100.0 * result.tracking.amplitude, 100.0, tolerances.amplitude_percent, "%")
        )
        found.append(_near("position, p95", result.tracking.p95_mm, 0.0, tolerances.position_mm, "mm"))
    if result.linearity is not None:
        found.append(_near("linearity", result.linearity.largest_mm, 0.0, tolerances.linearity_mm, "mm"))
    found.append(_least("beam as the truth", result.gating.right_percent, tolerances.gating_percent, "%"))
    now = key_figures(result)
    for name, before in (baseline or {}).items():
        if name in now:
            found.append(_near(f"baseline, {TITLES[name]}", now[name], before, tolerances.change_ms, "ms"))
    return tuple(found)


def key_figures(result: LatencyResult) -> dict[str, float]:
    """Return the latencies that baseline and trend compare, in ms, by name."""
    return {name: one.mean for name in TITLES if (one := getattr(result, name)) is not None}


def _near(name: str, value: float, expected: float, tolerance: float, unit: str) -> Check:
    return Check(name, value, expected, tolerance, unit, abs(value - expected) <= tolerance)


def _least(name: str, value: float, least: float, unit: str) -> Check:
    return Check(name, float(value), float(least), 0.0, unit, value >= least, is_least=True)
