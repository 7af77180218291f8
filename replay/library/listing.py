"""List the sessions and recordings below a folder, as they are found."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gatekeeper.core.errors import InputError, RecordingError
from gatekeeper.recording.folder_files import JOURNAL
from replay.cohort.find import Entries, walk
from replay.formats.open import format_of
from replay.library.session_facts import date_of, session_facts

RECORDING = "recording"
NOT_LISTED = "library: it is not listed any more; look through the folder again"
MOST = 20_000
"""Largest number of entries in a list."""
NOT_RECORDINGS = frozenset({".toml", ".json", ".jsonl", ".html", ".css", ".js", ".py", ".md", ".txt", ".log", ".pem"})
"""Ends of names of files that are not asked about, in lower case."""


class Listing:
    """What lies below a folder, found on a thread.

    Parameters
    ----------
    folder : Path
        The folder.

    Attributes
    ----------
    folder : Path
        As given, absolute.
    entries : list of dict
        What was found so far, each with `key`, `kind`, `path` below the folder, `date` and what else is known.
    closed : tuple of str
        Folders that could not be looked into.
    done : bool
        Whether all was looked at.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.entries: list[dict[str, Any]] = []
        self.closed: tuple[str, ...] = ()
        self.done = False
        self._keys: dict[str, str] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, ready: Callable[[], None] = lambda: None) -> None:
        """Look through the folder anew, on a thread; `ready` is called there at the end."""
        self.stop()
        self._stopped.clear()
        self.entries, self.done = [], False
        self._thread = threading.Thread(target=self._look, args=(self.entries, ready), name="listing", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking at the next folder."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def path_of(self, key: str) -> Path:
        """Return where the entry of a key is.

        Raises
        ------
        InputError
            When it was never listed.
        """
        if key not in self._keys:
            raise InputError(NOT_LISTED)
        return self.folder / self._keys[key]

    def entry_of(self, key: str) -> dict[str, Any]:
        """Return what the list shows of an entry.

        Raises
        ------
        InputError
            When it is not listed.
        """
        found = next((one for one in self.entries if one["key"] == key), None)
        if found is None:
            raise InputError(NOT_LISTED)
        return found

    def add(self, folder: Path) -> str:
        """Add a session that was made below the folder, and return its key."""
        below = folder.resolve().relative_to(self.folder).as_posix()
        self._append(self.entries, below, session_facts(folder))
        return below_key(below)

    def _look(self, entries: list[dict[str, Any]], ready: Callable[[], None]) -> None:
        def look(path: str, below: str, inside: Entries) -> bool:
            if self._stopped.is_set() or len(entries) >= MOST:
                return False
            if JOURNAL in inside:
                self._append(entries, below or ".", session_facts(Path(path)))
                return False
            if below and (found := _recording(Path(path))) is not None:
                self._append(entries, below, found)
                return False
            for name, entry in inside.items():
                if name.startswith(".") or Path(name).suffix.lower() in NOT_RECORDINGS or not entry.is_file():
                    continue
                if (found := _recording(Path(entry.path))) is not None:
                    self._append(entries, f"{below}/{name}" if below else name, found)
            return not Path(path).name.startswith(".") or not below

        closed = tuple(walk(self.folder, None, look))
        if entries is self.entries:
            self.closed, self.done = closed, True
            ready()

    def _append(self, entries: list[dict[str, Any]], below: str, facts: dict[str, Any]) -> None:
        key = below_key(below)
        self._keys[key] = below
        entries.append({"key": key, "path": below, **facts})


def below_key(below: str) -> str:
    """Return the key of an entry by its path below the folder."""
    return hashlib.blake2b(below.encode("utf-8", "surrogateescape"), digest_size=9).hexdigest()


def _recording(path: Path) -> dict[str, Any] | None:
    """Return what a list shows of a recording; None for what is none."""
    try:
        return {"kind": RECORDING, "name": path.name, "format": format_of(path).name, "date": date_of(path)}
    except (RecordingError, OSError):
        return None
