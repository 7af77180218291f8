"""Write the sessions of one course side by side as one self-contained HTML page."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gatekeeper.core import breath_holds
from gatekeeper.core.axes import ORIENTATIONS
from gatekeeper.core.reasons import reason_rows
from gatekeeper.report.course_charts import duty_chart, duty_maps, motion_chart
from gatekeeper.report.course_data import (
    FEWEST_FOR_OUTLIERS,
    FEWEST_FOR_TREND,
    FIGURES,
    OUTLIER_SCORE,
    TREND_P,
    CourseSession,
    outliers,
    trend,
)
from gatekeeper.report.course_facts import course_rows
from gatekeeper.report.templates import template
from gatekeeper.session.hold_rows import mean_and_sd


def course_html(sessions: Sequence[CourseSession], linked: bool = False) -> str:
    """Return the page of a course.

    Parameters
    ----------
    sessions : sequence of CourseSession
        At least one, in the order of their fractions.
    linked : bool
        Whether each session is linked to, at ``/session/0`` and so on; there must be a server that opens it.
    """
    facts = sessions[0].course
    title = "Course" if facts is None else f"{facts.label}, course {facts.course}"
    positive = next(one.positive for one in ORIENTATIONS.values() if one.names == sessions[0].axes)
    return template("course.html").render(
        title=title,
        sessions=sessions,
        linked=linked,
        notes=notes_on(sessions),
        tiles=_tiles(sessions),
        facts=_facts(sessions),
        figures=figure_rows(sessions),
        charts={"duty": duty_chart(sessions), "motion": motion_chart(sessions), "maps": duty_maps(sessions)},
        tables=[_held(sessions), _workflow(sessions)],
        holds=[_holds(one) for one in sessions],
        positive=positive,
        outlier_score=OUTLIER_SCORE,
        fewest_outliers=FEWEST_FOR_OUTLIERS,
        fewest_trend=FEWEST_FOR_TREND,
        trend_p=TREND_P,
        shortest_s=breath_holds.SHORTEST_S,
        breaths=breath_holds.PAUSES,
    )


def notes_on(sessions: Sequence[CourseSession]) -> list[str]:
    """Return what must be known before the figures of a course are read, one line each."""
    notes = [f"{one.name}: NOT verified; see its own report" for one in sessions if not one.good]
    facts = [one.course for one in sessions if one.course is not None]
    numbers = [one.fraction for one in facts]
    if len(set(numbers)) < len(numbers):
        twice = sorted({number for number in numbers if numbers.count(number) > 1})
        notes.append(f"fraction {', '.join(map(str, twice))}: several sessions; it was interrupted or is given twice")
    expected = max((one.fractions for one in facts if one.fractions is not None), default=0)
    if lacking := sorted(set(range(1, expected + 1)) - set(numbers)):
        notes.append(f"fraction {', '.join(map(str, lacking))} of {expected}: no session is given")
    if len({(one.dose_gy, one.fractions) for one in facts}) > 1:
        notes.append("the prescription is not the same in all sessions")
    if len({one.axes for one in sessions}) > 1:
        notes.append("the images are not of the same orientation in all sessions; motion is along the rows of each")
    return notes


def figure_rows(sessions: Sequence[CourseSession]) -> list[dict[str, Any]]:
    """Return a row for each figure that is not 0 or missing everywhere: title, texts, statistics and trend."""
    rows = []
    for figure in FIGURES:
        values = [one.figures[figure.name] for one in sessions]
        if not np.any(np.nan_to_num(values)):
            continue
        shown = [
            (_text(value, figure.digits), out)
            for value, out in zip(values, outliers(values, figure.matters), strict=True)
        ]
        rows_name, cols_name = sessions[0].axes
        title = figure.title.format(rows=rows_name, cols=cols_name)
        title = f"{title} ({figure.unit})" if figure.unit else title
        rows.append({"title": title, "shown": shown, "trend": trend(values), **_statistics(values, figure.digits)})
    return rows


def _tiles(sessions: Sequence[CourseSession]) -> list[tuple[str, str]]:
    """Return the course in a few large figures."""
    facts = sessions[-1].course
    beam_min = sum(one.figures["beam_on_min"] for one in sessions)
    tiles = [(f"{len(sessions)}", "sessions"), (f"{beam_min:.1f} min", "beam on, all sessions")]
    if facts is not None and facts.beam_on_s is not None and facts.fractions is not None:
        tiles.append((f"{facts.beam_on_s * facts.fractions / 60.0:.1f} min", "beam on, prescribed for the course"))
    return tiles


def _facts(sessions: Sequence[CourseSession]) -> list[tuple[str, str]]:
    """Return what is known of the course, as of its last session."""
    facts = sessions[-1].course
    return [] if facts is None else [row for row in course_rows(facts) if row[0] != "course"]


def _held(sessions: Sequence[CourseSession]) -> dict[str, Any]:
    rows = [
        {"title": row.text, **_cells([one.held_s.get(row.reason, 0.0) / 60.0 for one in sessions], 2)}
        for row in reason_rows()
        if any(row.reason in one.held_s for one in sessions)
    ]
    return {
        "title": "Holds by reason (min)",
        "head": "reason",
        "rows": rows,
        "none": "The beam was never held.",
        "note": "A decision may have several reasons and is counted under each.",
    }


def _workflow(sessions: Sequence[CourseSession]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for one in sessions for name in one.workflow_s))
    rows = [
        {"title": name, **_cells([one.workflow_s.get(name, math.nan) / 60.0 for one in sessions], 1)} for name in names
    ]
    return {
        "title": "Workflow (min)",
        "head": "step",
        "rows": rows,
        "none": "No step was measured.",
        "note": "Marked steps were told by an operator or a file of marks; the others are phases of the session.",
    }


def _holds(one: CourseSession) -> dict[str, Any]:
    holds = one.breath_holds
    means = {name: mean for name, (mean, _) in mean_and_sd(holds).items()} if holds else {}
    largest = max((hold.beside_first_mm[0] for hold in holds), key=abs, default=math.nan)
    values = [
        (means.get("lasted_s", math.nan), 1),
        (means.get("row_mm", math.nan), 1),
        (one.figures["reproducibility_mm"], 1),
        (largest if len(holds) > 1 else math.nan, 1),
        (means.get("sd_mm", math.nan), 2),
        (means.get("drift_mm", math.nan), 1),
    ]
    return {"title": one.title, "cells": [str(len(holds)), *(_text(value, digits) for value, digits in values)]}


def _cells(values: Sequence[float], digits: int) -> dict[str, Any]:
    return {"cells": [_text(value, digits) for value in values], **_statistics(values, digits)}


def _statistics(values: Sequence[float], digits: int) -> dict[str, str]:
    known = np.asarray(values)[np.isfinite(values)]
    if not known.size:
        return {"mean": "–", "median": "–"}
    sd = f" ({_text(float(known.std(ddof=1)), digits)})" if known.size > 1 else ""
    low, middle, high = (float(one) for one in np.percentile(known, (0.0, 50.0, 100.0)))
    return {
        "mean": f"{_text(float(known.mean()), digits)}{sd}",
        "median": f"{_text(middle, digits)} ({_text(low, digits)} to {_text(high, digits)})",
    }


def _text(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}" if math.isfinite(value) else "–"
