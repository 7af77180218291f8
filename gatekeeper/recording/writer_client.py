"""The loop's side of the writer process: the ring to it, and checks that it is alive."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.core.clock import pause, stopwatch_ns
from gatekeeper.core.errors import OutputError
from gatekeeper.recording.ring_buffer import Buffer, RingBuffer, WriterState
from gatekeeper.runtime import process as background

CAPACITY = 1 << 26
"""Size of the ring in bytes: about 30 s of 256 x 256 pixels at eight frames per second."""
SPARE = 1 << 20
"""Room kept for lines when there is none left for frames, in bytes: more than 1000 decisions."""
START_S = 30.0
"""Longest time for the writer to start, before a session is armed, in s."""
CLOSE_S = 10.0
"""Longest time for the writer to end after an aborted session, in s."""
_NAP_S = 0.001


@dataclass(frozen=True, slots=True)
class WriterTimeouts:
    """How long to wait for a slow writer.

    Attributes
    ----------
    room_s : float
        Longest wait for room in the ring before something is dropped, in seconds of real time.
    hung_s : float
        Time without a sign of life after which the writer counts as hung, in seconds of real time.
    ready_first : bool
        Whether the writer must be on its way to the disk before the first frame comes.
    """

    room_s: float
    hung_s: float
    ready_first: bool


LIVE_TIMEOUTS = WriterTimeouts(room_s=0.0, hung_s=2.0, ready_first=True)
"""Never wait: a frame without room is dropped and counted, a line without room is a fault."""
OFFLINE_TIMEOUTS = WriterTimeouts(room_s=60.0, hung_s=60.0, ready_first=False)
"""Wait for the disk instead of dropping frames, for frames that come from a disk themselves; begin beside its start."""


class WriterClient:
    """Start a writer and send records to it.

    Parameters
    ----------
    folder : Path
        Folder of the session.
    timeouts : WriterTimeouts
        How long to wait for a slow writer.
    stopwatch : callable
        Return a counter of real time in ns.
    capacity : int
        Size of the ring in bytes.

    Attributes
    ----------
    fault : str or None
        Why records are no longer kept; None while they are. It stays once set, and nothing more is sent.
    """

    def __init__(
        self,
        folder: Path,
        timeouts: WriterTimeouts,
        stopwatch: Callable[[], int] = stopwatch_ns,
        capacity: int = CAPACITY,
    ) -> None:
        self.fault: str | None = None
        self._folder, self._timeouts, self._stopwatch = folder, timeouts, stopwatch
        descriptor = RingBuffer.memory(capacity)
        listening, self._doorbell = os.pipe()
        try:
            os.set_blocking(self._doorbell, False)
            self.ring = RingBuffer(descriptor)
            files = (descriptor, listening)
            self._process = background.start_process(
                "gatekeeper.recording.writer_process", *files, os.getpid(), folder.resolve(), passed=files
            )
        finally:
            os.close(descriptor)
            os.close(listening)
        self._beats, self._heard_ns = self.ring.beats, stopwatch()
        self._closed = False

    @property
    def pid(self) -> int:
        """Id of the writer's process."""
        return self._process.pid

    def put(self, parts: Sequence[Buffer], spare: int = 0, room_s: float | None = None) -> bool:
        """Send one record; return False when there is no room for it or the record is no longer kept.

        Parameters
        ----------
        parts : sequence of bytes-like
            The record, from `gatekeeper.recording.serialization.pack`.
        spare : int
            Room that must remain in the ring afterwards, in bytes.
        room_s : float, optional
            Longest wait for room, in s; by default that of the timeouts.
        """
        if self.fault is not None:
            return False
        room_s = self._timeouts.room_s if room_s is None else room_s
        if not self.ring.put(parts, spare) and not self._put_later(parts, spare, room_s):
            return False
        try:
            os.write(self._doorbell, b"\0")
        except BlockingIOError:
            pass  # The pipe is full, so the writer wakes up anyway.
        except OSError:
            if not self._has_stopped():
                self.lose("the writer has ended")
        return self.fault is None

    def lose(self, reason: str) -> None:
        """Set the fault: from here on the record would have a gap."""
        if self.fault is None:
            named = reason if str(self._folder) in reason else f"{self._folder}: {reason}"
            self.fault = f"{named}; the record is lost from here on, and the beam is held"

    def check(self) -> str | None:
        """Check the writer without waiting, and return the fault, if there is one."""
        if self.fault is None and not self._closed and not self._has_stopped():
            beats, now_ns = self.ring.beats, self._stopwatch()
            if beats != self._beats:
                self._beats, self._heard_ns = beats, now_ns
            elif self.ring.state is WriterState.STARTING:
                self._heard_ns = now_ns  # While it loads its modules it gives no sign of life; START_S is its limit.
            elif not now_ns - self._heard_ns <= self._timeouts.hung_s * 1e9:
                self.lose(f"the writer has shown no sign of life for {self._timeouts.hung_s:g} s")
        return self.fault

    def _has_stopped(self) -> bool:
        """Return whether the writer has failed or ended early, and if so, set the fault."""
        ended = self._process.poll() is not None
        state = self.ring.state
        if state is WriterState.FAILED:
            self.lose(self.ring.message)
        elif ended and state is not WriterState.DONE:
            self.lose("the writer has ended")
        return self.fault is not None

    def wait_until(self, state: WriterState, limit_s: float) -> None:
        """Wait until the writer has reached `state`; not to be called while frames are judged.

        Parameters
        ----------
        state : WriterState
            The state.
        limit_s : float
            Longest wait, in s.

        Raises
        ------
        OutputError
            When the writer fails, ends or takes longer than `limit_s`.
        """
        end_ns = self._stopwatch() + int(limit_s * 1e9)
        while not self._has_stopped() and self.ring.state < state:
            if self._stopwatch() > end_ns:
                self.lose(f"the writer takes longer than {limit_s:g} s")
            pause(_NAP_S)
        if self.fault is not None:
            raise OutputError(f"{self.fault}; free some space or name another folder")

    def close(self) -> None:
        """Let the writer finish what it has, and end it; may be called twice."""
        if self._closed:
            return
        self._closed = True
        os.close(self._doorbell)
        background.end_process(self._process, CLOSE_S)
        self.ring.close()

    def _put_later(self, parts: Sequence[Buffer], spare: int, room_s: float) -> bool:
        """Put as soon as there is room, at most `room_s` from now, if the record can fit at all."""
        end_ns = self._stopwatch() + int(room_s * 1e9)
        fits = sum(map(len, parts)) + spare < self.ring.capacity // 2
        while fits and self._stopwatch() < end_ns and self.check() is None:
            pause(_NAP_S)
            if self.ring.put(parts, spare):
                return True
        return False
