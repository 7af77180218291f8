"""Write a latency test: result.json, result.csv, changes.csv and report.html, and its table."""

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path

from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.report.latency_test import LatencyPage, latency_html
from replay.qa.history import FIGURES, slope_ms_a_month
from replay.qa.outcome import Outcome
from replay.qa.result import LatencyResult, Spread
from replay.qa.tolerances import TITLES, Check

WORDS = {
    "imaging": "imaging: frame taken to its arrival",
    "compute": "computing: arrival to decision",
    "link": "link: decision to interlock",
    "beam_off": "beam off: interlock to beam",
    "beam_on": "beam on: interlock to beam",
    "off": "latency, beam off: frame taken to beam",
    "on": "latency, beam on: frame taken to beam",
    "delay_off": "target leaves to beam off",
    "delay_on": "target returns to beam on",
}


def write_outcome(outcome: Outcome, folder: Path) -> None:
    """Write `result.json`, `result.csv`, `changes.csv` and `report.html` into a folder."""
    write_atomically(folder / "result.json", json.dumps(outcome.as_json(), indent=1, allow_nan=False).encode())
    write_atomically(folder / "result.csv", _result_csv(outcome).encode())
    rows = [("to", "crossed_s", "changed_s", "delay_ms", "mm_per_s")]
    rows += [
        (one.to, f"{one.crossed_s:.4f}", f"{one.changed_s:.4f}", f"{1e3 * (one.changed_s - one.crossed_s):.2f}",
         f"{one.mm_per_s:.2f}")
        for one in outcome.result.changes
    ]  # fmt: skip
    write_atomically(folder / "changes.csv", _csv(rows).encode())
    write_atomically(folder / "report.html", latency_html(page_of(outcome)).encode())


def table_lines(outcome: Outcome) -> list[str]:
    """Return the figures and the verdict as lines of text."""
    lines = [f"{'':42}{'mean':>8}{'SD':>8}{'p95':>8}{'error':>8}{'n':>6}  ms"]
    for words, *row, count in _rows(outcome):
        lines.append(f"{words:42}{''.join(f'{text:>8}' for text in row)}{count:>6}")
    for check in outcome.checks:
        value, expected, tolerance = _check_texts(check)
        limit = f"expected {expected}, tolerance {tolerance}" if tolerance else f"at least {expected}"
        lines.append(f"{'passed' if check.good else 'FAILED':8}{check.name}: {value} ({limit})")
    lines += [f"note: {note}" for note in outcome.notes]
    return [*lines, f"latency test {'passed' if outcome.passed else 'FAILED'}"]


def page_of(outcome: Outcome) -> LatencyPage:
    """Return what the page of a test shows."""
    result = outcome.result
    known = [one for one in result.segments if one.tracking is not None]
    segments, rows = [], []
    for one in known:
        segment, tracking = one.segment, one.tracking
        assert tracking is not None  # noqa: S101  (chosen above)
        size = f"{segment.amplitude_mm:.0f} mm"
        name = f"{segment.shape} {size}" + (f", {segment.period_s:.2f} s" if segment.period_s > 0.0 else "")
        measured_mm, delay_ms = segment.amplitude_mm * tracking.amplitude, 1e3 * tracking.delay_s
        segments.append((name, segment.amplitude_mm, measured_mm, delay_ms))
        phase = 360.0 * tracking.delay_s / segment.period_s
        rows.append(
            (name, f"{segment.amplitude_mm:.1f}", f"{measured_mm:.1f}", f"{delay_ms:.1f}", _text(phase),
             f"{tracking.sd_mm:.2f}", f"{tracking.p95_mm:.2f}", str(tracking.frames))
        )  # fmt: skip
    days = [day for day in outcome.days if day.session == outcome.name]
    trends = {
        TITLES[name]: [day.figures_ms.get(name, math.nan) for day in days]
        for name in FIGURES
        if any(name in day.figures_ms for day in days)
    }
    slopes = [
        (TITLES[name], _text(slope_ms_a_month(outcome.days, name)))
        for name in FIGURES
        if days and name in days[-1].figures_ms
    ]
    return LatencyPage(
        title=outcome.name,
        passed=outcome.passed,
        facts=outcome.facts,
        tiles=_tiles(result),
        latencies=[*_rows(outcome)],
        checks=[(check.name, *_check_texts(check), check.good) for check in outcome.checks],
        segments=segments,
        segment_rows=rows,
        trace=result.trace,
        axis=outcome.axis,
        off_ms=[1e3 * (one.changed_s - one.crossed_s) for one in result.changes if one.to == "off"],
        on_ms=[1e3 * (one.changed_s - one.crossed_s) for one in result.changes if one.to == "on"],
        days=[f"{day.date:%Y-%m-%d}" for day in days],
        trends=trends,
        days_passed=[day.passed for day in days],
        slopes=slopes,
        notes=outcome.notes,
    )


def _tiles(result: LatencyResult) -> list[tuple[str, str]]:
    tiles = [
        (f"{one.mean:.0f} ms", words)
        for one, words in (
            (result.off, "latency, beam off"),
            (result.on, "latency, beam on"),
            (result.imaging, "imaging"),
            (result.beam_off, "beam off alone"),
            (result.beam_on, "beam on alone"),
        )
        if one is not None
    ]
    if result.tracking is not None:
        tiles.append((f"{result.tracking.p95_mm:.2f} mm", "position, p95"))
    return [*tiles, (f"{result.gating.right_percent:.1f} %", "of time, beam as the truth")]


def _rows(outcome: Outcome) -> list[tuple[str, ...]]:
    """Return each latency as texts, and what crossings and beam alone tell."""
    result = outcome.result
    rows: list[tuple[str, ...]] = []
    for name, words in WORDS.items():
        one: Spread | None = getattr(result, name)
        if one is not None:
            count = "given" if one.n == 0 else str(one.n)
            rows.append((words, _text(one.mean), _text(one.sd), _text(one.p95), _text(one.error), count))
    if result.outside is not None and result.tracking is not None:
        for word, latency in (("off", result.outside.off), ("on", result.outside.on)):
            if latency is not None:
                mean, error = _text(1e3 * latency.mean_s), _text(1e3 * latency.error_s)
                rows.append((f"beam {word}, by crossings and beam alone", mean, "", "", error, str(latency.n)))
    return rows


def _check_texts(check: Check) -> tuple[str, str, str]:
    """Return value, expected and tolerance as texts; the tolerance is empty for a least value."""
    unit = f" {check.unit}" if check.unit else ""
    digits = 0 if not check.unit else 2 if check.unit == "mm" else 1
    value = "–" if math.isnan(check.value) else f"{check.value:.{digits}f}{unit}"
    least = f"{check.expected:.{digits}f}{unit}"
    return value, least, "" if check.is_least else f"{check.tolerance:g}{unit}"


def _result_csv(outcome: Outcome) -> str:
    rows: list[tuple[object, ...]] = [("figure", "mean_ms", "sd_ms", "p95_ms", "error_ms", "n")]
    for name in WORDS:
        one: Spread | None = getattr(outcome.result, name)
        if one is not None:
            rows.append((name, *(f"{value:.3f}" for value in (one.mean, one.sd, one.p95, one.error)), one.n))
    rows.append(("check", "value", "expected", "tolerance", "unit", "passed"))
    rows += [
        (check.name, f"{check.value:.3f}", f"{check.expected:g}", f"{check.tolerance:g}", check.unit, int(check.good))
        for check in outcome.checks
    ]
    return _csv(rows)


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _text(value: float, digits: int = 1) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}" if math.isfinite(value) else "–"
