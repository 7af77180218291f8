"""Read the files of a folder one by one, and leave out those that are damaged, with a note."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from gatekeeper.core.errors import GeometryError, RecordingError

MOST_NAMED = 8

Read = TypeVar("Read")


def read_each(files: Sequence[Path], read: Callable[[Path], Read], folder: Path) -> tuple[list[Read], list[str]]:
    """Read files, and leave out those that cannot be read.

    Parameters
    ----------
    files : sequence of Path
        The files, in order.
    read : callable
        Reads one; raises RecordingError or GeometryError where it is damaged.
    folder : Path
        Their folder; when it is the only file itself, an error is raised.

    Returns
    -------
    found : list
        What was read, in the order of the files.
    notes : list of str
        How many were left out, by their names, and why the first.

    Raises
    ------
    RecordingError, GeometryError
        The first error, when no file can be read.
    """
    found: list[Read] = []
    left: list[Path] = []
    first: RecordingError | GeometryError | None = None
    for file in files:
        try:
            found.append(read(file))
        except OSError as error:
            left.append(file)
            first = first or RecordingError(f"{file}: cannot be read ({error.strerror or error}); check the file")
        except (RecordingError, GeometryError) as error:
            left.append(file)
            first = first or error
    if first is None:
        return found, []
    if not found:
        raise first
    why = str(first).removeprefix(f"{left[0]}: ").removeprefix(f"{folder}: ")
    return found, [f"{len(left)} of {len(files)} files are left out: {named(left)}; the first {why:.150}"]


def named(files: Sequence[Path]) -> str:
    """Return the names of files for a note; only the first ones of many."""
    names = ", ".join(file.name[:40] for file in files[:MOST_NAMED])
    return f"{names} ..." if len(files) > MOST_NAMED else names
