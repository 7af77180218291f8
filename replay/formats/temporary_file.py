"""A temporary file without a name, for pixels that do not fit into memory."""

import os
import tempfile
import weakref


class TemporaryFile:
    """Store bytes on the disk, in the folder that TMPDIR names, until the object is deleted.

    Raises
    ------
    OSError
        Here and on each writing, when the disk has no room.
    """

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as file:
            self._file = os.dup(file.fileno())
        self.close = weakref.finalize(self, os.close, self._file)

    def write(self, content: bytes, offset: int) -> None:
        """Write bytes at an offset."""
        left = memoryview(content)
        while left:
            written = os.pwrite(self._file, left, offset)
            left, offset = left[written:], offset + written

    def read(self, size: int, offset: int) -> bytes:
        """Read up to `size` bytes from an offset."""
        return os.pread(self._file, size, offset)
