"""DICOM source: a storage provider for MR images, which become frames in a thread of its own."""

import socket
import threading
from collections import deque
from dataclasses import dataclass, replace
from functools import partial

from pydicom.uid import UID

from gatekeeper.config.source import DicomSourceConfig
from gatekeeper.core.clock import Clock
from gatekeeper.core.errors import GeometryError, InputError, OtherPlaneError
from gatekeeper.sources.connections import peer_of
from gatekeeper.sources.dicom.association import provider, serve
from gatekeeper.sources.dicom.frames import DicomFrames
from gatekeeper.sources.dicom.transport import greets
from gatekeeper.sources.network import NetworkSource
from gatekeeper.sources.statistics import SourceCounts
from gatekeeper.wire.listener import CLOSING_S
from gatekeeper.wire.stream import Breach

NAME = "dicom source"
WHERE = f"{NAME}: an image"
WAITING = 8
"""Largest number of objects waiting to be decoded; on overflow the oldest is dropped."""


@dataclass(frozen=True, slots=True)
class _Object:
    """An object as received."""

    stored: bytes
    syntax: UID
    received_s: float
    connection: int
    peer: str
    ae_title: str
    implementation: str


class DicomSource(NetworkSource):
    """Receive MR images by C-STORE, single-frame or enhanced, from a scanner or a program that forwards its images.

    A sender keeps its association open between images: where one ends, the numbers have a gap and the beam is held.
    Objects are accepted and answered at once; whether they are frames is determined afterwards, and counted.

    Parameters
    ----------
    config : DicomSourceConfig
        Address, AE title, allowed senders and limits.
    clock : Clock
        Session time, by which arrivals are stamped.

    Raises
    ------
    ConfigError
        When it cannot listen there.
    """

    def __init__(self, config: DicomSourceConfig, clock: Clock) -> None:
        super().__init__(config)
        self._clock = clock
        self._frame_clock, self._plane = config.clock, config.plane
        self._largest_bytes = config.largest_message_bytes
        self._deadline_s = config.read_deadline_s
        self._entity = provider(config.ae_title, config.calling_ae_titles, config.read_deadline_s)
        self._waiting: deque[_Object] = deque()
        self._changed = threading.Condition()
        self._is_closing = False
        self._connection = 0
        self._peer = ""
        self._dropped = 0
        self._link = self._listener(
            config, config.port, self._serve, NAME, partial(greets, config.ae_title, config.calling_ae_titles)
        )
        self._decoder = threading.Thread(target=self._decode, name=f"{NAME} decoder", daemon=True)
        self._decoder.start()

    @property
    def counts(self) -> SourceCounts:
        """Counts so far; may be read from any thread."""
        return self._statistics.counts(self._queue.dropped + self._dropped)

    def close(self) -> None:
        """End the association and all threads; may be called twice."""
        self._link.close()
        with self._changed:
            self._is_closing = True
            self._waiting.clear()
            self._changed.notify_all()
        self._decoder.join(CLOSING_S)
        self._queue.close()

    def _serve(self, link: socket.socket, peer: str) -> None:
        self._connection += 1
        self._peer = peer_of(link, peer)
        serve(self._entity, link, peer, self._largest_bytes, self._deadline_s, self._stored, self._broken, self._secure)

    def _broken(self, breach: Breach, why: str) -> None:
        self._statistics.add("broken", breach.value, f"{NAME}: {why}")

    def _stored(self, stored: bytes, syntax: UID, sender: tuple[str, str]) -> None:
        """Queue an object; called in the association's thread."""
        one = _Object(stored, syntax, self._clock.now_s(), self._connection, self._peer, *sender)
        with self._changed:
            if len(self._waiting) == WAITING:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(one)
            self._changed.notify()

    def _decode(self) -> None:
        """Turn objects into frames, until closed."""
        frames = DicomFrames(self._frame_clock, self._plane)
        connection = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closing)
                if self._is_closing:
                    return
                one = self._waiting.popleft()
            if one.connection != connection:
                connection = one.connection
                frames.connected()
                self._connections.begin()
            try:
                for frame in frames.frames(one.stored, one.syntax, one.received_s, WHERE, self._unfit, self._noted):
                    number = self._connections.number(one.peer, f"DICOM {one.implementation}".strip(), one.ae_title)
                    self._statistics.frame()
                    self._queue.put(replace(frame, connection=number))
            except (InputError, MemoryError, OSError) as error:
                self._unfit(error)

    def _noted(self, note: str) -> None:
        self._statistics.add("noted", "header", note)

    def _unfit(self, error: Exception) -> None:
        kinds: dict[type[Exception], str] = {OtherPlaneError: "plane", GeometryError: "geometry"}
        self._statistics.add("unfit", kinds.get(type(error), "image"), str(error))
