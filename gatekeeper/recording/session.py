"""The folder of one session: the settings, each decision as it falls, and last the summary that makes it whole."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import tomli_w

from gatekeeper.config import SessionConfig
from gatekeeper.errors import OutputError
from gatekeeper.recording.journal import Journal
from gatekeeper.recording.summary import Summary, Tally
from gatekeeper.recording.whole import write_whole
from gatekeeper.step import Step


class Session:
    """A Recorder that fills a session folder; docs/formats.md describes the files.

    Parameters
    ----------
    folder : Path
        Where the session goes; it must be new or empty.
    config : SessionConfig
        The settings in force, written to `config.toml`.

    Attributes
    ----------
    folder : Path
        As given.

    Raises
    ------
    OutputError
        When the folder holds something already or cannot be written.
    """

    def __init__(self, folder: Path, config: SessionConfig) -> None:
        self.folder = folder
        self._tally = Tally()
        _make_empty(folder)
        write_whole(folder / "config.toml", tomli_w.dumps(config.model_dump()).encode())
        self._journal = Journal(folder / "decisions.jsonl")

    def record(self, step: Step, total_ms: float) -> None:
        """Write one decision to the journal and count it."""
        self._journal.write(step, total_ms)
        self._tally.add(step, total_ms)

    def summary(self) -> Summary:
        """Return the numbers so far."""
        return self._tally.summary()

    def finish(self, values: Mapping[str, object]) -> None:
        """Write `summary.json`, by which the session becomes whole.

        Parameters
        ----------
        values : mapping
            What the summary says, as plain values for JSON.

        Raises
        ------
        OutputError
            When the disk does not take the file; the session stays partial.
        """
        self._journal.close()
        text = json.dumps(values, indent=2, allow_nan=False) + "\n"
        write_whole(self.folder / "summary.json", text.encode())

    def close(self) -> None:
        """Close the journal; without `finish` the session stays partial."""
        self._journal.close()

    def __enter__(self) -> Self:
        """Return the session itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the journal."""
        self.close()


def _make_empty(folder: Path) -> None:
    """Make the session folder, or raise OutputError when it is not empty or cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = next(folder.iterdir(), None)
    except OSError as error:
        raise OutputError(
            f"{folder}: the session folder cannot be made ({error.strerror or error}); name another one"
        ) from error
    if taken is not None:
        raise OutputError(
            f"{folder}: holds {taken.name!r} already; a session needs a new or empty folder, name another one"
        )
