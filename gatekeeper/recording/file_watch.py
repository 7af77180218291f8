"""Watch the files of a running session: still in their place, and as long as they were written."""

import os
from pathlib import Path

from gatekeeper.core.errors import OutputError


class FileWatch:
    """Remember which files were written and how long they are, and compare with what their paths lead to.

    Nobody but the writer's process changes them, so that a file that is another one, longer or shorter was tampered
    with.
    """

    def __init__(self) -> None:
        self._files: dict[Path, os.stat_result] = {}

    def note(self, path: Path, descriptor: int | None = None) -> None:
        """Remember a file as it is now: by its open descriptor or, for a closed file, by its path."""
        self._files[path] = path.stat() if descriptor is None else os.fstat(descriptor)

    def check(self) -> None:
        """Compare all files with what was remembered.

        Raises
        ------
        OutputError
            When a file is gone, is another one or has another length.
        """
        for path, noted in self._files.items():
            try:
                now = path.stat()
            except OSError as error:
                raise OutputError(
                    f"{path}: was moved or deleted while it was written ({error.strerror or error})"
                ) from None
            if (now.st_dev, now.st_ino) != (noted.st_dev, noted.st_ino):
                raise OutputError(f"{path}: was replaced by another file while it was written")
            if now.st_size != noted.st_size:
                raise OutputError(
                    f"{path}: has {now.st_size} bytes, {noted.st_size} were written; another program has changed it"
                )
