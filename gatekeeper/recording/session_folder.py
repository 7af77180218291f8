"""The folder of one session: settings, decisions and frames as they arrive, and a final summary."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import tomli_w

from gatekeeper.config import SessionConfig
from gatekeeper.core.atomic_write import write_atomically
from gatekeeper.core.clock import stopwatch_ns
from gatekeeper.core.errors import OutputError
from gatekeeper.core.json_values import number
from gatekeeper.core.session_counts import SessionCounts
from gatekeeper.core.step import Step
from gatekeeper.recording.frames_file import StoredFrame
from gatekeeper.recording.journal import arrays_of, entry_of
from gatekeeper.recording.ring_buffer import WriterState
from gatekeeper.recording.serialization import SETTLE, pack, pieces_of
from gatekeeper.recording.session_setup import SessionSetup, header_of
from gatekeeper.recording.summary import Summary, Tally
from gatekeeper.recording.writer_client import LIVE_TIMEOUTS, SPARE, START_S, WriterClient, WriterTimeouts

PRIVATE = 0o700
"""Permissions of the folder of a session: only the user who runs it reads the images."""
SLOWEST_BYTES_S = 5e6
"""Slowest rate, in bytes per second, at which a disk must accept the setup of a session."""
SEAL_S = 120.0
"""Longest time for the writer to write the rest to the disk after the last frame, and to seal the folder, in s."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Frame counts of a settled record, and head hash of a sealed one.

    Attributes
    ----------
    frames_kept, frames_dropped : int
        Frames in `frames.h5`, and frames of which only the decision was recorded.
    head : str or None
        Hash of the journal's last line, 64 hexadecimal digits; kept elsewhere, it proves later that nothing is missing.
        None until the session is sealed.
    """

    frames_kept: int
    frames_dropped: int
    head: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return the values that are known as JSON values."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class SessionRecorder:
    """A Recorder that fills a session folder; docs/reference/session-folder.md describes the files.

    Journal and frames are written by another process. While frames are judged nothing here waits for it or raises;
    failures are reported by `fault`.

    Parameters
    ----------
    folder : Path
        Folder of the session; it must be new or empty.
    config : SessionConfig
        The settings in force, written to `config.toml`.
    setup : SessionSetup, optional
        What tracker and envelope were made of. Without it the session can be read, but not replayed.
    timeouts : WriterTimeouts
        How long to wait for a slow disk; by default not at all.
    stopwatch : callable
        Return a counter of real time in ns.
    source : str, optional
        Kind of the source, which the journal names.

    Attributes
    ----------
    folder : Path
        As given.
    writer_pid : int
        Id of the writer's process.

    Raises
    ------
    OutputError
        When the folder is not empty or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from gatekeeper import SessionConfig, SessionRecorder
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     with SessionRecorder(Path(parent) / "session", SessionConfig()) as recorder:
    ...         recorder.event("note", 0.0, {"text": "phantom"})
    ...         sealed = recorder.finish({})
    ...     sorted(path.name for path in recorder.folder.iterdir())
    ['config.toml', 'decisions.jsonl', 'frames.h5', 'signatures.jsonl', 'summary.json']
    """

    def __init__(
        self,
        folder: Path,
        config: SessionConfig,
        setup: SessionSetup | None = None,
        timeouts: WriterTimeouts = LIVE_TIMEOUTS,
        stopwatch: Callable[[], int] = stopwatch_ns,
        source: str | None = None,
    ) -> None:
        self.folder = folder
        self._tally = Tally()
        self._names = () if setup is None else setup.names
        self._settled: Seal | None = None
        self._sealed: Seal | None = None
        make_session_folder(folder)
        write_atomically(folder / "config.toml", tomli_w.dumps(config.model_dump(exclude_none=True)).encode())
        self._link = WriterClient(folder, timeouts, stopwatch)
        self.writer_pid = self._link.pid
        try:
            self._begin(setup, header_of(config, setup, source), timeouts.ready_first)
        except BaseException:
            self._link.close()
            raise

    def _begin(self, setup: SessionSetup | None, header: Mapping[str, object], ready: bool) -> None:
        """Send the setup to the writer, and wait until it is on its way to the disk if it has to be ready."""
        arrays = {} if setup is None else setup.arrays()
        for piece in pieces_of(arrays):
            if self._link.put(piece, room_s=START_S):
                continue
            if (size := sum(map(len, piece))) > self._link.ring.capacity // 2:
                raise OutputError(
                    f"{self.folder}: an image of the reference or preview takes {size} bytes, the record has room for "
                    f"{self._link.ring.capacity // 2}; give smaller images"
                )
            self._link.lose(f"the disk takes longer than {START_S:g} s")
            break
        self._link.put(pack(header), room_s=START_S)
        size = sum(array.nbytes for array in arrays.values())
        if ready:
            self._link.wait_until(WriterState.READY, START_S + size / SLOWEST_BYTES_S)

    @property
    def fault(self) -> str | None:
        """Why the record is no longer kept, in one line; None while it is. It stays once set."""
        return self._link.check()

    @property
    def frames_dropped(self) -> int:
        """Number of frames that could not be stored so far; their decisions were recorded."""
        return self._link.ring.frames_dropped if self._settled is None else self._settled.frames_dropped

    def record(self, step: Step, total_ms: float) -> None:
        """Send one decision and its frame to the writer, and count it."""
        try:
            entry = entry_of(step, total_ms, self._names)
            self._tally.add(entry)
            if self._link.fault is not None:
                return
            arrays, stored = arrays_of(step, self._names), _stored(step)
            done = stored is not None and self._link.put(pack(entry, stored, arrays), SPARE)
            if not (done or self._link.put(pack(entry, None, arrays))):
                self._link.lose(f"no room for decision {step.decision.sequence}, the writer is too slow")
        except Exception as error:
            self._link.lose(f"decision {step.decision.sequence} cannot be recorded, {type(error).__name__}: {error}")

    def event(self, name: str, time_s: float, values: Mapping[str, object]) -> None:
        """Record an event as a line of the journal.

        Parameters
        ----------
        name : str
            Name of the event, for example "arm".
        time_s : float
            Session time in s.
        values : mapping
            Its values for JSON.
        """
        entry = {"kind": "event", "event": name, "time_s": number(time_s), "values": dict(values)}
        try:
            if self._link.fault is None and not self._link.put(pack(entry)):
                self._link.lose(f"no room for event {name!r}, the writer is too slow")
        except Exception as error:
            self._link.lose(f"event {name!r} cannot be recorded, {type(error).__name__}: {error}")

    @property
    def counts(self) -> SessionCounts:
        """Counts so far."""
        return self._tally.counts.with_not_kept(self.frames_dropped)

    def summary(self) -> Summary:
        """Return the figures so far."""
        return self._tally.summary()

    def settle(self) -> Seal:
        """Close the record: wait until everything so far is on the disk, and return the counts.

        Raises
        ------
        OutputError
            When something was lost; the session stays partial.
        """
        if self._settled is None:
            self._link.check()
            self._link.put(pack({"kind": SETTLE}), room_s=SEAL_S)
            self._link.wait_until(WriterState.SETTLED, SEAL_S)
            ring = self._link.ring
            self._settled = Seal(ring.frames_kept, ring.frames_dropped)
        return self._settled

    def seal(self) -> Seal:
        """Write the journal's last line with the hash of every file in the folder, sign it, and return its hash.

        Files that are added or changed later are found by `gatekeeper verify`.

        Raises
        ------
        OutputError
            When something was lost; the session stays partial.
        """
        if self._sealed is None:
            settled = self.settle()
            self._link.put(pack({"kind": "end"}), room_s=SEAL_S)
            self._link.wait_until(WriterState.DONE, SEAL_S)
            self._sealed = replace(settled, head=self._link.ring.head)
        return self._sealed

    def finish(self, values: Mapping[str, object]) -> Seal:
        """Write `summary.json` and seal the session, which completes it.

        Parameters
        ----------
        values : mapping
            Content of the summary, as JSON values; the frame counts are added.

        Returns
        -------
        Seal
            With the hash of the journal's last line.

        Raises
        ------
        OutputError
            When the disk does not accept the file or something was lost before; the session stays partial.
        """
        text = json.dumps({**values, **self.settle().as_json()}, indent=2, allow_nan=False) + "\n"
        write_atomically(self.folder / "summary.json", text.encode())
        return self.seal()

    def close(self) -> None:
        """End the writer once it has written what it has; without `finish` the session stays partial."""
        self._link.close()

    def __enter__(self) -> Self:
        """Return the recorder itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the writer."""
        self.close()


def _stored(step: Step) -> StoredFrame | None:
    """Return a step's frame as it is stored; None without a frame, or when its pixels are not numbers."""
    frame = step.frame
    return None if frame is None or frame.image.dtype.kind not in "buif" else StoredFrame.of(frame)


def make_session_folder(folder: Path) -> None:
    """Create the folder of a session, or raise OutputError when it is not empty or cannot be created."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=PRIVATE, exist_ok=True)
        # One that was there already, or a mask that takes less.
        folder.chmod(PRIVATE)
        # The control socket may exist already; it holds no data.
        taken = next((one for one in folder.iterdir() if not one.is_socket()), None)
    except OSError as error:
        raise OutputError(
            f"{folder}: the session folder cannot be created ({error.strerror or error}); name another one"
        ) from error
    if taken is not None:
        raise OutputError(
            f"{folder}: holds {taken.name!r} already; a session needs a new or empty folder, name another one"
        )
