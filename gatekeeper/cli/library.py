"""The library behind its page: what is below a folder, sessions that are open, and recordings that are replayed."""

import asyncio
from pathlib import Path
from typing import Any, Self

from gatekeeper.cli import library_jobs as jobs
from gatekeeper.cli.children import OpenSessions
from gatekeeper.cli.wizards import Wizards
from gatekeeper.cli.workers import Workers
from gatekeeper.core.errors import InputError
from gatekeeper.recording.folder_files import JOURNAL
from replay.library.drops import Drops
from replay.library.listing import Listing


class Library:
    """What the library's page shows and does; a context manager, at whose end nothing of it runs.

    Parameters
    ----------
    folder : Path
        Folder with sessions and recordings at any depth; new sessions are written into it.
    host : str
        Address or name on which consoles of single sessions listen.

    Attributes
    ----------
    wizards : Wizards
        Recordings on their way to sessions.
    """

    def __init__(self, folder: Path, host: str) -> None:
        self._listing = Listing(folder)
        self._sessions = OpenSessions(host)
        self._drops = Drops()
        self._looks, self._reads = Workers(), Workers()
        self._looked: dict[str, dict[str, Any]] = {}
        self.wizards = Wizards(self._listing, self._drops, self._reads)

    def __enter__(self) -> Self:
        """Begin to look through the folder."""
        self._drops.__enter__()
        self._listing.begin()
        return self

    def __exit__(self, *given: object) -> None:
        """End all processes, and remove what was dropped."""
        self._listing.stop()
        self.wizards.end()
        self._sessions.close()
        self._looks.close()
        self._reads.close()
        self._drops.__exit__(*given)

    def listing(self, after: int) -> dict[str, object]:
        """Return what was found so far, without the first entries."""
        found = self._listing
        done, entries = found.done, found.entries
        return {
            "folder": str(found.folder),
            "entries": entries[max(after, 0) :],
            "total": len(entries),
            "done": done,
            "closed": list(found.closed),
        }

    def again(self) -> None:
        """Look through the folder anew."""
        self._looked.clear()
        self._listing.begin()

    async def look(self, key: str) -> dict[str, Any]:
        """Return verdict and picture of an entry."""
        if key not in self._looked:
            path = self._listing.path_of(key)
            job = jobs.look_at_session if (path / JOURNAL).is_file() else jobs.look_at_recording
            try:
                self._looked[key] = await self._looks.do(job, str(path))
            except InputError as error:
                self._looked[key] = {"verdict": jobs.DAMAGED, "finding": str(error), "picture": None}
        return self._looked[key]

    async def url(self, key: str) -> str:
        """Return the address of the console of a session."""
        return await asyncio.to_thread(self._sessions.url, self._listing.path_of(key))

    async def breaths(self, key: str) -> list[tuple[float, float]]:
        """Return begin and end of each breath of a session, in s since its first decision."""
        return await self._reads.do(jobs.breaths_of, str(self._listing.path_of(key)))

    def facts(self, key: str) -> dict[str, Any]:
        """Return what the list shows of an entry."""
        return self._listing.entry_of(key)
