"""A file that is there whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from gatekeeper.core.errors import OutputError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file under another name first, so that it takes its own only when it is whole and on the disk.

    Parameters
    ----------
    path : Path
        The file; one that is there already is replaced.
    data : bytes
        What it shall hold.

    Raises
    ------
    OutputError
        When the disk does not take it; nothing is left behind then.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); free some space or name another folder"
        ) from error
