"""Share the newest message between processes with a seqlock [1]_, without blocking the writer.

A counter is odd during a write. A reader that sees an odd counter, or another value after reading, tries again.

References
----------
.. [1] H.-J. Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012.
"""

from gatekeeper.runtime.shared_memory import SharedMemory, nameless_memory

_COUNT, _LENGTH = 0, 1
"""Positions in the header, in words of eight bytes."""
_DATA = 64
TRIES = 50
"""Number of attempts to read before the reader gives up."""


class Seqlock(SharedMemory):
    """A message in shared memory, for one writer and any number of readers.

    Parameters
    ----------
    descriptor : int
        Open file of the memory, from `Seqlock.memory`; it may be closed afterwards.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, _DATA)

    @staticmethod
    def memory(capacity: int) -> int:
        """Return an open file of anonymous memory.

        Parameters
        ----------
        capacity : int
            Size of the largest message in bytes.

        Returns
        -------
        int
            File descriptor.
        """
        return nameless_memory("slot", _DATA + capacity)

    def put(self, *parts: bytes | memoryview) -> bool:
        """Replace the message.

        Parameters
        ----------
        *parts : bytes or memoryview
            The message is their concatenation.

        Returns
        -------
        bool
            False when the message is too long; then the memory is unchanged.
        """
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
        """Number that grows with each message; 0 before the first one."""
        return self._words[_COUNT]

    def get(self) -> tuple[int, bytes] | None:
        """Return the newest message.

        Returns
        -------
        tuple of int and bytes, or None
            The count and the message; None before the first message, or when each of `TRIES` reads met a write.
        """
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
