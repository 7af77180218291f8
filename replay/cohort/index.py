"""Keep the tables of all sessions below a folder, and read only what is new or has changed.

The index is written last: a run that is interrupted has done nothing, and leaves files that the next one removes.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.analysis.columns import arrow_schema
from gatekeeper.analysis.extra import needed
from gatekeeper.core.errors import InputError, OutputError
from gatekeeper.recording.session_folder import PRIVATE
from replay.cohort.find import Found, find_sessions
from replay.cohort.index_file import DECISION_PARTS, LOCK, Index, Indexed, key_of, read_index, write_index
from replay.cohort.parts import (
    NEW,
    PART_SESSIONS,
    SESSION_ROWS,
    SMALL_TABLES,
    Group,
    Written,
    write_groups,
    write_table,
)
from replay.progress import OnProgress, no_progress

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Update:
    """What an update of a cohort found.

    Attributes
    ----------
    sessions : int
        Number of sessions now.
    new, changed, gone : int
        Sessions that were read for the first time or again, and that are there no more.
    paths : dict of str to str
        Path of each session below the folder, by its key.
    closed : tuple of str
        Folders that could not be looked into.
    """

    sessions: int
    new: int
    changed: int
    gone: int
    paths: dict[str, str]
    closed: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether any table was written."""
        return bool(self.new or self.changed or self.gone)


