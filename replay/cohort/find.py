"""Find the sessions below a folder, at any depth."""

import os
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
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder; name one with sessions in it or below")
    found, left_out = Found(), os.path.realpath(but)
    left_name = Path(left_out).name
    waiting = [(os.fspath(folder), "")]
    while waiting:
        path, below = waiting.pop()
        try:
            entries = _entries(path)
        except OSError as error:
            found.closed.append(f"{path}: cannot be looked into ({error.strerror or error})")
            continue
        if JOURNAL in entries:
            found.sessions[below or "."] = tuple(_stamp(entries.get(name)) for name in READ)
            continue
        for name, entry in entries.items():
            if entry.is_dir(follow_symlinks=False) and not (
                name == left_name and os.path.realpath(entry.path) == left_out
            ):
                waiting.append((entry.path, f"{below}/{name}" if below else name))
    return found


def _entries(path: str) -> dict[str, "os.DirEntry[str]"]:
    with os.scandir(path) as scan:
        return {entry.name: entry for entry in scan}


def _stamp(entry: "os.DirEntry[str] | None") -> tuple[int, int]:
    if entry is None:
        return ABSENT
    try:
        stat = entry.stat()
    except OSError:
        return ABSENT
    return stat.st_mtime_ns, stat.st_size
