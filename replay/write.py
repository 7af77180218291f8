"""A folder that appears whole or not at all."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatekeeper.errors import OutputError


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
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
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise OutputError(f"{path}: exists and is not an empty folder; name a new folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir()
        yield unfinished
        unfinished.rename(path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); free some space or name another folder"
        ) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
