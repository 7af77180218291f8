"""Memory that processes share: without a name, passed on as an open file.

So nothing is left over after a crash, and nobody's resource tracker takes it away from a process that still uses it.
"""

import mmap
import os


class SharedMemory:
    """One end of a memory that has a head of numbers of eight bytes, and data behind it.

    Parameters
    ----------
    descriptor : int
        Open file of the memory, from `nameless_memory`; this end keeps its own mapping of it.
    head_bytes : int
        Size of the head.
    flags : int
        More flags for `mmap`.

    Attributes
    ----------
    capacity : int
        Bytes of the data.
    """

    def __init__(self, descriptor: int, head_bytes: int, flags: int = 0) -> None:
        self._memory = mmap.mmap(descriptor, os.fstat(descriptor).st_size, flags=mmap.MAP_SHARED | flags)
        self._bytes = memoryview(self._memory)
        self._words = self._bytes[:head_bytes].cast("q")
        self._data = self._bytes[head_bytes:]
        self.capacity = len(self._data)

    def close(self) -> None:
        """Let go of the memory; may be called twice."""
        for view in (self._words, self._data, self._bytes):
            view.release()
        self._memory.close()


def nameless_memory(called: str, size: int) -> int:
    """Return an open file of so many bytes of memory; `called` is shown by tools that list what is open."""
    descriptor = os.memfd_create(f"gatekeeper-{called}")
    os.ftruncate(descriptor, size)
    return descriptor
