"""Find the sessions below a folder, at any depth."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gatekeeper.core.errors import InputError
from gatekeeper.recording.folder_files import JOURNAL

SETTINGS = "config.toml"
READ = (JOURNAL, SETTINGS)
"""Files of a session that its rows in the tables are made of."""
Stamp = tuple[tuple[int, int], ...]
"""Time of the last change in ns, and size in bytes, of each file in `READ`; -1 for one that is not there."""
ABSENT = (-1, -1)
Entries = Mapping[str, "os.DirEntry[str]"]


@dataclass(slots=True)
class Found:
    """What lies below a folder.

    Attributes
    ----------
    sessions : dict of str to Stamp
        Stamp of each session by its path below the folder.
    closed : list of str
        Folders that could not be looked into, each with the reason.
    """

    sessions: dict[str, Stamp] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)


def find_sessions(folder: Path, but: Path) -> Found:
    """Find all sessions below a folder; links to folders are not followed.

    Parameters
    ----------
    folder : Path
        The folder; it may be a session itself.
    but : Path
        A folder that is not looked into, where the results are.

    Returns
    -------
    Found

    Raises
    ------
    InputError
        When it is not a folder.
    """
    found = Found()

    def look(_path: str, below: str, entries: Entries) -> bool:
        if JOURNAL in entries:
            found.sessions[below or "."] = tuple(stamp_of(entries.get(name)) for name in READ)
        return JOURNAL not in entries

    found.closed = walk(folder, but, look)
    return found


def walk(folder: Path, but: Path | None, look: Callable[[str, str, Entries], bool]) -> list[str]:
    """Look into a folder and all folders below; links to folders are not followed.

    Parameters
    ----------
    folder : Path
        The folder.
    but : Path or None
        A folder that is not looked into.
    look : callable
        Called with the path of each folder, its path below the first one, empty for that one itself, and what is in it
        by name. Returns whether to look into its folders.

    Returns
    -------
    list of str
        Folders that could not be looked into, each with the reason.

    Raises
    ------
    InputError
        When it is not a folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder; name one with sessions in it or below")
    left_out = "" if but is None else os.path.realpath(but)
    left_name, closed = Path(left_out).name, []
    waiting = [(os.fspath(folder), "")]
    while waiting:
        path, below = waiting.pop()
        try:
            entries = _entries(path)
        except OSError as error:
            closed.append(f"{path}: cannot be looked into ({error.strerror or error})")
            continue
        if not look(path, below, entries):
            continue
        for name, entry in entries.items():
            if entry.is_dir(follow_symlinks=False) and not (
                name == left_name and os.path.realpath(entry.path) == left_out
            ):
                waiting.append((entry.path, f"{below}/{name}" if below else name))
    return closed


def _entries(path: str) -> dict[str, "os.DirEntry[str]"]:
    with os.scandir(path) as scan:
        return {entry.name: entry for entry in scan}


def stamp_of(entry: "os.DirEntry[str] | None") -> tuple[int, int]:
    """Return time of the last change in ns, and size in bytes; `ABSENT` for what is not there."""
    if entry is None:
        return ABSENT
    try:
        stat = entry.stat()
    except OSError:
        return ABSENT
    return stat.st_mtime_ns, stat.st_size
