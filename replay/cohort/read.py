"""Read one session into its rows of the tables, whatever is wrong with it."""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper.analysis.figures import header_figures, session_tables
from gatekeeper.analysis.journal import JournalColumns, read_several
from gatekeeper.config import CourseConfig, SessionConfig
from gatekeeper.config.strict import build
from gatekeeper.core.errors import GatekeeperError, RecordingError
from gatekeeper.recording.folder_files import JOURNAL
from replay.cohort.find import SETTINGS

if TYPE_CHECKING:
    import pyarrow as pa

COMPLETE, INTERRUPTED, DAMAGED = "complete", "interrupted", "damaged"
"""States of a session. Tables and statistics count the first two."""
TOGETHER = 16 * 2**20
"""Journals of so many bytes are parsed together."""
CONFIG_COLUMNS = {
    "margin_mm": ("envelope", "margin_mm"),
    "outside_percent": ("gate", "outside_percent"),
    "min_confidence": ("gate", "min_confidence"),
    "prediction": ("prediction", "mode"),
}
"""Where the settings in `sessions` stand in `config.toml`."""
COURSE_COLUMNS = (
    "label",
    "course",
    "fraction",
    "fractions",
    "dose_gy",
    "bed_gy",
    "late_bed_gy",
    "eqd2_gy",
    "strategy",
    "breath_hold",
    "contrast_agent",
    "contrast_min",
)
"""Facts of the course in `sessions`, by their names in the settings."""


@dataclass(slots=True, eq=False)
class SessionRows:
    """Rows of one session.

    Attributes
    ----------
    row : dict
        Its row of `sessions`.
    decisions, breaths, marks : pyarrow.Table or None
        Its rows of these tables, without key; None for a session without figures.
    """

    row: dict[str, Any] = field(default_factory=dict)
    decisions: "pa.Table | None" = None
    breaths: "pa.Table | None" = None
    marks: "pa.Table | None" = None


def read_rows(sessions: Sequence[tuple[Path, str]]) -> list[SessionRows]:
    """Return the rows of sessions; one that cannot be read has a row that says why.

    Parameters
    ----------
    sessions : sequence of (Path, str)
        Folder and key of each.

    Returns
    -------
    list of SessionRows
        In the same order.
    """
    found: list[SessionRows] = []
    waiting: list[tuple[Path, str, bytes]] = []
    for folder, key in sessions:
        try:
            waiting.append((folder, key, (folder / JOURNAL).read_bytes()))
        except OSError as error:
            found += _rows_of(waiting)
            waiting = []
            found.append(damaged_row(key, _in_a_line(folder, error)))
        if sum(len(data) for _, _, data in waiting) >= TOGETHER:
            found += _rows_of(waiting)
            waiting = []
    return found + _rows_of(waiting)


def _rows_of(sessions: Sequence[tuple[Path, str, bytes]]) -> list[SessionRows]:
    """Return the rows of sessions with the journals that were read."""
    found = []
    for (folder, key, _), journal in zip(sessions, read_several([data for _, _, data in sessions]), strict=True):
        one = SessionRows({"session": key, "state": DAMAGED})
        try:
            if isinstance(journal, RecordingError):
                raise journal
            _fill(folder, journal, one)
        # Whatever a file makes the reader raise costs this session alone.
        except Exception as error:
            one = SessionRows(one.row | {"finding": _in_a_line(folder, error)})
        found.append(one)
    return found


def damaged_row(key: str, finding: str) -> SessionRows:
    """Return the row of a session that could not be read at all."""
    return SessionRows({"session": key, "state": DAMAGED, "finding": finding})


def _in_a_line(folder: Path, error: Exception) -> str:
    """Return what went wrong without the folder, whose name may be that of a person."""
    told = str(error) if isinstance(error, GatekeeperError) else f"{type(error).__name__}: {error}"
    if isinstance(error, OSError):
        told = f"cannot be read ({error.strerror})"
    return " ".join(told.replace(str(folder), "session").split())[:300]


def _fill(folder: Path, journal: JournalColumns, found: SessionRows) -> None:
    found.row |= header_figures(journal.header)
    if journal.finding is not None and not journal.cut:
        found.row["finding"] = f"{JOURNAL}: {journal.finding}"
        return
    settings = (folder / SETTINGS).read_bytes()
    if (finding := _changed_settings(journal, settings)) is not None:
        found.row["finding"] = finding
        return
    found.row |= _settings(settings)
    if journal.decisions.num_rows:
        tables = session_tables(journal)
        found.row |= tables.figures
        found.decisions, found.breaths, found.marks = tables.decisions, tables.breaths, tables.marks
    found.row["state"] = COMPLETE if journal.end is not None else INTERRUPTED
    if journal.end is None:
        found.row["finding"] = "is not sealed: it was interrupted, or is still running"


def _changed_settings(journal: JournalColumns, settings: bytes) -> str | None:
    """Return what is wrong with the settings of a sealed session."""
    sealed = (journal.end or {}).get("files") or {}
    if SETTINGS in sealed and sealed[SETTINGS] != hashlib.sha256(settings).hexdigest():
        return f"{SETTINGS}: was changed after the session was sealed"
    return None


@lru_cache(maxsize=64)
def _settings(text: bytes) -> dict[str, Any]:
    """Return the settings that `sessions` names; those that an older session lacks have their defaults."""
    values, defaults = tomllib.loads(text.decode()), SessionConfig().model_dump()
    own = {
        column: values.get(stage, {}).get(name, defaults[stage][name])
        for column, (stage, name) in CONFIG_COLUMNS.items()
    }
    return own | _course(values.get("course"))


def _course(values: Any) -> dict[str, Any]:
    """Return the facts of the course; nothing where there are none."""
    if values is None:
        return {}
    facts = build(CourseConfig, values, f"{SETTINGS}: course", quoted=False)
    return {name: getattr(facts, name) for name in COURSE_COLUMNS} | {"prescribed_s": facts.beam_on_s}