def update_cohort(folder: Path, out: Path, workers: int | None = None, on_progress: OnProgress = no_progress) -> Update:
    """Bring the tables of a cohort up to date.

    Parameters
    ----------
    folder : Path
        Folder with sessions at any depth.
    out : Path
        Folder of the cohort; it is made where it is not there.
    workers : int, optional
        Number of processes; by default one for each core.
    on_progress : callable, optional
        Called as sessions are read.

    Returns
    -------
    Update

    Raises
    ------
    InputError
        When the folder is not there, or `out` holds another cohort.
    OutputError
        When the tables cannot be written.
    """
    try:
        out.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        with _alone_in(out):
            found = find_sessions(folder, out)
            index = read_index(folder, out)
            return _update(folder.resolve(), out, found, index, workers or os.cpu_count() or 1, on_progress)
    except OSError as error:
        raise OutputError(
            f"{out}: the cohort cannot be written ({error.strerror or error}); free some space or name another folder"
        ) from error


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Keep others from writing the same cohort."""
    with (out / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{out}: another process writes this cohort; wait for it or name another folder") from None
        yield


def _update(folder: Path, out: Path, found: Found, index: Index, workers: int, on_progress: OnProgress) -> Update:
    known = index.sessions
    stale = [path for path, one in known.items() if found.sessions.get(path) != one.stamp]
    changed = [path for path in stale if path in found.sessions]
    new = [path for path in found.sessions if path not in known]
    if stale or new or not (out / f"{SESSION_ROWS}.parquet").is_file():
        (out / DECISION_PARTS).mkdir(exist_ok=True)
        groups = _groups(folder, out, found, index, sorted([*new, *changed]), stale)
        written = _written(groups, workers, len(new) + len(changed), on_progress)
        _commit(folder, out, index, stale, written)
    paths = {one.key: path for path, one in index.sessions.items()}
    gone = len(stale) - len(changed)
    return Update(len(paths), len(new), len(changed), gone, paths, tuple(found.closed))


def _groups(
    folder: Path, out: Path, found: Found, index: Index, read: Sequence[str], stale: Sequence[str]
) -> list[Group]:
    """Return the parts to write: sessions to read, and what is kept of parts that lose sessions or are half empty."""
    members: dict[str, list[str]] = {}
    for path, one in index.sessions.items():
        members.setdefault(one.part, []).append(path)
    gone = set(stale)
    kept = {part: [path for path in paths if path not in gone] for part, paths in members.items()}
    dissolved = {part for part, paths in kept.items() if len(paths) < len(members[part])}
    if read:
        dissolved |= {part for part, paths in kept.items() if len(paths) < PART_SESSIONS // 2}
    parts = _new_parts(members)
    groups, room = [], 0
    copied: list[tuple[str, list[str]]] = [(part, kept[part]) for part in sorted(dissolved) if kept[part]]
    waiting = list(read)
    while copied or waiting:
        part, room = next(parts), PART_SESSIONS
        taken = []
        while copied and len(copied[0][1]) <= room:
            room -= len(copied[0][1])
            taken.append(copied.pop(0))
        now, waiting = waiting[:room], waiting[room:]
        for path in now:
            index.sessions[path] = Indexed(key_of(index.salt, path), found.sessions[path], part)
        for _, paths in taken:
            for path in paths:
                index.sessions[path].part = part
        groups.append(
            Group(
                out / DECISION_PARTS / f"{part}{NEW}",
                tuple((folder / path, index.sessions[path].key) for path in now),
                tuple(
                    (out / DECISION_PARTS / old, tuple(index.sessions[path].key for path in paths))
                    for old, paths in taken
                ),
            )
        )
    for path in stale:
        if path not in found.sessions:
            del index.sessions[path]
    return groups


def _new_parts(known: dict[str, list[str]]) -> Iterator[str]:
    """Yield names of parts that are not there."""
    number = 1 + max((int(name[5:11]) for name in known), default=-1)
    while True:
        yield f"part-{number:06d}.parquet"
        number += 1


def _written(groups: Sequence[Group], workers: int, total: int, on_progress: OnProgress) -> list[Written]:
    done, written = 0, []
    for one in write_groups(groups, workers):
        written.append(one)
        done += len(one.group.read)
        on_progress("reading sessions", done, total)
    return written


def _commit(folder: Path, out: Path, index: Index, stale: Sequence[str], written: Sequence[Written]) -> None:
    """Put the new parts in place of the old ones, write the small tables, and the index last."""
    arrow = needed("pyarrow")
    again = {key_of(index.salt, path) for path in stale}
    for one in written:
        one.group.part.replace(one.group.part.with_suffix(""))
    for name, columns in SMALL_TABLES.items():
        kept = _kept(out / f"{name}.parquet", arrow_schema(columns), again)
        table = arrow.concat_tables([kept, *(one.small[name] for one in written)]).unify_dictionaries()
        if name == SESSION_ROWS:
            table = _with_copies(table.sort_by([("started", "ascending"), ("session", "ascending")]))
        new = out / f"{name}.parquet{NEW}"
        write_table(table, new)
        new.replace(out / f"{name}.parquet")
    parts = {one.part for one in index.sessions.values()}
    for path in (out / DECISION_PARTS).iterdir():
        if path.name not in parts:
            path.unlink()
    write_index(folder, out, index)


def _kept(path: Path, schema: "pa.Schema", again: set[str]) -> "pa.Table":
    """Return the rows of a table without those of sessions that were read again or are gone."""
    arrow, compute = needed("pyarrow"), needed("pyarrow.compute")
    if not path.is_file():
        return schema.empty_table()
    table = needed("pyarrow.parquet").read_table(path, schema=schema)
    kept: pa.Table = table.filter(
        compute.invert(compute.is_in(table["session"], value_set=arrow.array(sorted(again), arrow.string())))
    )
    return kept


def _with_copies(table: "pa.Table") -> "pa.Table":
    """Return the table of sessions with the first of several of one id named in each other one."""
    arrow = needed("pyarrow")
    first: dict[str, str] = {}
    copies: list[str | None] = []
    for identity, key in zip(table["session_id"].to_pylist(), table["session"].to_pylist(), strict=True):
        original = key if identity is None else first.setdefault(identity, key)
        copies.append(None if original == key else original)
    place = table.schema.get_field_index("copy_of")
    named: pa.Table = table.set_column(place, table.schema.field(place), arrow.array(copies, arrow.string()))
    return named
