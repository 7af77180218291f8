"""Slot: the newest view of a session in shared memory; the writer waits for nobody, a reader gets it whole or not.

A counter is odd while the writer writes (a seqlock [1]_): a reader that sees it odd, or changed while it read, tries
again.

References
----------
.. [1] H.-J. Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012.
"""

from gatekeeper.runtime.shared_memory import SharedMemory, nameless_memory

_COUNT, _LENGTH = 0, 1
"""Places in the head, in words of eight bytes."""
_DATA = 64
TRIES = 50
"""A reader that was disturbed this often gives up until it is asked again."""


class Seqlock(SharedMemory):
    """One end of the slot.

    Parameters
    ----------
    descriptor : int
        Open file of the memory, from `Seqlock.memory`; the slot keeps its own mapping of it.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, _DATA)

    @staticmethod
    def memory(capacity: int) -> int:
        """Return an open file of nameless memory with room for `capacity` bytes."""
        return nameless_memory("slot", _DATA + capacity)

    def put(self, *parts: bytes | memoryview) -> bool:
        """Replace what is there by some parts, one behind the other; return False, and change nothing, if too long."""
        length = sum(map(len, parts))
        if length > self.capacity:
            return False
        count = self._words[_COUNT]
        self._words[_COUNT] = count + 1
        at = 0
        for part in parts:
            self._data[at : at + len(part)] = part
            at += len(part)
        self._words[_LENGTH] = length
        self._words[_COUNT] = count + 2
        return True

    @property
    def count(self) -> int:
        """Grows with whatever is put; 0 before the first."""
        return self._words[_COUNT]

    def get(self) -> tuple[int, bytes] | None:
        """Return what is there and the count that belongs to it; None before the first, or when always disturbed."""
        for _ in range(TRIES):
            before = self._words[_COUNT]
            if before == 0:
                return None
            if before % 2:
                continue
            content = bytes(self._data[: min(max(self._words[_LENGTH], 0), self.capacity)])
            if self._words[_COUNT] == before:
                return before, content
        return None
