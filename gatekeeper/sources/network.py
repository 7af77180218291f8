"""What all network sources have in common, whatever their protocol."""

import math
from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

from gatekeeper.config.source import NetworkSourceConfig
from gatekeeper.core.frame import Frame
from gatekeeper.core.orientation import Reorientation
from gatekeeper.sources.connections import Connection, Connections
from gatekeeper.sources.device_clock import DeviceClock
from gatekeeper.sources.frame_queue import FrameQueue
from gatekeeper.sources.sequence_numbers import SequenceNumbers
from gatekeeper.sources.statistics import SourceCounts, SourceStatistics
from gatekeeper.wire.caller import Caller
from gatekeeper.wire.listener import Listener, Serve
from gatekeeper.wire.security import greets, security
from gatekeeper.wire.waiting import Greeting

DAY_S = 86_400.0
"""Period of clocks that give the time of day, in s."""
NO_TIME = 'gives no time of acquisition; let it, or set clock = "none" in [source]'
"""What is said of a sender without a clock."""
KNOWN_PLANES = 16
"""Largest number of cached geometries."""


class NetworkSource:
    """The part of a live source that faces the session: a queue of frames, statistics, and who sends.

    Parameters
    ----------
    config : NetworkSourceConfig
        The settings.
    server : bool
        Whether senders connect to it.
    """

    _link: Listener | Caller

    def __init__(self, config: NetworkSourceConfig, *, server: bool = True) -> None:
        self._secure = security(config.tls, server=server)
        self._statistics = SourceStatistics()
        self._queue = FrameQueue()
        self._connections = Connections()

    def _listener(
        self, config: NetworkSourceConfig, port: int, serve: Serve, name: str, greeting: Greeting
    ) -> Listener:
        """Return a listener with the settings of the source, which counts its connections."""
        return Listener(
            config.host,
            port,
            config.allow,
            serve,
            self._statistics.count_connection,
            name,
            greeting if config.tls is None else greets,
            config.greeting_s,
            lambda: self._statistics.frame_ns,
        )

    @property
    def address(self) -> tuple[str, int]:
        """Address and port on which it listens, or to which it connects."""
        return self._link.address

    @property
    def counts(self) -> SourceCounts:
        """Counts so far; may be read from any thread."""
        return self._statistics.counts(self._queue.dropped)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The last connections that have delivered images, oldest first; may be read from any thread."""
        return self._connections.last

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the oldest waiting frame, else the next one within `timeout_s` of session time, else None."""
        return self._queue.next_frame(timeout_s)

    def ended(self) -> bool:
        """Return True after `close`; a sender that leaves may come back."""
        return self._queue.ended()

    def close(self) -> None:
        """End the connection and stop listening or connecting; may be called twice."""
        self._link.close()
        self._queue.close()


class ImageStamps:
    """Session numbers and times of a sender's images.

    A sender that has sent only zeros as number or time does not give it. Its clock is that of the whole session, over
    all connections.

    Parameters
    ----------
    clock : str
        "sender", or "none": times of the sender are not used, an image was acquired when it arrived.
    modulus : int
        Number of the sender's numbers, after which they start again at 0.
    period_s : float
        Time after which its stamps start again at 0, in s.
    """

    def __init__(self, clock: str, modulus: int, period_s: float = math.inf) -> None:
        self._clock = clock
        self._numbers = SequenceNumbers(modulus)
        self._time = DeviceClock(period_s)
        self._is_stamped = self._is_numbered = False

    def connected(self) -> None:
        """Start a new connection, whose numbers are new."""
        self._numbers.broken()
        self._time.connected()
        self._is_numbered = False

    def number(self, device: int) -> int:
        """Return the session's number of the next image; without numbers of the sender, images are counted."""
        self._is_numbered = self._is_numbered or device != 0
        return self._numbers.number(device if self._is_numbered else None)

    def times_s(self, device_s: float, received_s: float) -> tuple[float, float]:
        """Return when an image was acquired, in session time and on the sender's clock, in s; NaN if not known."""
        if self._clock == "none":
            return received_s, math.nan
        self._is_stamped = self._is_stamped or device_s != 0.0
        return self._time.times_s(device_s, received_s) if self._is_stamped else (math.nan, math.nan)


class ReorientationCache:
    """Reorientations of the image geometries that came recently."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Reorientation] = {}

    def __len__(self) -> int:
        """Return the number of cached geometries."""
        return len(self._known)

    def get(self, key: Hashable, make: Callable[[], Reorientation]) -> Reorientation:
        """Return the cached reorientation of a geometry, or the result of `make`; exceptions are not cached."""
        known = self._known.get(key)
        if known is None:
            known = make()
            if len(self._known) >= KNOWN_PLANES:
                self._known.clear()
            self._known[key] = known
        return known


def canonical(pixels: NDArray[np.generic], reorient: Reorientation) -> NDArray[np.float32]:
    """Return a copy of an image in canonical orientation; the magnitude of complex pixels."""
    # Values too large for float32 become infinite, on which the gate holds.
    with np.errstate(over="ignore", invalid="ignore"):
        real = np.abs(pixels) if np.iscomplexobj(pixels) else pixels
        return np.array(reorient.apply(real), dtype=np.float32, order="C")
