"""The figures of a latency test."""

import math
from dataclasses import asdict, dataclass
from typing import NamedTuple

from replay.qa.edge_latency import FromOutside
from replay.qa.motion import Segment
from replay.qa.tracking_fit import TrackingFit


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took.

    Attributes
    ----------
    mean, sd, p95, median, error : float
        Mean, standard deviation, 95th percentile, median and standard error of the mean, in ms.
    n : int
        How often it was measured.
    """

    mean: float
    sd: float
    p95: float
    median: float
    error: float
    n: int


@dataclass(frozen=True, slots=True)
class SegmentFit:
    """A part of the motion, and how it was tracked; None where there was too little of it."""

    segment: Segment
    tracking: TrackingFit | None


@dataclass(frozen=True, slots=True)
class Linearity:
    """Measured over true amplitude.

    Attributes
    ----------
    slope, largest_mm : float
        Slope of the line through both, and the largest difference of measured and true amplitude, in mm.
    """

    slope: float
    largest_mm: float


class Change(NamedTuple):
    """A change of the beam, and the crossing that caused it: times in s, speed in mm/s."""

    to: str
    crossed_s: float
    changed_s: float
    mm_per_s: float


@dataclass(frozen=True, slots=True)
class Gating:
    """The beam against the truth, as shares of the time of the test, in percent."""

    right_percent: float
    on_while_out_percent: float
    off_while_in_percent: float
    duty_percent: float


@dataclass(frozen=True, slots=True, eq=False)
class LatencyResult:
    """All figures of a latency test.

    Attributes
    ----------
    imaging : Spread or None
        From the middle of a frame's acquisition to its arrival; its error is that of the fit.
    compute, link, beam_off, beam_on : Spread or None
        From the arrival to the decision, from there to the interlock, and from there until the beam is off and on.
        Without the interlock's log the link is part of the beam's.
    off, on : Spread or None
        From the middle of a frame's acquisition until the beam is off and on: of each change by the record of the
        session, or the estimate from outside.
    off_minus_on : float or None
        Their difference, in ms.
    delay_off, delay_on : Spread or None
        From the target's crossing to the beam, with the time until a frame is taken and the frames needed to resume.
    outside : FromOutside or None
        The estimate from crossings and beam alone; None where the session predicts.
    tracking : TrackingFit or None
        Fit of all positions.
    segments : tuple of SegmentFit
        Fit of each part of the motion.
    linearity : Linearity or None
        None with fewer than three amplitudes.
    gating : Gating
        The beam against the truth.
    period_s, resolution_s : float
        Frame period, and standard deviation of a change of the beam that its record leaves open, in s.
    pulse_hz : float or None
        Rate of the beam's pulses.
    trace : dict
        Samples for a picture, by name.
    changes : tuple of Change
        Each change of the beam that a crossing caused.
    """

    imaging: Spread | None
    compute: Spread | None
    link: Spread | None
    beam_off: Spread | None
    beam_on: Spread | None
    off: Spread | None
    on: Spread | None
    off_minus_on: float | None
    delay_off: Spread | None
    delay_on: Spread | None
    outside: FromOutside | None
    tracking: TrackingFit | None
    segments: tuple[SegmentFit, ...]
    linearity: Linearity | None
    gating: Gating
    period_s: float
    resolution_s: float
    pulse_hz: float | None
    trace: dict[str, list[float]]
    changes: tuple["Change", ...]

    def as_json(self) -> dict[str, object]:
        """Return everything but the trace and the single changes as JSON values; None for what was not measured."""
        values = {name: getattr(self, name) for name in self.__slots__ if name not in ("trace", "changes")}
        values |= {"segments": [asdict(one.segment) | {"tracking": _plain(one.tracking)} for one in self.segments]}
        return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    """Return a value as JSON: None for numbers that are not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))  # type: ignore[call-overload]
    return value
