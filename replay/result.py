"""Hold the result of a replay, and write it as JSON or as a table."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gatekeeper.core.json_values import aligned, numbers
from gatekeeper.core.reasons import text_of
from gatekeeper.recording.session_folder import Seal
from gatekeeper.recording.summary import Summary, structure_rows
from gatekeeper.runtime.timing import LagSummary
from gatekeeper.tracking.preview.report import PreviewReport
from replay.reference import ReferenceOutcome
from replay.scores.gating import GatingScore
from replay.scores.structure_table import as_table as table_of_structures
from replay.scores.structures import StructureScore
from replay.scores.tracking import Score
from replay.scores.vendor import VendorComparison


@dataclass(frozen=True, slots=True)
class Result:
    """Result of a replay.

    Attributes
    ----------
    case : str
        Name of the case.
    folder : Path
        The session folder.
    summary : Summary
        Counts and times of the session.
    replay_s : float
        Real time from the start of the loop to its end, in seconds.
    lag : LagSummary
        Lateness of the loop.
    score : Score or None
        Score of the tracking of the primary target; None when it has no labels.
    gating : GatingScore or None
        Score of the gating, against all structures with labels; None without labels.
    seal : Seal
        End of the record: hash of the last line and counts of frames.
    preview : PreviewReport or None
        Report on the preview, if there was one.
    reference : ReferenceOutcome or None
        What became of the frame that was to become the reference, if there was one.
    vendor : VendorComparison or None
        Comparison with the machine's own monitoring, where the recording has its results.
    structures : dict of str to StructureScore
        Scores of each of several structures that has labels, by its name.
    """

    case: str
    folder: Path
    summary: Summary
    replay_s: float
    lag: LagSummary
    score: Score | None
    gating: GatingScore | None
    seal: Seal
    preview: PreviewReport | None = None
    reference: ReferenceOutcome | None = None
    vendor: VendorComparison | None = None
    structures: dict[str, StructureScore] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the content of `summary.json` as plain values; None for what could not be measured."""
        values: dict[str, object] = {"case": self.case, **self.summary.as_json(), "replay_s": round(self.replay_s, 6)}
        values["lag"] = numbers(asdict(self.lag))
        values |= {"session": str(self.folder), **self.seal.as_json()}
        if self.preview is not None:
            values["preview"] = numbers(self.preview.as_json())
        if self.reference is not None:
            values["reference"] = asdict(self.reference)
        if self.score is not None:
            score = {name: getattr(self.score, name) for name in Score.__slots__ if name != "frames"}
            values["score"] = numbers(score)
        if self.gating is not None:
            values["gating"] = asdict(self.gating)
        if self.structures:
            values["structure_scores"] = {name: one.as_json() for name, one in self.structures.items()}
        if self.vendor is not None:
            values["vendor"] = asdict(self.vendor)
        return values

    @property
    def _longest_ms(self) -> float:
        return max(self.lag.late_max_ms, self.lag.busy_max_ms)

    def as_table(self, report: Path | None = None) -> str:
        """Return the result as aligned lines for a reader.

        Parameters
        ----------
        report : Path, optional
            Path of the report, if one was written.

        Returns
        -------
        str
            One line per figure.
        """
        rows = aligned([*self._rows(), *([] if report is None else [("report", str(report))])])
        if self.structures:
            rows += ["", table_of_structures(self.structures)]
        return "\n".join(rows if self.preview is None else [self.preview.as_text(), "", *rows])

    def _rows(self) -> Iterator[tuple[str, str]]:
        summary, latency, score, gating = self.summary, self.summary.latency_ms, self.score, self.gating
        yield "case", self.case
        yield "frames", f"{summary.frames} in {self.replay_s:.2f} s, {summary.frames / self.replay_s:.0f} per second"
        yield "duty cycle", f"{100.0 * summary.duty_cycle:.1f} %, beam on for {summary.beam_on_s:.1f} s"
        yield "holds", f"{summary.holds}"
        for reason, frames in summary.hold_reasons.items():
            yield f"  {text_of(reason)}", f"{frames} decisions"
        yield from structure_rows(summary.structures)
        yield "latency", f"p50 {latency.p50:.2f} ms, p99 {latency.p99:.2f} ms, max {latency.max:.2f} ms"
        if self.lag.stalls:
            yield "stalls", f"{self.lag.stalls} of {self.lag.passes} passes late or long, max {self._longest_ms:.0f} ms"
        if self.reference is not None:
            yield "reference", self.reference.note
        if score is not None:
            yield "tracking", f"DSC {score.dsc:.3f}, centre {score.center_mm:.2f} mm"
            yield "", f"HD95 {score.hd95_mm:.2f} mm, MASD {score.masd_mm:.2f} mm"
            yield "", f"D98 {score.d98_relative:.3f}, {score.frames_scored} frames scored"
            if score.frames_not_tracked:
                others = "" if math.isnan(score.dsc_tracked) else f"; DSC of the others {score.dsc_tracked:.3f}"
                yield "", f"{score.frames_not_tracked} frames were not fit to be tracked and count as lost{others}"
        if gating is not None:
            only = f", by the labels of {', '.join(self.structures)}" if self.structures else ""
            yield "gating", f"{100.0 * gating.accuracy:.1f} % of {gating.frames_scored} frames right{only}"
            yield "", f"on while out {gating.on_while_out_s:.2f} s, false hold {gating.false_hold_s:.2f} s"
        if self.vendor is not None:
            yield from _vendor_rows(self.vendor)
        if self.seal.frames_dropped:
            yield "not recorded", f"{self.seal.frames_dropped} frames"
        yield "session", str(self.folder)
        if (self.folder / "overview.png").exists():
            yield "picture", str(self.folder / "overview.png")


def _vendor_rows(vendor: VendorComparison) -> Iterator[tuple[str, str]]:
    """Yield the comparison with the machine's own monitoring."""
    if vendor.distance_mm is not None:
        yield (
            vendor.name,
            f"centre {vendor.distance_mm:.2f} mm from ours (median of {vendor.frames_located} frames), "
            f"95 % within {vendor.distance_p95_mm:.2f} mm, at most {vendor.distance_max_mm:.2f} mm",
        )
        if vendor.mean_lps_mm is not None:
            left, posterior, superior = vendor.mean_lps_mm
            yield "", f"ours less theirs S {superior:+.2f} mm, P {posterior:+.2f} mm, L {left:+.2f} mm on average"
    if vendor.agreement is not None:
        first = (
            "" if vendor.first_disagreement is None else f"; the first other one on frame {vendor.first_disagreement}"
        )
        yield (
            vendor.name,
            f"the same decision on {100.0 * vendor.agreement:.1f} % of {vendor.frames_decided} frames{first}",
        )
