"""Memory that processes share: anonymous, passed on as an open file.

Nothing is left over after a crash, and no resource tracker removes it while a process uses it.
"""

import mmap
import os


class SharedMemory:
    """One end of a shared memory: a head of eight-byte integers, followed by data.

    Parameters
    ----------
    descriptor : int
        Open file of the memory, from `nameless_memory`; this end keeps its own mapping of it.
    head_bytes : int
        Size of the head, in bytes.
    flags : int
        Additional flags for `mmap`.

    Attributes
    ----------
    capacity : int
        Size of the data, in bytes.
    """

    def __init__(self, descriptor: int, head_bytes: int, flags: int = 0) -> None:
        self._memory = mmap.mmap(descriptor, os.fstat(descriptor).st_size, flags=mmap.MAP_SHARED | flags)
        self._bytes = memoryview(self._memory)
        self._words = self._bytes[:head_bytes].cast("q")
        self._data = self._bytes[head_bytes:]
        self.capacity = len(self._data)

    def close(self) -> None:
        """Release the memory; may be called twice."""
        for view in (self._words, self._data, self._bytes):
            view.release()
        self._memory.close()


def nameless_memory(called: str, size: int) -> int:
    """Return an open file of `size` bytes of memory; `called` is shown by tools that list open files."""
    descriptor = os.memfd_create(f"gatekeeper-{called}")
    os.ftruncate(descriptor, size)
    return descriptor
