"""Write the report of a session as one self-contained HTML page."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config.safe_ranges import unsafe_settings
from gatekeeper.core import breath_holds as recognised
from gatekeeper.core.decision import Reason
from gatekeeper.core.json_values import measured
from gatekeeper.core.reasons import REASONS, reason_rows
from gatekeeper.report.breath_holds import breath_holds_of
from gatekeeper.report.chain_latency import chain_of
from gatekeeper.report.charts import (
    duty_chart,
    dwell_chart,
    exposed_chart,
    latency_chart,
    movement_chart,
    outside_chart,
)
from gatekeeper.report.exposure import Exposure, exposure_chart, exposure_of
from gatekeeper.report.facts import facts_of, settings_of
from gatekeeper.report.heading import heading_of, limits_of, title_of
from gatekeeper.report.motion import ranges_of
from gatekeeper.report.phases import parts_of
from gatekeeper.report.session_data import SessionData
from gatekeeper.report.spans import Span, Steadiness, spans_of, steadiness
from gatekeeper.report.structures import figures_of, for_strip, holders_of, holds_of, lanes_of, rounded
from gatekeeper.report.templates import template
from gatekeeper.report.thumbnail import BAR_MM, thumbnail
from gatekeeper.report.vendor import vendor_ribbons, vendor_rows
from gatekeeper.report.words import event_text, preview_rows, score_tables
from gatekeeper.session.hold_rows import mean_and_sd
from gatekeeper.style.colors import CATEGORY_COLOR
from gatekeeper.style.reasons import categories_for_page, category_index
from gatekeeper.style.strip_script import strip_script

BUDGET_MS = {"track": 0.7, "decide": 0.3, "total": 1.0}
"""Budget of tracking, of deciding and of both, in ms."""

MOST_THUMBNAILS = 10
MOST_BEAMS = 30
"""Numbers of the longest holds shown and of the longest beams listed."""
DRIFT_FROM_S = 3.0
"""Shortest beam for which a drift is given, in s; in a shorter one breathing dominates."""


def report_html(session: SessionData) -> str:
    """Return the report of a session as one HTML page.

    Parameters
    ----------
    session : SessionData
        The session.
    """
    rows, cols = session.orientation.axes
    spans, moved_mm, times_s = spans_of(session), session.moved_mm(), session.times_s()
    outside_percent, limit_percent = session.outside_percent(), session.limits.outside_percent
    config = session.config
    exposure, holds = exposure_of(session), breath_holds_of(session)
    sure, stages_ms, summary = session.sure(), _stages_ms(session), session.summary
    on, stood_s = session.beam_on(), np.nan_to_num(np.append(np.diff(times_s), 0.0))
    page = template("report.html", minutes=_minutes, clock=_clock, number=_number)
    return page.render(
        title=title_of(session),
        heading=heading_of(session),
        limits=limits_of(session),
        session=session,
        rows=rows,
        cols=cols,
        upper=rows.positive if rows.sign < 0.0 else rows.negative,
        summary=_numbers(session),
        facts=facts_of(session),
        unsafe=unsafe_settings(session.config),
        parts=parts_of(session),
        structures=figures_of(session),
        structure_holds=holds_of(session, spans),
        reasons=_by_reason(session, spans),
        longest=[_shown(session, span) for span in _longest(spans, on=False)[:MOST_THUMBNAILS]],
        bar_mm=BAR_MM,
        beams=_beams(spans, times_s, moved_mm),
        most_beams=MOST_BEAMS,
        drift_from_s=DRIFT_FROM_S,
        motion=ranges_of(session),
        outside=_outside(outside_percent, limit_percent),
        outside_on=_outside(outside_percent[on], limit_percent),
        stages=_stages(stages_ms),
        charts={
            "outside": outside_chart(outside_percent[on], limit_percent),
            "dwell": dwell_chart(moved_mm[sure & on], stood_s[sure & on], session.orientation),
            "latency": latency_chart(stages_ms, BUDGET_MS),
            "duty": duty_chart(session.duty_map, config.envelope.margin_mm, config.gate.outside_percent),
            "exposed": exposed_chart(session.duty_map, config.envelope.margin_mm, config.gate.outside_percent),
            "movement": movement_chart(moved_mm[sure], session.beam_on()[sure], session.orientation),
        },
        chain=chain_of(session),
        exposure=_exposed(session, exposure),
        breath_holds=holds,
        repeated=mean_and_sd(holds) if holds else {},
        still_s=recognised.SHORTEST_S,
        still_breaths=recognised.PAUSES,
        wanted=config.breath_hold,
        scores=score_tables(summary),
        vendor=vendor_rows(summary["vendor"]) if summary.get("vendor") else [],
        ribbons=vendor_ribbons(summary["vendor"]) if summary.get("vendor") else "",
        preview=preview_rows(summary["preview"]) if summary.get("preview") else [],
        events=_events(session),
        settings=settings_of(session.config.model_dump(exclude_none=True)),
        kinds=_kinds(session),
        trace=_trace(session, times_s, moved_mm),
        strip=strip_script(),
    )


def _numbers(session: SessionData) -> dict[str, Any]:
    """Return the figures at the top; the latencies are those of `summary.json`."""
    counts, summary = session.counts(), session.summary
    return {
        "complete": bool(summary),
        "frames": counts.frames,
        "duty_cycle": counts.duty_cycle,
        "armed_duty_cycle": counts.armed_duty_cycle if "delivery" in summary else None,
        "beam_on_s": counts.beam_on_s,
        "holds": counts.holds,
        "lasted_s": float(np.nanmax(session.times_s())),
        "latency_ms": summary.get("latency_ms"),
    }


def _exposed(session: SessionData, exposure: Exposure) -> dict[str, Any] | None:
    """Return the beam-on while outside; None for a session without a delivery."""
    if len(exposure.times_s) < 2:
        return None
    risk_percent = session.config.gate.risk_percent
    return {
        "total_s": exposure.total_s,
        "percent": exposure.percent,
        "worst_minute": float(exposure.shares()[1].max()),
        "risk_percent": risk_percent,
        "chart": exposure_chart(exposure, risk_percent),
    }


def _by_reason(session: SessionData, spans: list[Span]) -> list[dict[str, Any]]:
    """Return one row per reason: on how many decisions, for how long and in how many holds it was given."""
    reasons, times_s, decisions = session.reasons(), session.times_s(), session.counts().hold_reasons
    stands_s = np.nan_to_num(np.append(np.diff(times_s), 0.0))
    holds = [span for span in spans if not span.on]
    return [
        {
            "word": row.reason.value,
            "words": row.text,
            "action": row.action,
            "color": CATEGORY_COLOR[row.category],
            "decisions": decisions[row.reason],
            "lasted_s": float(stands_s[[row.reason in given for given in reasons]].sum()),
            "holds": sum(row.reason in span.reasons for span in holds),
            "longest_s": max((span.lasted_s for span in holds if row.reason in span.reasons), default=0.0),
        }
        for row in reason_rows()
        if row.reason in decisions
    ]


def _longest(spans: list[Span], on: bool) -> list[Span]:
    return sorted((span for span in spans if span.on is on), key=lambda span: -span.lasted_s)


def _shown(session: SessionData, span: Span) -> dict[str, Any]:
    """Return a hold with a picture of its middle, or of the frame next to that which was kept."""
    middle = (span.first + span.after - 1) // 2
    picture = None
    for index in sorted(range(span.first, span.after), key=lambda index: abs(index - middle)):
        image = session.image(index)
        if image is not None:
            picture = thumbnail(image, session.spacing_mm, session.envelope_px, session.outlines(index))
            break
    words = ", ".join(REASONS[reason].text for reason in span.reasons)
    values = {"begin_s": span.begin_s, "lasted_s": span.lasted_s, "words": words, "picture": picture}
    return {**values, "holders": holders_of(session, span)}


def _beams(spans: list[Span], times_s: NDArray[np.float64], moved_mm: NDArray[np.float64]) -> list[Steadiness]:
    """Return how still the target was in each of the longest beams, in the order of time."""
    longest = _longest(spans, on=True)[:MOST_BEAMS]
    steady = [steadiness(span, times_s, moved_mm) for span in sorted(longest, key=lambda span: span.begin_s)]
    return [one for one in steady if one is not None]


def _stages_ms(session: SessionData) -> dict[str, NDArray[np.float64]]:
    """Return how long each stage took on every frame, in ms."""
    frames = [entry["latency_ms"] for entry in session.decisions if entry["kind"] == "frame"]
    return {stage: np.array([float(one[stage]) for one in frames]) for stage in BUDGET_MS}


def _stages(stages_ms: dict[str, NDArray[np.float64]]) -> list[dict[str, Any]]:
    """Return how long each stage took beside its budget."""
    rows = []
    for stage, taken_ms in stages_ms.items():
        p50, p99, worst = np.percentile(taken_ms, (50.0, 99.0, 100.0)) if taken_ms.size else (np.nan,) * 3
        over = float((taken_ms > BUDGET_MS[stage]).mean()) if taken_ms.size else np.nan
        rows.append({"name": stage, "p50": p50, "p99": p99, "max": worst, "budget": BUDGET_MS[stage], "over": over})
    return rows


def _outside(outside_percent: NDArray[np.float64], limit_percent: float) -> dict[str, float]:
    """Return the share of decisions within the limit, among those on which it was measured, and the median and p95."""
    known = outside_percent[np.isfinite(outside_percent)]
    p50, p95 = np.percentile(known, (50.0, 95.0)) if known.size else (np.nan, np.nan)
    within = float((known <= limit_percent).mean()) if known.size else np.nan
    return {"within": within, "p50": float(p50), "p95": float(p95), "unknown": len(outside_percent) - known.size}


def _kinds(session: SessionData) -> list[dict[str, str]]:
    """Return the kinds of hold that there were."""
    there = {category_index(reason) for given in session.reasons() for reason in given}
    return [category for place, category in enumerate(categories_for_page()) if place in there]


def _events(session: SessionData) -> list[dict[str, Any]]:
    """Return what happened besides the decisions, by the time since the first of them."""
    began_s = measured(session.decisions[0]["decided_s"])
    return [
        {
            "event": one["event"],
            "time_s": measured(one["time_s"]) - began_s,
            "text": event_text(one["values"], session.orientation.axes),
        }
        for one in session.events
    ]


def _trace(session: SessionData, times_s: NDArray[np.float64], moved_mm: NDArray[np.float64]) -> str:
    """Return what the strip draws, as JSON that is safe inside a script element."""
    reasons = session.reasons()
    values = {
        "data": {
            "t": rounded(times_s, 3),
            "rows": rounded(moved_mm[:, 0], 2),
            "cols": rounded(moved_mm[:, 1], 2),
            "outside": rounded(session.outside_percent(), 2),
            "predicted": rounded(session.numbers("predicted_percent"), 2),
            "confidence": rounded(session.numbers("confidence"), 3),
            "on": session.beam_on().astype(int).tolist(),
            "kind": [category_index(given[0]) if given else -1 for given in reasons],
            "why": [[list(Reason).index(reason) for reason in given] for given in reasons],
            **(lanes_of(session) if session.structures else {}),
        },
        "structures": [for_strip(one) for one in session.structures],
        "axes": list(session.orientation.names),
        "words": [row.text for row in reason_rows()],
        "kinds": categories_for_page(),
        "limits": {
            "margin": session.limits.margin_mm,
            "outside": session.limits.outside_percent,
            "resume": session.resume_percent,
            "confidence": session.limits.min_confidence,
        },
    }
    return json.dumps(values, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _minutes(seconds: float) -> str:
    """Return a time as minutes and seconds."""
    if not np.isfinite(seconds):
        return "–"
    tenths = int(10.0 * seconds + 0.5)  # as pages round, halves up: a table and the trace say the same
    return f"{tenths // 600} min {tenths % 600 / 10.0:04.1f} s" if tenths >= 600 else f"{tenths / 10.0:.1f} s"


def _clock(seconds: float) -> str:
    """Return a time since the first decision as the trace's axis has it."""
    if not np.isfinite(seconds):
        return "–"
    tenths = int(10.0 * abs(seconds) + 0.5)
    return f"{'−' if seconds < 0.0 and tenths else ''}{tenths // 600}:{tenths % 600 / 10.0:04.1f}"


def _number(value: float | None, digits: int = 1, unit: str = "") -> str:
    """Return a number with its unit, which stays on its line, or a dash for none."""
    unit = unit.replace(" ", "\u00a0")
    return "–" if value is None or not np.isfinite(value) else f"{round(value, digits) + 0.0:.{digits}f}{unit}"
