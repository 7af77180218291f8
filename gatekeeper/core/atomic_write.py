"""Write files atomically."""

import os
from contextlib import suppress
from pathlib import Path

from gatekeeper.core.errors import OutputError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file atomically: under another name first, renamed when it is complete and on the disk.

    Parameters
    ----------
    path : Path
        The file; an existing one is replaced.
    data : bytes
        The content.

    Raises
    ------
    OutputError
        When it cannot be written; no partial file remains.
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
