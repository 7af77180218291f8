"""Facts: what a session was made of and how whole it is, in rows of a name and a text."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gatekeeper.report.session_data import SessionData
from kernels.polygon import area

Row = tuple[str, str]


def facts_of(story: SessionData) -> list[Row]:
    """Return what was imaged, what the target and its envelope were, what was missing, and how it ended."""
    return [*_imaged(story), *_gated(story), *_missing(story), *_ended(story)]


def settings_of(values: Mapping[str, Any], above: str = "") -> list[Row]:
    """Return all settings by their full names, but for paths and addresses, which nobody else needs to know."""
    rows: list[Row] = []
    for name, value in values.items():
        if isinstance(value, dict):
            rows += settings_of(value, f"{above}{name}.")
        elif name not in ("key_file", "host"):
            rows.append((f"{above}{name}", f"{value:g}" if isinstance(value, float) else str(value)))
    return rows


def _imaged(story: SessionData) -> Iterator[Row]:
    (rows, columns), (row_mm, column_mm) = story.image_shape, story.spacing_mm
    yield "images", f"{rows} × {columns} pixels of {row_mm:.2f} × {column_mm:.2f} mm"
    frames = [entry for entry in story.decisions if entry["kind"] == "frame"]
    apart_s = np.diff([float(entry["received_s"]) for entry in frames if entry["received_s"] is not None])
    apart_s = apart_s[apart_s > 0.0]
    if apart_s.size:
        usual_s, longest_s = float(np.median(apart_s)), float(apart_s.max())
        yield "frame rate", f"{1.0 / usual_s:.2f} per second; longest pause between two {1e3 * longest_s:.0f} ms"


def _gated(story: SessionData) -> Iterator[Row]:
    config = story.config
    gate = config.gate
    area_mm2 = area(story.target_px) * math.prod(story.spacing_mm)
    yield "target", f"{area_mm2 / 100.0:.1f} cm², as a disc {2.0 * math.sqrt(area_mm2 / math.pi):.0f} mm across"
    yield "envelope", f"the target and {config.envelope.margin_mm:g} mm around it"
    yield (
        "beam held",
        f"above {gate.outside_percent:g} % outside, on again at {gate.resume_percent:g} %; "
        f"confidence below {gate.min_confidence:g}",
    )
    if story.avoid:
        yield "to be avoided", ", ".join(story.avoid)
    yield "prediction", config.prediction.mode


def _missing(story: SessionData) -> Iterator[Row]:
    counts = story.counts()
    lacking = [
        (counts.skipped, "skipped because a newer one was waiting"),
        (counts.missing, "missing"),
        (counts.not_kept, "not recorded"),
    ]
    words = [f"{count} {what}" for count, what in lacking if count]
    yield "frames lacking", ", ".join(words) or "none"
    if counts.silences:
        yield "frame timeouts", f"{counts.silences}"


def _ended(story: SessionData) -> Iterator[Row]:
    summary = story.summary
    if "delivery" in summary:
        armed_s = story.counts().armed_s
        yield "gate armed", f"for {armed_s:.1f} s" if summary["delivery"]["armed"] else "never"
    if "ended_by" in summary:
        by = summary["ended_by"]
        yield "ended by", "the source of the frames" if by is None else f"{by['operator']} ({by['door']})"
    if summary.get("fault"):
        yield "fault", str(summary["fault"])
