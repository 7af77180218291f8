"""List facts of a session, as rows of a name and a text."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gatekeeper.report.course_facts import course_rows
from gatekeeper.report.session_data import SessionData
from gatekeeper.session.controller import WARNING
from kernels.polygon import area

Row = tuple[str, str]


def facts_of(session: SessionData) -> list[Row]:
    """Return rows about images, target and envelope, missing frames, and the end of the session."""
    course = session.config.course
    rows = [] if course is None else course_rows(course)
    return [*_warned(session), *rows, *_imaged(session), *_gated(session), *_missing(session), *_ended(session)]


def settings_of(values: Mapping[str, Any], above: str = "") -> list[Row]:
    """Return all settings by their full names, without paths and addresses, which may be private."""
    rows: list[Row] = []
    for name, value in values.items():
        if isinstance(value, dict):
            rows += settings_of(value, f"{above}{name}.")
        elif name not in ("key_file", "host"):
            rows.append((f"{above}{name}", f"{value:g}" if isinstance(value, float) else str(value)))
    return rows


def _warned(session: SessionData) -> Iterator[Row]:
    for event in session.events:
        if event["event"] == WARNING:
            yield "WARNING", str(event["values"]["note"])


def _imaged(session: SessionData) -> Iterator[Row]:
    (rows, columns), (row_mm, column_mm) = session.image_shape, session.spacing_mm
    yield "images", f"{session.orientation.name}, {rows} × {columns} pixels of {row_mm:.2f} × {column_mm:.2f} mm"
    frames = [entry for entry in session.decisions if entry["kind"] == "frame"]
    apart_s = np.diff([float(entry["received_s"]) for entry in frames if entry["received_s"] is not None])
    apart_s = apart_s[apart_s > 0.0]
    if apart_s.size:
        usual_s, longest_s = float(np.median(apart_s)), float(apart_s.max())
        yield "frame rate", f"{1.0 / usual_s:.2f} per second; longest pause between two {1e3 * longest_s:.0f} ms"


def _gated(session: SessionData) -> Iterator[Row]:
    config, own = session.config, session.limits
    if session.structures:
        # Their figures and limits have a table.
        targets = sum(one.info.is_target for one in session.structures)
        organs = len(session.structures) - targets
        yield (
            "structures",
            f"{targets} target{'s' if targets > 1 else ''}, {organs} organ{'' if organs == 1 else 's'} at risk",
        )
    else:
        area_mm2 = area(session.target_px) * math.prod(session.spacing_mm)
        yield "target", f"{area_mm2 / 100.0:.1f} cm², as a disc {2.0 * math.sqrt(area_mm2 / math.pi):.0f} mm across"
        yield "envelope", own.envelope
        yield (
            "beam held",
            f"above {own.outside_percent:g} % outside, on again at {session.resume_percent:g} %; "
            f"confidence below {own.min_confidence:g}",
        )
    yield "prediction", config.prediction.mode


def _missing(session: SessionData) -> Iterator[Row]:
    counts = session.counts()
    lacking = [
        (counts.skipped, "skipped because a newer one was waiting"),
        (counts.missing, "missing"),
        (counts.not_kept, "not recorded"),
    ]
    words = [f"{count} {what}" for count, what in lacking if count]
    yield "frames not judged", ", ".join(words) or "none"
    if counts.silences:
        yield "frame timeouts", f"{counts.silences}"


def _ended(session: SessionData) -> Iterator[Row]:
    summary = session.summary
    if "delivery" in summary:
        armed_s = session.counts().armed_s
        yield "gate armed", f"for {armed_s:.1f} s" if summary["delivery"]["armed"] else "never"
    if "ended_by" in summary:
        by = summary["ended_by"]
        yield "ended by", "the source of the frames" if by is None else f"{by['operator']} ({by['door']})"
    if "last_state" in summary:
        yield "sent last", str(summary["last_state"])
    if summary.get("fault"):
        yield "fault", str(summary["fault"])
