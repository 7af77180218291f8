"""Write folders and files atomically: complete, or not at all."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatekeeper.core.errors import OutputError


@contextmanager
def folder_written_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that is renamed to `path` when the block succeeds, and removed when it fails.

    Parameters
    ----------
    path : Path
        The folder to make. It may exist if it is empty; missing parents are made.

    Yields
    ------
    Path
        The temporary folder or file to write.

    Raises
    ------
    OutputError
        When `path` is not an empty folder, or when it cannot be written, for example because the disk is full.
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
    """Yield the path of a temporary file that is renamed to `path` when the block succeeds, and removed when it fails.

    Parameters
    ----------
    path : Path
        The file to make; it must not exist. Its folder is made if missing.

    Yields
    ------
    Path
        The temporary folder or file to write.

    Raises
    ------
    OutputError
        When `path` exists, or when it cannot be written, for example because the disk is full.
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
    """Yield a temporary name beside `path`, and turn errors of the disk into an OutputError."""
    try:
        yield path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); free some space or name another {what}"
        ) from None
