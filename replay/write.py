"""A folder or file that appears whole or not at all."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatekeeper.core.errors import OutputError


@contextmanager
def folder_written_atomically(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path` that takes its name when the block ends well, and vanishes when not.

    Parameters
    ----------
    path : Path
        The folder to make. It may be there already when it is empty; its parents are made when missing.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    OutputError
        When `path` is no folder or not empty, or when the disk is full or cannot be written.
    """
    path = path.resolve()
    with _unfinished(path, "folder") as unfinished:
        try:
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise OutputError(f"{path}: exists and is not an empty folder; name a new folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.mkdir()
            yield unfinished
            unfinished.rename(path)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def file_written_atomically(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` for a file that takes its place when the block ends well, and vanishes when not.

    Parameters
    ----------
    path : Path
        The file to make; it must not be there. Its folder is made when missing.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    OutputError
        When `path` is there already, or when the disk is full or cannot be written.
    """
    path = path.resolve()
    with _unfinished(path, "file") as unfinished:
        try:
            if path.exists():
                raise OutputError(f"{path}: exists; name a new file")
            path.parent.mkdir(parents=True, exist_ok=True)
            yield unfinished
            unfinished.rename(path)
        finally:
            unfinished.unlink(missing_ok=True)


@contextmanager
def _unfinished(path: Path, what: str) -> Iterator[Path]:
    """Yield a name beside `path` for what is not whole yet, and say in one line when the disk does not take it."""
    try:
        yield path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); free some space or name another {what}"
        ) from None
