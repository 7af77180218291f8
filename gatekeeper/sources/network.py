"""What every source that is sent images over a network has in common, whatever its protocol."""

import math
from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

from gatekeeper.core.frame import Frame
from gatekeeper.core.orientation import Reorientation
from gatekeeper.sources.device_clock import DeviceClock
from gatekeeper.sources.frame_queue import FrameQueue
from gatekeeper.sources.sequence_numbers import SequenceNumbers
from gatekeeper.sources.statistics import SourceCounts, SourceStatistics
from gatekeeper.wire.caller import Caller
from gatekeeper.wire.listener import Listener

DAY_S = 86_400.0
"""Clocks that tell the time of day begin again at 0 after it, in seconds."""
KNOWN_PLANES = 16
"""So many geometries are remembered; a device that interleaves more of them computes some anew."""


class NetworkSource:
    """The part of a live source that faces the session: frames wait in a mailbox, and everything is counted."""

    _link: Listener | Caller

    def __init__(self) -> None:
        self._statistics = SourceStatistics()
        self._queue = FrameQueue()

    @property
    def address(self) -> tuple[str, int]:
        """Address and port on which it listens, or to which it connects."""
        return self._link.address

    @property
    def counts(self) -> SourceCounts:
        """What came so far; may be read from any thread."""
        return self._statistics.counts(self._queue.dropped)

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Return the oldest frame that waits, else the next one within `timeout_s` of session time, else None."""
        return self._queue.next_frame(timeout_s)

    def ended(self) -> bool:
        """Return True after `close`; a sender that leaves may come back."""
        return self._queue.ended()

    def close(self) -> None:
        """End the connection and listen or call no more; may be called twice."""
        self._link.close()
        self._queue.close()


class ImageStamps:
    """Numbers and times of a sender's images in the session; of what it has only ever said 0 it does not tell.

    Parameters
    ----------
    modulus : int
        After so many numbers the sender's begin again at 0.
    period_s : float
        After this time its stamps begin again at 0, in seconds.
    """

    def __init__(self, modulus: int, period_s: float = math.inf) -> None:
        self._numbers = SequenceNumbers(modulus)
        self._time = DeviceClock(period_s)
        self._is_stamped = self._is_numbered = False

    def connected(self) -> None:
        """Say that another connection begins: its numbers and its clock are new."""
        self._numbers.broken()
        self._time.reset()
        self._is_stamped = self._is_numbered = False

    def number(self, told: int) -> int:
        """Return the session's number of the next image; a sender that does not count is counted."""
        self._is_numbered = self._is_numbered or told != 0
        return self._numbers.number(told if self._is_numbered else None)

    def acquired_s(self, told_s: float, received_s: float) -> float:
        """Return when an image was acquired, in s of session time; for a sender without a clock it is its arrival."""
        self._is_stamped = self._is_stamped or told_s != 0.0
        return self._time.acquired_s(told_s, received_s) if self._is_stamped else received_s


class ReorientationCache:
    """How images of the geometries that came lately become canonical."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Reorientation] = {}

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._known)

    def get(self, key: Hashable, make: Callable[[], Reorientation]) -> Reorientation:
        """Return what is known of a geometry, or else what `make` makes of it; what that raises is not remembered."""
        known = self._known.get(key)
        if known is None:
            known = make()
            if len(self._known) >= KNOWN_PLANES:
                self._known.clear()
            self._known[key] = known
        return known


def canonical(pixels: NDArray[np.generic], reorient: Reorientation) -> NDArray[np.float32]:
    """Return an image of its own in canonical orientation; of complex pixels their magnitude."""
    # What is too large for float32 becomes infinite, which the gate holds on.
    with np.errstate(over="ignore", invalid="ignore"):
        real = np.abs(pixels) if np.iscomplexobj(pixels) else pixels
        return np.array(reorient.apply(real), dtype=np.float32, order="C")
