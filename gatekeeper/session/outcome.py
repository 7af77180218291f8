"""The outcome of a live session: the figures of its summary and of the table that is printed at its end."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from gatekeeper.core.decision import BeamState
from gatekeeper.core.json_values import aligned, numbers
from gatekeeper.core.reasons import text_of
from gatekeeper.operator.request import Request
from gatekeeper.recording.session_folder import Seal
from gatekeeper.recording.summary import Summary, structure_rows
from gatekeeper.runtime.timing import LagSummary
from gatekeeper.session.preview_learning import Learned
from gatekeeper.session.status import Status


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Figures of a finished live session.

    Attributes
    ----------
    name : str
        Name of the session.
    folder : Path
        Folder of the session.
    summary : Summary
        Figures from the first decision to the last.
    lag : LagSummary
        How well the loop kept its deadlines.
    status : Status
        The last status.
    was_armed : bool
        Whether the gate was ever armed.
    ended_by : Request or None
        The request that ended the session; None when the source ended.
    learned : Learned or None
        Result of the preview, if there was one.
    source : mapping or None
        What the source did not use, as in `SourceNotes.as_json`; None when it does not count.
    seal : Seal or None
        Frame counts of the record, and its head once it is sealed; None when the record is incomplete.
    fault : str or None
        The error that ended the session, if any.
    """

    name: str
    folder: Path
    summary: Summary
    lag: LagSummary
    status: Status
    was_armed: bool
    ended_by: Request | None
    learned: Learned | None
    source: Mapping[str, object] | None = None
    seal: Seal | None = None
    fault: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return the content of `summary.json` as JSON values, with None for what could not be measured."""
        values: dict[str, object] = {"case": self.name, **self.summary.as_json(), "lag": numbers(asdict(self.lag))}
        values |= {"session": str(self.folder), **({} if self.seal is None else self.seal.as_json())}
        counts = self.status.counts
        values["delivery"] = {
            "armed": self.was_armed,
            "armed_s": counts.armed_s,
            "beam_on_s": counts.beam_on_s,
            "duty_cycle": counts.armed_duty_cycle,
        }
        values["last_state"] = BeamState.HOLD.value
        values["frames_missing"] = counts.missing
        values["source"] = self.source
        values["ended_by"] = (
            None if self.ended_by is None else {"operator": self.ended_by.operator, "door": self.ended_by.origin}
        )
        values["fault"] = self.fault
        if self.learned is not None:
            values["preview"] = numbers(self.learned.preview.as_json())
            values["target"] = numbers({"nearest_mm": self.learned.nearest_mm, "inside": self.learned.inside})
        return values

    def as_table(self) -> str:
        """Return the outcome as aligned lines of text."""
        return "\n".join(aligned(self._rows()))

    def _rows(self) -> Iterator[tuple[str, str]]:
        summary, latency, counts, lag = self.summary, self.summary.latency_ms, self.status.counts, self.lag
        yield "session", self.name
        yield "frames", f"{summary.frames}, {counts.skipped} skipped, {counts.missing} missing"
        yield "armed", f"{counts.armed_s:.1f} s" if self.was_armed else "never"
        yield "duty cycle", f"{100.0 * counts.armed_duty_cycle:.1f} % of that, beam on for {counts.beam_on_s:.1f} s"
        yield "holds", f"{summary.holds}"
        for reason, frames in summary.hold_reasons.items():
            yield f"  {text_of(reason)}", f"{frames} decisions"
        yield from structure_rows(summary.structures)
        yield "latency", f"p50 {latency.p50:.2f} ms, p99 {latency.p99:.2f} ms, max {latency.max:.2f} ms"
        if lag.stalls:
            longest_ms = max(lag.late_max_ms, lag.busy_max_ms)
            yield "stalls", f"{lag.stalls} of {lag.passes} passes late or long, max {longest_ms:.0f} ms"
        if self.seal is not None and self.seal.frames_dropped:
            yield "not recorded", f"{self.seal.frames_dropped} frames"
        if self.ended_by is not None:
            yield "ended by", f"{self.ended_by.operator} ({self.ended_by.origin})"
        yield "kept in", str(self.folder)
        if self.fault is not None:
            yield "fault", self.fault
