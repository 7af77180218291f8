"""Write the decisions of a group of sessions as one file, a part of `decisions.parquet`."""

from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gatekeeper.analysis.columns import BREATHS, DECISIONS, MARKS, SESSIONS, Column, arrow_schema
from gatekeeper.analysis.extra import needed
from gatekeeper.analysis.figures import as_table
from replay.cohort.read import SessionRows, damaged_row, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

PART_SESSIONS = 128
"""Most sessions in a part: what a process holds in memory, and what is written anew when one of them changes."""
NEW = ".new"
"""End of the name of a part until the index knows it."""
COMPRESSION = "zstd"
ENDED = "reading it ended the process that read it, as when memory runs out"
SESSION_ROWS = "sessions"
SMALL_TABLES: dict[str, tuple[Column, ...]] = {SESSION_ROWS: SESSIONS, "breaths": BREATHS, "marks": MARKS}
"""Tables that are one file."""


@dataclass(frozen=True, slots=True)
class Group:
    """Sessions that become one part.

    Attributes
    ----------
    part : Path
        The file to write.
    read : tuple of (Path, str)
        Folder and key of each session to read.
    copied : tuple of (Path, tuple of str)
        Older parts, and the keys of their sessions that are kept.
    """

    part: Path
    read: tuple[tuple[Path, str], ...] = ()
    copied: tuple[tuple[Path, tuple[str, ...]], ...] = ()


@dataclass(slots=True, eq=False)
class Written:
    """What came of a group.

    Attributes
    ----------
    group : Group
        The group.
    small : dict of str to pyarrow.Table
        Rows of the sessions that were read in each of `SMALL_TABLES`.
    """

    group: Group
    small: "dict[str, pa.Table]"


def write_group(group: Group) -> Written:
    """Read the sessions of a group, and write its part.

    Parameters
    ----------
    group : Group
        The group.

    Returns
    -------
    Written

    Raises
    ------
    OSError
        When the part cannot be written.
    """
    return _write(group, read_rows(group.read))


def _write(group: Group, found: list[SessionRows]) -> Written:
    arrow, parquet, compute = needed("pyarrow"), needed("pyarrow.parquet"), needed("pyarrow.compute")
    schema, found = arrow_schema(DECISIONS), _fitting(found)
    tables = [schema.empty_table()]
    for path, keys in group.copied:
        old = parquet.read_table(path, schema=schema)
        tables.append(old.filter(compute.is_in(old["session"], value_set=arrow.array(keys, arrow.string()))))
    tables += [_keyed(one.row["session"], one.decisions, schema) for one in found if one.decisions is not None]
    write_table(arrow.concat_tables(tables), group.part)
    small = {name: _joined(found, name, columns) for name, columns in SMALL_TABLES.items() if name != SESSION_ROWS}
    return Written(group, {SESSION_ROWS: as_table([one.row for one in found], SESSIONS), **small})


def _fitting(found: list[SessionRows]) -> list[SessionRows]:
    """Return the rows of sessions; one with a value that is not what the tables need has a row that says so."""
    arrow = needed("pyarrow")
    try:
        as_table([one.row for one in found], SESSIONS)
    except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
        if len(found) == 1:
            return [damaged_row(found[0].row["session"], f"a setting or fact is not of its type ({error})"[:300])]
        half = len(found) // 2
        return [*_fitting(found[:half]), *_fitting(found[half:])]
    return found


def write_table(table: "pa.Table", path: Path) -> None:
    """Write a table as a Parquet file."""
    needed("pyarrow.parquet").write_table(table.unify_dictionaries(), path, compression=COMPRESSION)


def _joined(found: Sequence[SessionRows], name: str, columns: tuple[Column, ...]) -> "pa.Table":
    schema = arrow_schema(columns)
    given = [(one.row["session"], getattr(one, name)) for one in found]
    tables = [_keyed(key, table, schema) for key, table in given if table is not None]
    # One chunk, as each would take its dictionary of all keys to the other process.
    joined: pa.Table = needed("pyarrow").concat_tables([schema.empty_table(), *tables]).unify_dictionaries()
    return joined.combine_chunks()


def _keyed(key: str, table: "pa.Table", schema: "pa.Schema") -> "pa.Table":
    """Return a table with the key of its session as the first column."""
    arrow = needed("pyarrow")
    indices = arrow.array(np.zeros(table.num_rows, np.int32))
    keys = arrow.DictionaryArray.from_arrays(indices, arrow.array([key]))
    keyed: pa.Table = arrow.Table.from_arrays(
        [keys, *(column.combine_chunks() for column in table.columns)], schema=schema
    )
    return keyed


def write_groups(groups: Sequence[Group], workers: int) -> "Iterator[Written]":
    """Write the parts of several groups in as many processes; one whose process dies costs its session alone.

    Parameters
    ----------
    groups : sequence of Group
        The groups.
    workers : int
        Number of processes; with one, or one group, all is done in this process.

    Yields
    ------
    Written
        For each group, in no order.
    """
    if min(workers, len(groups)) <= 1:
        yield from map(write_group, groups)
        return
    left = set(groups)
    try:
        with ProcessPoolExecutor(min(workers, len(groups)), get_context("spawn")) as pool:
            waiting: list[Future[Written]] = [pool.submit(write_group, group) for group in groups]
            for done in as_completed(waiting):
                written = done.result()
                left.discard(written.group)
                yield written
    except BrokenProcessPool:
        for group in sorted(left, key=lambda one: one.part.name):
            yield _write(group, [_alone(folder, key) for folder, key in group.read])


def _alone(folder: Path, key: str) -> SessionRows:
    """Read a session in a process of its own."""
    try:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            return pool.submit(read_rows, [(folder, key)]).result()[0]
    except BrokenProcessPool:
        return damaged_row(key, ENDED)
