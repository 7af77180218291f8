"""Write what people read of a cohort: tables as CSV, Markdown and one page, figures, and the data dictionary."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from gatekeeper.analysis.cohort import Cohort
from gatekeeper.analysis.columns import TABLES
from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.errors import InputError
from gatekeeper.plugins import DISTRIBUTION
from gatekeeper.report.charts import as_svg
from gatekeeper.report.templates import template
from replay.cohort.figures import duty_figure, survival_figure
from replay.cohort.outcomes import Outcomes, read_outcomes
from replay.cohort.survival import estimates, numbers_at_risk, survival_curves, toxicity
from replay.cohort.tables import (
    STATISTICS,
    characteristics,
    counted_sessions,
    gating,
    interruptions,
    with_measured,
    workflow,
)
from replay.sessions.marks_file import read_marks

if TYPE_CHECKING:
    import pandas as pd

PAGE = "cohort.html"
DPI = 200
DIGITS, DECIMALS = 4, 6
"""Significant digits, and most decimals, of a number on the page and in Markdown; CSV has all."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One section of the page, and its files.

    Attributes
    ----------
    name : str
        Name of its files.
    title : str
        Its heading.
    table : DataFrame or None
        Its table.
    note : str
        What a reader has to know.
    figure : Figure or None
        Its figure.
    """

    name: str
    title: str
    table: "pd.DataFrame | None" = None
    note: str = ""
    figure: Figure | None = None


@dataclass(slots=True)
class Results:
    """What was written.

    Attributes
    ----------
    page : Path
        The page.
    counted, patients : int
        Sessions that the tables count, and their patients.
    notes : list of str
        What was left out, one line each.
    """

    page: Path
    counted: int
    patients: int
    notes: list[str] = field(default_factory=list)


def write_results(
    out: Path, outcomes_csv: Path | None = None, label_column: str | None = None, marks_csv: Path | None = None
) -> Results:
    """Write tables, figures and page of a cohort.

    Parameters
    ----------
    out : Path
        Folder of the cohort.
    outcomes_csv : Path, optional
        Outcomes of the patients.
    label_column : str, optional
        Column of that file with the labels.
    marks_csv : Path, optional
        Steps that were measured elsewhere.

    Returns
    -------
    Results

    Raises
    ------
    InputError
        When outcomes or marks cannot be used.
    OutputError
        When a file cannot be written.
    """
    cohort = Cohort(out)
    sessions = cohort.sessions
    counted = counted_sessions(sessions)
    marks = cohort.marks if marks_csv is None else with_measured(cohort.marks, counted, read_marks(marks_csv))
    labels = set(counted["label"].dropna().astype(str))
    notes: list[str] = []
    outcomes = None
    if outcomes_csv is not None:
        outcomes = _of_cohort(read_outcomes(outcomes_csv, label_column, labels), labels, outcomes_csv, notes)
    parts = [*_session_parts(counted, marks), *(_outcome_parts(outcomes) if outcomes is not None else [])]
    for part in parts:
        _write_part(out, part)
    problems = sessions[sessions["finding"].notna()][["session", "state", "finding"]]
    _write(out / "problems.csv", problems.to_csv(index=False))
    _write(out / "dictionary.md", dictionary())
    _write(out / PAGE, _page(sessions, counted, problems, parts))
    return Results(out / PAGE, len(counted), len(labels), notes)


def _of_cohort(outcomes: Outcomes, labels: set[str], path: Path, notes: list[str]) -> Outcomes:
    """Return the outcomes of patients with sessions, and note who has only one of both."""
    there = outcomes.table.index.isin(sorted(labels))
    if not there.any():
        raise InputError(f"{path}: has no label of a session; labels are set in [course] of each session")
    if others := int((~there).sum()):
        notes.append(f"{others} patients have outcomes and no session, and are left out")
    if without := len(labels - set(outcomes.table.index)):
        notes.append(f"{without} patients have sessions and no outcome")
    return Outcomes(outcomes.table[there], outcomes.endpoints, outcomes.grades)


def _session_parts(counted: "pd.DataFrame", marks: "pd.DataFrame") -> list[Part]:
    parts = [
        Part(
            "characteristics",
            "Characteristics",
            characteristics(counted),
            "Courses are those of sessions with a label. Their facts are those of the first session of each.",
        ),
        Part(
            "workflow",
            "Workflow times",
            workflow(counted, marks),
            "Minutes, over the sessions that have the step. Beam-on, held, waiting and interruptions are parts of the "
            "delivery; an interruption is a hold neither for the target's position nor for further good frames.",
        ),
        Part("interruptions", "Unexpected interruptions by cause", interruptions(counted, marks), "By first reason."),
        Part("gating", "Gating", gating(counted), "The duty cycle is beam-on time over the time armed."),
    ]
    if len(counted):
        parts.append(Part("duty-cycle", "Duty cycle of each session", figure=duty_figure(counted)))
    return parts


def _outcome_parts(outcomes: Outcomes) -> list[Part]:
    curves, parts = survival_curves(outcomes), []
    if curves:
        parts = [
            Part(
                "survival",
                "Survival",
                estimates(curves),
                "Kaplan-Meier estimates in percent with 95 % bands (log-log), up to the last time anybody was seen.",
                survival_figure(curves),
            ),
            Part("at-risk", "Numbers at risk", numbers_at_risk(curves)),
        ]
    if outcomes.grades:
        parts.append(Part("toxicity", "Toxicity", toxicity(outcomes), "Patients by worst grade."))
    return parts


def _write_part(out: Path, part: Part) -> None:
    if part.table is not None:
        _write(out / f"{part.name}.csv", part.table.to_csv(index=False))
        _write(out / f"{part.name}.md", _markdown(part))
    if part.figure is not None:
        picture = io.BytesIO()
        part.figure.savefig(picture, format="png", dpi=DPI, metadata={"Software": None})
        write_atomically(out / f"{part.name}.png", picture.getvalue())


def _write(path: Path, text: str) -> None:
    write_atomically(path, text.encode())


def _markdown(part: Part) -> str:
    head, rows = _texts(part.table)
    lines = [f"# {part.title}", "", *([part.note, ""] if part.note else [])]
    lines += [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' for _ in head)}|"]
    lines += [f"| {' | '.join(text.replace('|', chr(92) + '|') for text in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _texts(table: "pd.DataFrame | None") -> tuple[list[str], list[list[str]]]:
    """Return head and rows of a table as a reader sees them."""
    if table is None:
        return [], []
    rows = [[_text(value) for value in row] for row in table.astype(object).itertuples(index=False)]
    return [str(name).replace("_", " ") for name in table.columns], rows


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        value = round(value, DECIMALS) + 0.0
        return f"{value:.{DIGITS}g}" if abs(value) < 10.0**DIGITS else f"{value:.0f}"
    return str(value)


def dictionary() -> str:
    """Return the data dictionary: each column of each table with its type, unit and meaning, as Markdown."""
    lines = ["# Columns of the tables", ""]
    for name, columns in TABLES.items():
        lines += [f"## {name}.parquet", "", "| column | type | unit | meaning |", "| --- | --- | --- | --- |"]
        lines += [f"| `{one.name}` | {one.type} | {one.unit} | {one.meaning} |" for one in columns]
        lines.append("")
    return "\n".join(lines)


def _page(sessions: "pd.DataFrame", counted: "pd.DataFrame", problems: "pd.DataFrame", parts: Sequence[Part]) -> str:
    named = counted[counted["label"].notna()]
    return template("cohort.html", "replay.cohort").render(
        version=metadata.version(DISTRIBUTION),
        patients=named["label"].nunique(),
        courses=len(named.drop_duplicates(["label", "course"])),
        counted=len(counted),
        copies=int(sessions["copy_of"].notna().sum()),
        problems=problems.astype(object).to_numpy().tolist(),
        parts=[_shown(part) for part in parts],
    )


def _shown(part: Part) -> dict[str, Any]:
    head, rows = _texts(part.table)
    right = {place for place, name in enumerate(head) if name in STATISTICS or "percent" in name or name in NUMERIC}
    figure = None if part.figure is None else _safe(as_svg(part.figure, part.title))
    return {"title": part.title, "note": part.note, "head": head, "rows": rows, "right": right, "figure": figure}


NUMERIC = frozenset({"patients", "events", "median days", "years", "days", "at risk", "grade", "sessions"})
"""Heads of columns of numbers besides statistics and percent."""


def _safe(markup: str) -> Any:
    """Mark text of our own as markup."""
    from markupsafe import Markup

    return Markup(markup)  # noqa: S704
