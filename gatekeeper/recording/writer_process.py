"""The writer: a process that takes records from the ring and writes them to the disk.

The loop's process starts it as a command. A byte on the doorbell pipe means that there is a record in the ring, its end
that the loop's process is gone; records that are in the ring by then are still written.
"""

import os
import re
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from gatekeeper.core.errors import GatekeeperError
from gatekeeper.recording import serialization
from gatekeeper.recording.disk_sync import DiskSync, sync_all, sync_folder
from gatekeeper.recording.file_watch import FileWatch
from gatekeeper.recording.folder_files import JOURNAL, hashed_files
from gatekeeper.recording.frames_file import FramesFile, StoredFrame
from gatekeeper.recording.hash_chain import START, seal
from gatekeeper.recording.hashing import with_hashes
from gatekeeper.recording.ring_buffer import RingBuffer, WriterState
from gatekeeper.recording.serialization import Pieces, Record, unpack
from gatekeeper.recording.signatures import SIGNATURES, sign_head
from gatekeeper.recording.signing import SigningKey, session_key
from gatekeeper.runtime.process import lower_priority

BEAT_S = 0.1
"""Longest time between two signs of life in s, unless the disk blocks."""
MOST_AT_ONCE = 16
"""Largest number of records written at once."""
FRAMES = "frames.h5"
WATCH_S = 0.2
"""Time between two looks at the files in their place, in s."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Writer:
    """Write records to the disk, the frames of a batch before its lines.

    At least every half second what was written is brought to the disk, and the newest line there is signed.

    Parameters
    ----------
    folder : Path
        Folder of the session, without journal and frames yet.
    ring : RingBuffer
        Receives the progress.
    key : SigningKey
        Signs the journal.

    Attributes
    ----------
    begun : bool
        Whether the journal has its first line.
    """

    def __init__(self, folder: Path, ring: RingBuffer, key: SigningKey) -> None:
        self._folder, self._ring, self._key = folder, ring, key
        self._journal = os.open(folder / JOURNAL, _NEW, 0o644)
        self._signatures = os.open(folder / SIGNATURES, _NEW, 0o644)
        self._frames: FramesFile | None = None
        self._frames_kept = 0
        self._pieces = Pieces()
        self._lines: list[bytes] = []
        self._number, self._previous, self._dropped = 0, START, 0
        self._signed = -1
        self._sync: DiskSync[tuple[int, str]] = DiskSync()
        self._watch, self._watched_s = FileWatch(), time.monotonic()
        for path in folder.iterdir():
            if path.is_file():
                self._watch.note(path)
        self.begun = False

    def take(self, record: Record) -> None:
        """Process one record; nothing is on the disk before `commit`."""
        entry, arrays = dict(record.entry), dict(record.arrays)
        match entry["kind"]:
            case serialization.PIECE:
                self._pieces.add(record)
                return
            case serialization.SETTLE:
                self._settle()
                return
            case "header":
                self._frames = FramesFile(self._folder / FRAMES, entry["setup"], self._pieces.arrays)
                self._pieces, self.begun = Pieces(), True
                entry |= {"key": self._key.public}
            case "end":
                self._settle()
                counts = {"frames_kept": self._frames_kept, "frames_dropped": self._dropped}
                entry |= {**counts, "files": hashed_files(self._folder)}
            case kind:
                entry = with_hashes(entry, arrays)
                if kind == "frame":
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
        """Hand everything that was processed to the system, after a look at the files.

        Raises
        ------
        OSError, OutputError
            When the disk does not accept the data, or a file is no longer what was written.
        """
        self._watch.check()
        if self._frames is not None:
            self._frames.flush()
            self._frames_kept = self._frames.count
            self._watch.note(self._folder / FRAMES, self._frames.descriptor)
        self._ring.count(self._frames_kept, self._dropped)
        _write_all(self._journal, b"".join(self._lines))
        self._lines = []
        self._watch.note(self._folder / JOURNAL, self._journal)

    def tend(self) -> None:
        """Look at the files, and bring to the disk and sign what was written, each when it is time.

        Raises
        ------
        OSError, OutputError
            As for `commit`.
        """
        now_s = time.monotonic()
        if now_s - self._watched_s >= WATCH_S:
            self._watched_s = now_s
            self._watch.check()
        if (synced := self._sync.done()) is not None:
            self._sign(*synced)
        if self._sync.due and self._signed < self._number - 1:
            frames = [] if self._frames is None else [self._frames.descriptor]
            self._sync.begin([*frames, self._journal, self._signatures], (self._number - 1, self._previous))

    def _sign(self, line: int, head: str) -> None:
        """Sign a line that is on the disk."""
        if line <= self._signed:
            return
        _write_all(self._signatures, sign_head(self._key, line, head).as_line())
        self._watch.note(self._folder / SIGNATURES, self._signatures)
        self._signed = line

    def _settle(self) -> None:
        """Write everything that was processed, close the frames, and bring both to the disk."""
        if self._sync.closed:
            return
        self.commit()
        self._sync.close()
        if self._frames is not None:
            self._frames.close()
            self._frames = None
            with (self._folder / FRAMES).open("rb") as file:
                os.fsync(file.fileno())
            self._watch.note(self._folder / FRAMES)
        os.fsync(self._journal)
        sync_folder(self._folder)

    @property
    def settled(self) -> bool:
        """Whether the frames are closed and everything is on the disk."""
        return self._sync.closed

    def finish(self) -> str:
        """Bring everything to the disk, sign the last line and return its hash."""
        self._settle()
        self.commit()
        os.fsync(self._journal)
        self._sign(self._number - 1, self._previous)
        sync_all([self._signatures])
        sync_folder(self._folder)
        os.close(self._journal)
        os.close(self._signatures)
        return self._previous


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


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
            writer.tend()
            ring.beat()
            if writer.begun and ring.state is WriterState.STARTING:
                ring.state = WriterState.READY
            if writer.settled and ring.state is WriterState.READY:
                ring.state = WriterState.SETTLED
        if not gone:
            writer.tend()
        if ended or gone:
            ring.finish(writer.finish())
            return


def main(ring_descriptor: int, doorbell: int, loop_pid: int, folder: Path) -> None:
    """Serve one session; any error is reported through the ring, and ends the process at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lower_priority()
    ring = RingBuffer(ring_descriptor)
    try:
        writer = Writer(folder, ring, session_key())
        sync_folder(folder, folder.parent)
        serve(writer, ring, doorbell, loop_pid)
    except BaseException as error:
        ring.fail(_error_text(error, folder))
        # HDF5 would try to write once more while closing.
        os._exit(1)


def _error_text(error: BaseException, folder: Path) -> str:
    """Return the text of an error; HDF5 gives the disk's error number in its message only."""
    if isinstance(error, GatekeeperError):
        return str(error)
    code = error.errno if isinstance(error, OSError) else None
    found = re.search(r"errno = (\d+)", str(error))
    if code is None and found is not None:
        code = int(found[1])
    if code is not None:
        return f"{folder}: the record cannot be written ({os.strerror(code)})"
    return f"{folder}: the writer failed with {type(error).__name__}: {error}"


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
