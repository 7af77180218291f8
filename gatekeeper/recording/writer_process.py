"""The writer: a process that takes records from the ring and writes them to the disk.

The loop's process starts it as a command. A byte on the doorbell pipe means that there is a record in the ring, its end
that the loop's process is gone; records that are in the ring by then are still written.
"""

import os
import re
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

from gatekeeper.recording.frames_file import FramesFile, StoredFrame
from gatekeeper.recording.hash_chain import START, seal
from gatekeeper.recording.hashing import array_hash
from gatekeeper.recording.ring_buffer import RingBuffer, WriterState
from gatekeeper.recording.serialization import PIECE, Pieces, Record, unpack
from gatekeeper.runtime.process import lower_priority

BEAT_S = 0.1
"""Longest time between two signs of life in s, unless the disk blocks."""
MOST_AT_ONCE = 16
"""Largest number of records written at once."""


class Writer:
    """Write records to the disk, the frames of a batch before its lines.

    Parameters
    ----------
    folder : Path
        Folder of the session, without journal and frames yet.
    ring : RingBuffer
        Receives the progress.

    Attributes
    ----------
    begun : bool
        Whether the journal has its first line.
    """

    def __init__(self, folder: Path, ring: RingBuffer) -> None:
        self._ring = ring
        self._journal_path = folder / "decisions.jsonl"
        self._frames_path = folder / "frames.h5"
        self._journal = os.open(self._journal_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._frames: FramesFile | None = None
        self._pieces = Pieces()
        self._lines: list[bytes] = []
        self._number, self._previous, self._dropped = 0, START, 0
        self.begun = False

    def take(self, record: Record) -> None:
        """Process one record; nothing is on the disk before `commit`."""
        entry, arrays = dict(record.entry), dict(record.arrays)
        if entry["kind"] == PIECE:
            self._pieces.add(record)
            return
        if entry["kind"] == "header":
            self._frames = FramesFile(self._frames_path, entry["setup"], self._pieces.arrays)
            self._pieces, self.begun = Pieces(), True
        elif entry["kind"] == "end":
            stored = 0 if self._frames is None else self._frames.count
            entry |= {"frames_kept": stored, "frames_dropped": self._dropped}
        else:
            entry |= {f"{name}_hash": array_hash(array) for name, array in arrays.items()}
            if entry["kind"] == "frame":
                entry |= self._stored(record.frame)
        line, self._previous = seal(entry, self._number, self._previous)
        self._lines.append(line)
        self._number += 1

    def _stored(self, stored: StoredFrame | None) -> dict[str, object]:
        """Add one frame to the file, and return where it is; None when it cannot be stored."""
        if stored is not None and self._frames is not None:
            with suppress(ValueError, TypeError, OverflowError):
                row, digest = self._frames.add(stored)
                return {"frame_row": row, "frame_hash": digest}
        self._dropped += 1
        return {"frame_row": None, "frame_hash": None}

    def commit(self) -> None:
        """Write everything that was processed.

        Raises
        ------
        OSError
            When the disk does not accept the data.
        """
        if self._frames is not None:
            self._frames.flush()
            self._ring.count(self._frames.count, self._dropped)
        data = memoryview(b"".join(self._lines))
        self._lines = []
        while data:
            data = data[os.write(self._journal, data) :]

    def finish(self) -> str:
        """Close both files once they are on the disk, and return the hash of the last line."""
        self.commit()
        if self._frames is not None:
            self._frames.close()
            with self._frames_path.open("rb") as file:
                os.fsync(file.fileno())
        os.fsync(self._journal)
        os.close(self._journal)
        return self._previous


def serve(writer: Writer, ring: RingBuffer, doorbell: int, loop_pid: int) -> None:
    """Write records until the last one, or until the process at the other end is gone.

    Parameters
    ----------
    writer : Writer
        Writes the records.
    ring : RingBuffer
        Supplies the records.
    doorbell : int
        Descriptor that becomes readable when there are records.
    loop_pid : int
        Id of the loop's process.
    """
    gone = False
    while True:
        ring.beat()
        if select.select([doorbell], [], [], BEAT_S)[0]:
            gone = not os.read(doorbell, 1 << 16)
        # A child of the loop's process may keep the doorbell open after it.
        gone = gone or os.getppid() != loop_pid
        ended = False
        while not ended:
            taken = 0
            while taken < MOST_AT_ONCE and not ended and (data := ring.take()) is not None:
                record = unpack(data)
                writer.take(record)
                ended = record.entry["kind"] == "end"
                taken += 1
            if not taken:
                break
            writer.commit()
            ring.beat()
            if writer.begun and ring.state is WriterState.STARTING:
                ring.state = WriterState.READY
        if ended or gone:
            ring.finish(writer.finish())
            return


def main(ring_descriptor: int, doorbell: int, loop_pid: int, folder: Path) -> None:
    """Serve one session; any error is reported through the ring, and ends the process at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lower_priority()
    ring = RingBuffer(ring_descriptor)
    try:
        serve(Writer(folder, ring), ring, doorbell, loop_pid)
    except BaseException as error:
        ring.fail(_error_text(error, folder))
        # HDF5 would try to write once more while closing.
        os._exit(1)


def _error_text(error: BaseException, folder: Path) -> str:
    """Return the text of an error; HDF5 gives the disk's error number in its message only."""
    code = error.errno if isinstance(error, OSError) else None
    found = re.search(r"errno = (\d+)", str(error))
    if code is None and found is not None:
        code = int(found[1])
    if code is not None:
        return f"{folder}: the record cannot be written ({os.strerror(code)})"
    return f"{folder}: the writer failed with {type(error).__name__}: {error}"


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
