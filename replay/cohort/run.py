"""Bring a cohort up to date, and write its tables where anything has changed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatekeeper.analysis.extra import needed
from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.errors import ConfigError, RecordingError
from gatekeeper.core.json_values import aligned, parsed
from replay.cohort.index import Update, update_cohort
from replay.cohort.read import COMPLETE, DAMAGED, INTERRUPTED
from replay.progress import OnProgress, no_progress

WRITTEN = "written.json"
"""What the tables were last made of, and how many sessions they count."""


@dataclass(frozen=True, slots=True)
class MadeCohort:
    """A cohort that is up to date.

    Attributes
    ----------
    update : Update
        What was read.
    out : Path
        Its folder.
    facts : dict
        Numbers of complete, interrupted and damaged sessions, of sessions counted and of patients, and notes.
    damaged : tuple of str
        Damaged sessions and folders that could not be looked into, one line each.
    """

    update: Update
    out: Path
    facts: dict[str, Any]
    damaged: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return the numbers as JSON values."""
        update = self.update
        read = {"sessions": update.sessions, "new": update.new, "changed": update.changed, "gone": update.gone}
        return {**read, **self.facts, "out": str(self.out), "damaged_sessions": list(self.damaged)}

    def as_table(self) -> str:
        """Return the numbers as aligned lines for a reader."""
        update, facts = self.update, self.facts
        rows = [
            ("sessions", f"{update.sessions}, {update.new} new, {update.changed} changed, {update.gone} gone"),
            ("records", f"{facts[COMPLETE]} complete, {facts[INTERRUPTED]} interrupted, {facts[DAMAGED]} damaged"),
            (
                "counted",
                f"{facts['counted']} of {facts['patients']} labelled patients, {facts['copies']} copies left out",
            ),
            *(("note", note) for note in facts["notes"]),
            ("page", str(self.out / "cohort.html")),
        ]
        return "\n".join(aligned(rows))


def make_cohort(
    folder: Path,
    out: Path,
    outcomes: Path | None = None,
    label_column: str | None = None,
    marks: Path | None = None,
    workers: int | None = None,
    on_progress: OnProgress = no_progress,
) -> MadeCohort:
    """Bring the tables of all sessions below a folder up to date.

    Parameters
    ----------
    folder : Path
        Folder with sessions at any depth.
    out : Path
        Folder of the cohort.
    outcomes : Path, optional
        CSV of outcomes.
    label_column : str, optional
        Its column with the labels.
    marks : Path, optional
        CSV of steps that were measured elsewhere, see `replay.sessions.marks_file`.
    workers : int, optional
        Number of processes; by default one for each core.
    on_progress : callable, optional
        Called as the work proceeds.

    Returns
    -------
    MadeCohort

    Raises
    ------
    InputError
        When the folder or the outcomes cannot be used.
    OutputError
        When a file cannot be written.
    PluginError
        When the extra `analysis` is not installed.
    """
    if label_column is not None and outcomes is None:
        raise ConfigError("command line: --label-column is given without --outcomes; give both, or none")
    needed("pyarrow")
    update = update_cohort(folder, out, workers, on_progress)
    basis = {"outcomes": _stamp(outcomes), "label_column": label_column, "marks": _stamp(marks)}
    facts = None if update.is_changed else _written(out, basis)
    if facts is None:
        on_progress("writing tables", 0, 1)
        facts = _write(out, outcomes, label_column, marks, basis)
        on_progress("writing tables", 1, 1)
    findings: dict[str, str] = facts["findings"]
    damaged = [f"{folder / update.paths[key]}: {finding}" for key, finding in findings.items()]
    shown = {name: value for name, value in facts.items() if name not in ("findings", "basis")}
    return MadeCohort(update, out, shown, (*update.closed, *damaged))


def _stamp(path: Path | None) -> list[object] | None:
    """Return what tells that a file is the same as before; None where there is none."""
    if path is None:
        return None
    try:
        stat = path.stat()
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    return [str(path.resolve()), stat.st_mtime_ns, stat.st_size]


def _written(out: Path, basis: dict[str, Any]) -> dict[str, Any] | None:
    """Return what was told when the tables were written; None when they have to be written."""
    try:
        facts: Any = parsed((out / WRITTEN).read_bytes())
        return dict(facts) if facts["basis"] == basis and (out / "cohort.html").is_file() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(
    out: Path, outcomes: Path | None, label_column: str | None, marks: Path | None, basis: dict[str, Any]
) -> dict[str, Any]:
    from gatekeeper.analysis.cohort import Cohort
    from replay.cohort.results import write_results

    (out / WRITTEN).unlink(missing_ok=True)
    results = write_results(out, outcomes, label_column, marks)
    sessions = Cohort(out).sessions
    states = sessions["state"].value_counts()
    damaged = sessions[sessions["state"] == DAMAGED]
    facts = {
        "basis": basis,
        **{state: int(states.get(state, 0)) for state in (COMPLETE, INTERRUPTED, DAMAGED)},
        "counted": results.counted,
        "patients": results.patients,
        "copies": int(sessions["copy_of"].notna().sum()),
        "notes": results.notes,
        "findings": dict(zip(damaged["session"], damaged["finding"].fillna("damaged"), strict=True)),
    }
    write_atomically(out / WRITTEN, json.dumps(facts).encode())
    return facts
