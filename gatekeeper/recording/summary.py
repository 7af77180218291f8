"""The summary of a session, counted while it runs."""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatekeeper.core.session_counts import SessionCounts


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
    """

    frames: int
    duty_cycle: float
    beam_on_s: float
    holds: int
    hold_reasons: dict[str, int]
    latency_ms: Latency


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

    def add(self, entry: Mapping[str, Any]) -> None:
        """Add one decision as in the journal."""
        self.counts = self.counts.with_entry(entry)
        if entry["kind"] == "frame":
            self._total_ms.append(float(entry["latency_ms"]["total"]))

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
