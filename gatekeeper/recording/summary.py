"""Summary: what a session comes down to in numbers, counted while it runs."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatekeeper.core.decision import BeamState, Reason


@dataclass(frozen=True, slots=True)
class Latency:
    """Real time from the arrival of a frame until its decision was sent, in milliseconds.

    Attributes
    ----------
    p50, p99, p999, max : float
        The median, the 99th and the 99.9th percentile, and the worst; 0 when there was no frame.
    """

    p50: float
    p99: float
    p999: float
    max: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A session in numbers.

    Attributes
    ----------
    frames : int
        Frames that were judged.
    duty_cycle : float
        Beam-on time as a share of the time from the first to the last decision, 0-1; 0 when that time is 0.
    beam_on_s : float
        Session time during which the beam was allowed, in seconds.
    holds : int
        Separate holds, the one at the start included.
    hold_reasons : dict of str to int
        How many decisions carried each reason; a decision may carry several.
    latency_ms : Latency
        How long decisions took.
    """

    frames: int
    duty_cycle: float
    beam_on_s: float
    holds: int
    hold_reasons: dict[str, int]
    latency_ms: Latency


class Tally:
    """Counts decisions as they are made."""

    def __init__(self) -> None:
        self._frames = 0
        self._holds = 0
        self._reasons: Counter[str] = Counter()
        self._beam_on_s = 0.0
        self._begin_s = self._last_s = 0.0
        self._last: str | None = None
        self._total_ms = array("d")

    def add(self, entry: Mapping[str, Any]) -> None:
        """Count one decision in as the journal has it, and the beam-on time since the one before."""
        total_ms = None if entry["kind"] == "silence" else float(entry["latency_ms"]["total"])
        self.count(float(entry["decided_s"]), str(entry["state"]), entry["reasons"], total_ms)

    def count(self, time_s: float, state: str, reasons: Iterable[str], total_ms: float | None) -> None:
        """Count one decision in that is in no journal; `total_ms` is None when there was no frame."""
        if self._last is None:
            self._begin_s = time_s
        elif self._last == BeamState.ON:
            self._beam_on_s += time_s - self._last_s
        if state == BeamState.HOLD and (self._last is None or self._last == BeamState.ON):
            self._holds += 1
        if total_ms is not None:
            self._frames += 1
            self._total_ms.append(total_ms)
        self._reasons.update(str(reason) for reason in reasons)
        self._last, self._last_s = str(state), time_s

    def summary(self) -> Summary:
        """Return the numbers so far."""
        lasted_s = self._last_s - self._begin_s
        return Summary(
            frames=self._frames,
            duty_cycle=min(self._beam_on_s / lasted_s, 1.0) if lasted_s > 0.0 else 0.0,
            beam_on_s=round(self._beam_on_s, 6),
            holds=self._holds,
            hold_reasons={
                reason.value: self._reasons[reason.value] for reason in Reason if self._reasons[reason.value]
            },
            latency_ms=_latency(np.asarray(self._total_ms) if self._total_ms else np.zeros(1)),
        )


def summary_of(entries: Iterable[Mapping[str, Any]]) -> Summary:
    """Return the numbers of the decisions among the lines of a journal."""
    tally = Tally()
    for entry in entries:
        if entry["kind"] in ("frame", "silence"):
            tally.add(entry)
    return tally.summary()


def _latency(total_ms: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Latency:
    p50, p99, p999 = np.percentile(total_ms, (50.0, 99.0, 99.9))
    return Latency(float(p50), float(p99), float(p999), float(total_ms.max()))
