"""Write a latency test as one self-contained HTML page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.report.latency_charts import delay_chart, linearity_chart, trace_chart, trend_chart
from gatekeeper.report.templates import template


@dataclass(frozen=True, slots=True)
class LatencyPage:
    """What the page of a latency test shows.

    Attributes
    ----------
    title : str
        Name of the session.
    passed : bool
        The verdict.
    facts : sequence of tuple of str
        Names and texts about the test.
    tiles : sequence of tuple of str
        The main figures, each with its words.
    latencies : sequence of tuple
        A row for each latency: its words, and mean, standard deviation, 95th percentile, standard error and number as
        texts.
    checks : sequence of tuple
        A row for each check: words, value, expected, tolerance, and whether it is good.
    segments : sequence of tuple
        Name, true and measured amplitude in mm, delay in ms of each part of the motion.
    segment_rows : sequence of tuple of str
        The same as texts, with its accuracy.
    trace : mapping
        Samples for the picture of the trace.
    axis : str
        Axis of the trace.
    off_ms, on_ms : sequence of float
        Times from crossing to beam, in ms.
    days : sequence of str
        Dates of the tests before and of this one; empty without a history.
    trends : mapping
        Latencies in ms on these days, by their words.
    days_passed : sequence of bool
        Their verdicts.
    slopes : sequence of tuple of str
        Latencies with their slopes.
    notes : sequence of str
        What must be known to read the figures.
    """

    title: str
    passed: bool
    facts: Sequence[tuple[str, str]]
    tiles: Sequence[tuple[str, str]]
    latencies: Sequence[tuple[str, ...]]
    checks: Sequence[tuple[str, str, str, str, bool]]
    segments: Sequence[tuple[str, float, float, float]]
    segment_rows: Sequence[tuple[str, ...]]
    trace: Mapping[str, Sequence[float]]
    axis: str
    off_ms: Sequence[float]
    on_ms: Sequence[float]
    days: Sequence[str]
    trends: Mapping[str, Sequence[float]]
    days_passed: Sequence[bool]
    slopes: Sequence[tuple[str, str]]
    notes: Sequence[str]


def latency_html(page: LatencyPage) -> str:
    """Return the page of a latency test.

    Parameters
    ----------
    page : LatencyPage
        What it shows.

    Returns
    -------
    str
        The HTML.
    """
    charts: dict[str, Any] = {
        "trace": trace_chart(page.trace, page.axis),
        "delays": delay_chart(page.off_ms, page.on_ms),
        "linearity": linearity_chart(page.segments) if page.segments else "",
        "trend": trend_chart(page.days, page.trends, page.days_passed) if len(page.days) > 1 else "",
    }
    return template("latency.html").render(page=page, charts=charts)
