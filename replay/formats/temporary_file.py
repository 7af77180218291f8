"""A temporary file without a name: it takes what does not fit into memory, and is gone with the last who uses it."""

import os
import tempfile
import weakref


class Spool:
    """Bytes on the disk, in the folder that TMPDIR names.

    Raises
    ------
    OSError
        Here and on each writing, when there is no room for it.
    """

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as file:
            self._file = os.dup(file.fileno())
        self.close = weakref.finalize(self, os.close, self._file)

    def write(self, content: bytes, place: int) -> None:
        """Put bytes at a place."""
        left = memoryview(content)
        while left:
            written = os.pwrite(self._file, left, place)
            left, place = left[written:], place + written

    def read(self, size: int, place: int) -> bytes:
        """Return the bytes that were put at a place."""
        return os.pread(self._file, size, place)
