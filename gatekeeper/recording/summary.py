"""The summary of a session, counted while it runs."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from gatekeeper.core.decision import Measure
from gatekeeper.core.reasons import text_of
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.recording.journal import STRUCTURES


@dataclass(frozen=True, slots=True)
class Latency:
    """Real time from the arrival of a frame until its decision was sent, in ms.

    Attributes
    ----------
    p50, p99, p999, max : float
        The median, the 99th and the 99.9th percentile, and the maximum; 0 when there was no frame.
    """

    p50: float
    p99: float
    p999: float
    max: float


@dataclass(frozen=True, slots=True)
class StructureSummary:
    """Figures of one of several structures.

    Attributes
    ----------
    frames : int
        Number of frames on which it was tracked.
    held : int
        Number of these on which it was a reason to hold.
    hold_reasons : dict of str to int
        Number of frames with each reason of its own.
    measure : str
        What was measured of it against its zone.
    largest : float or None
        Largest value of that; None when it could never be measured.
    """

    frames: int
    held: int
    hold_reasons: dict[str, int]
    measure: str
    largest: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of a session.

    Attributes
    ----------
    frames : int
        Number of frames.
    duty_cycle : float
        Beam-on time as a share of the time from the first to the last decision, 0-1; 0 when that time is 0.
    beam_on_s : float
        Session time with the beam allowed, in s.
    holds : int
        Number of separate holds, the one at the start included.
    hold_reasons : dict of str to int
        Number of decisions with each reason; a decision may have several.
    latency_ms : Latency
        Latency of the decisions.
    structures : dict of str to StructureSummary
        Each of several structures by its name; empty with one.
    """

    frames: int
    duty_cycle: float
    beam_on_s: float
    holds: int
    hold_reasons: dict[str, int]
    latency_ms: Latency
    structures: dict[str, StructureSummary] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the figures as JSON values, those of single structures where there are several."""
        values = asdict(self)
        return values if self.structures else {name: value for name, value in values.items() if name != "structures"}


UNITS = {
    Measure.OUTSIDE_PERCENT: "% outside",
    Measure.OVERLAP_PERCENT: "% in the zone",
    Measure.OVERLAP_MM2: "mm2 in the zone",
    Measure.NEARER_MM: "mm nearer",
}
"""What the values of a structure are, in words."""
MOST_NAME = 24
"""Longest name in a table, in characters; words beside it fit 80 columns."""
MEASURES = tuple(measure.value for measure in Measure)


def with_structure(summary: StructureSummary | None, entry: Mapping[str, Any]) -> StructureSummary:
    """Return the figures of a structure after one more frame, with its part of the journal's line."""
    measure = next(name for name in MEASURES if name in entry)
    one = StructureSummary(0, 0, {}, measure, None) if summary is None else summary
    reasons = {**one.hold_reasons}
    for reason in entry["reasons"]:
        reasons[reason] = reasons.get(reason, 0) + 1
    known = [value for value in (one.largest, entry[measure]) if value is not None]
    held = one.held + bool(entry["reasons"])
    return StructureSummary(one.frames + 1, held, reasons, measure, max(known, default=None))


def structures_in(entries: Iterable[Mapping[str, Any]]) -> dict[str, StructureSummary]:
    """Return the figures of each of several structures in the lines of a journal, by its name."""
    found: dict[str, StructureSummary] = {}
    for entry in entries:
        for name, part in entry.get(STRUCTURES, {}).items():
            found[name] = with_structure(found.get(name), part)
    return found


def structure_rows(structures: Mapping[str, StructureSummary]) -> Iterator[tuple[str, str]]:
    """Yield what each of several structures measured and why it held, as a name and words that fit a terminal."""
    for name, one in structures.items():
        most = "never measured" if one.largest is None else f"up to {one.largest:.1f} {UNITS[Measure(one.measure)]}"
        yield (
            name if len(name) <= MOST_NAME else f"{name[: MOST_NAME - 1]}…",
            f"held on {one.held} of {one.frames}, {most}",
        )
        for reason, frames in one.hold_reasons.items():
            yield "", f"  {text_of(reason)}: {frames}"


class Tally:
    """Count decisions and their latencies while a session runs.

    Attributes
    ----------
    counts : SessionCounts
        Counts so far.
    """

    def __init__(self) -> None:
        self.counts = SessionCounts()
        self._total_ms = array("d")
        self._structures: dict[str, StructureSummary] = {}

    def add(self, entry: Mapping[str, Any]) -> None:
        """Add one decision as in the journal."""
        self.counts = self.counts.with_entry(entry)
        if entry["kind"] == "frame":
            self._total_ms.append(float(entry["latency_ms"]["total"]))
        for name, part in entry.get(STRUCTURES, {}).items():
            self._structures[name] = with_structure(self._structures.get(name), part)

    def summary(self) -> Summary:
        """Return the figures so far."""
        counts = self.counts
        return Summary(
            frames=counts.frames,
            duty_cycle=counts.duty_cycle,
            beam_on_s=counts.beam_on_s,
            holds=counts.holds,
            hold_reasons=counts.hold_reasons,
            latency_ms=_latency(np.asarray(self._total_ms) if self._total_ms else np.zeros(1)),
            structures=dict(self._structures),
        )


def summary_of(entries: Iterable[Mapping[str, Any]]) -> Summary:
    """Return the figures of the decisions in the lines of a journal."""
    tally = Tally()
    for entry in entries:
        if entry["kind"] in ("frame", "silence"):
            tally.add(entry)
    return tally.summary()


def _latency(total_ms: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Latency:
    p50, p99, p999 = np.percentile(total_ms, (50.0, 99.0, 99.9))
    return Latency(float(p50), float(p99), float(p999), float(total_ms.max()))
