"""Result: what came out of a replay, as the numbers that the summary and the table are made of."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from gatekeeper.recording.summary import Summary
from replay.gating_scores import GatingScore
from replay.scores import Score


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of a replay.

    Attributes
    ----------
    case : str
        What the case is called.
    folder : Path
        Where the session is.
    summary : Summary
        The session in numbers.
    score : Score or None
        How well the target was tracked; None where the case has no labels to score against.
    gating : GatingScore or None
        How well the beam was gated; None likewise.
    """

    case: str
    folder: Path
    summary: Summary
    score: Score | None
    gating: GatingScore | None

    def as_json(self) -> dict[str, object]:
        """Return what `summary.json` holds: plain values for JSON, None for what could not be measured."""
        values: dict[str, object] = {"case": self.case, **asdict(self.summary), "session": str(self.folder)}
        if self.score is not None:
            score = {name: getattr(self.score, name) for name in Score.__slots__ if name != "frames"}
            values["score"] = {name: value if math.isfinite(value) else None for name, value in score.items()}
        if self.gating is not None:
            values["gating"] = asdict(self.gating)
        return values

    def as_table(self) -> Table:
        """Return the result as an aligned table for a terminal."""
        summary, latency = self.summary, self.summary.latency_ms
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row("case", self.case)
        table.add_row("frames", str(summary.frames))
        table.add_row("duty cycle", f"{100.0 * summary.duty_cycle:.1f} %, beam on for {summary.beam_on_s:.1f} s")
        table.add_row("holds", str(summary.holds))
        for reason, frames in summary.hold_reasons.items():
            table.add_row(f"  {reason.replace('_', ' ')}", f"{frames} frames")
        table.add_row("latency", f"p50 {latency.p50:.2f} ms, p99 {latency.p99:.2f} ms, max {latency.max:.2f} ms")
        if self.score is not None:
            score = self.score
            table.add_row("tracking", f"DSC {score.dsc:.3f}, centre {score.center_mm:.2f} mm")
            table.add_row("", f"HD95 {score.hd95_mm:.2f} mm, MASD {score.masd_mm:.2f} mm")
            table.add_row("", f"D98 {score.d98_relative:.3f}, {score.frames_scored} frames scored")
        if self.gating is not None:
            gating = self.gating
            table.add_row("gating", f"{100.0 * gating.accuracy:.1f} % of {gating.frames_scored} frames right")
            table.add_row(
                "", f"on while out {gating.on_while_out_s:.2f} s, false hold {gating.false_hold_s:.2f} s"
            )
        table.add_row("session", str(self.folder))
        table.add_row("picture", str(self.folder / "overview.png"))
        return table
