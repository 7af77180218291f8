"""A ring buffer in shared memory between two processes, of which neither waits for the other.

Both counters only grow; each is written by one side.
"""

import mmap
from collections.abc import Sequence
from enum import IntEnum

from gatekeeper.runtime.shared_memory import SharedMemory, nameless_memory

Buffer = bytes | memoryview

_PUT, _TAKEN, _BEAT, _STATE, _KEPT, _DROPPED = 0, 8, 16, 17, 18, 19
"""Positions in the head, in words of eight bytes; the two counters lie on separate cache lines."""
_HEAD_HASH = slice(256, 320)
_MESSAGE = slice(320, 832)
_DATA = 4096
_LENGTH = 8


class WriterState(IntEnum):
    """State of the process that reads the ring."""

    STARTING = 0
    READY = 1
    SETTLED = 2
    DONE = 3
    FAILED = 4


class RingBuffer(SharedMemory):
    """One end of the ring.

    Parameters
    ----------
    descriptor : int
        Open file of the memory, from `RingBuffer.memory`; the ring keeps its own mapping of it.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, _DATA, getattr(mmap, "MAP_POPULATE", 0))

    @staticmethod
    def memory(capacity: int) -> int:
        """Return an open file of anonymous memory with room for `capacity` bytes of records."""
        return nameless_memory("ring", _DATA + capacity)

    def put(self, parts: Sequence[Buffer], spare: int = 0) -> bool:
        """Append one record, the concatenation of all `parts`, without waiting.

        Parameters
        ----------
        parts : sequence of bytes-like
            Content of the record; C-contiguous, of single bytes.
        spare : int
            Room that must remain afterwards, in bytes.

        Returns
        -------
        bool
            False when there is no room; the ring is unchanged then.
        """
        put = self._words[_PUT]
        length = sum(map(len, parts))
        if put - self._words[_TAKEN] + _LENGTH + length + spare > self.capacity:
            return False
        end = self._copy_in(put, length.to_bytes(_LENGTH, "little"))
        for part in parts:
            end = self._copy_in(end, part)
        self._words[_PUT] = end
        return True

    def take(self) -> bytes | None:
        """Remove the oldest record and return it; None when the ring is empty."""
        taken = self._words[_TAKEN]
        if taken == self._words[_PUT]:
            return None
        begin = taken + _LENGTH
        length = int.from_bytes(self._copy_out(taken, _LENGTH), "little")
        record = self._copy_out(begin, length)
        self._words[_TAKEN] = begin + length
        return record

    def _copy_in(self, position: int, part: Buffer) -> int:
        """Copy to a position that counts all bytes ever written; return the position after it."""
        at = position % self.capacity
        first = min(len(part), self.capacity - at)
        self._data[at : at + first] = part[:first]
        if first < len(part):
            self._data[: len(part) - first] = part[first:]
        return position + len(part)

    def _copy_out(self, position: int, length: int) -> bytes:
        at = position % self.capacity
        first = bytes(self._data[at : at + length])
        return first if len(first) == length else first + bytes(self._data[: length - len(first)])

    def beat(self) -> None:
        """Give a sign of life of the reading process."""
        self._words[_BEAT] += 1

    @property
    def beats(self) -> int:
        """Number of signs of life of the reading process."""
        return self._words[_BEAT]

    @property
    def state(self) -> WriterState:
        """State of the reading process."""
        return WriterState(self._words[_STATE])

    @state.setter
    def state(self, state: WriterState) -> None:
        self._words[_STATE] = state

    def count(self, kept: int, dropped: int) -> None:
        """Set the number of frames stored so far, and of frames that could not be stored."""
        self._words[_KEPT], self._words[_DROPPED] = kept, dropped

    @property
    def frames_kept(self) -> int:
        """Number of frames in the file."""
        return self._words[_KEPT]

    @property
    def frames_dropped(self) -> int:
        """Number of frames that the writer could not store."""
        return self._words[_DROPPED]

    def finish(self, head: str) -> None:
        """Report that everything is on the disk, with the hash of the last line."""
        self._bytes[_HEAD_HASH] = head.encode()
        self.state = WriterState.DONE

    def fail(self, message: str) -> None:
        """Report why nothing more will be written."""
        text = message.encode()[: _MESSAGE.stop - _MESSAGE.start]
        self._bytes[_MESSAGE.start : _MESSAGE.start + len(text)] = text
        self.state = WriterState.FAILED

    @property
    def head(self) -> str:
        """Hash of the journal's last line, once the state is DONE."""
        return bytes(self._bytes[_HEAD_HASH]).decode()

    @property
    def message(self) -> str:
        """Why nothing more is written, once the state is FAILED."""
        return bytes(self._bytes[_MESSAGE]).rstrip(b"\0").decode(errors="replace")
